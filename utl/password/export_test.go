package password

import "golang.org/x/crypto/argon2"

// KeyFunc is the type of argon2.IDKey and of functions that replace it in tests.
type KeyFunc func(pw, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte

// SetKeyFunc makes the Hasher call f instead of argon2.IDKey.
func (h *Hasher) SetKeyFunc(f KeyFunc) { h.idKey = f }

// Argon2id is the function that NewHasher uses.
var Argon2id KeyFunc = argon2.IDKey
