package password

import "golang.org/x/crypto/argon2"

// KeyFunc is what derives a key: argon2.IDKey, or a test's stand-in for it.
type KeyFunc func(pw, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte

// SetKeyFunc puts f in argon2id's place, for tests that count or block.
func (h *Hasher) SetKeyFunc(f KeyFunc) { h.idKey = f }

// Argon2id is what NewHasher puts there.
var Argon2id KeyFunc = argon2.IDKey
