package factor

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"glassjar/utl/db"
)

// The purposes of encrypted secrets. The purpose is part of the authenticated data, so
// that a secret encrypted for one purpose is not accepted for the other.
const (
	forSetUp = "set-up" // the secret of an authenticator app that is being set up
	forApp   = "app"    // the secret of one that is turned on
)

// aead returns AES-256-GCM with the key.
func aead(key [32]byte) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // only for a key of another length
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // only for another cipher than AES
	}
	return a
}

// about returns the additional data that binds a ciphertext to its purpose and account.
func about(purpose, accountID string) []byte { return []byte(purpose + "\x00" + accountID) }

// seal encrypts plain for the purpose and the account, with the first key, and returns
// the ciphertext in base64 and that key's id.
func (s *Store) seal(purpose, accountID string, plain []byte) (sealed, keyID string) {
	key := (*s.keys.Load())[0]
	return base64.RawURLEncoding.EncodeToString(aead(key).Seal(nil, nil, plain, about(purpose, accountID))), idOf(key) // #nosec G407 -- it draws the nonce itself
}

// open decrypts the output of seal for the same purpose and account, with any of the
// keys. Errors: ErrBroken.
func (s *Store) open(purpose, accountID, sealed string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return nil, ErrBroken
	}
	for _, key := range *s.keys.Load() {
		if plain, err := aead(key).Open(nil, nil, raw, about(purpose, accountID)); err == nil {
			return plain, nil
		}
	}
	return nil, ErrBroken
}

// idOf returns a short id of the key, from which the key cannot be computed.
func idOf(key [32]byte) string {
	sum := sha256.Sum256(append([]byte("glassjar factor key id\x00"), key[:]...))
	return hex.EncodeToString(sum[:6])
}

// hash returns the SHA-256 of a random secret of 120 bits or more, in hex. Such a secret
// cannot be guessed, so it needs no slow hash (OWASP ASVS 5.0, 6.5.2).
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// random returns n random bytes.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand.Read never returns an error
	return b
}

// sealRows is how many secrets one transaction of Reencrypt encrypts.
const sealRows = 200

// Reencrypt encrypts every secret with the first key that is encrypted with another.
// Afterwards the other keys can be removed. It returns how many secrets no key decrypts;
// those are already lost. Errors: db.ErrUnavailable.
func (s *Store) Reencrypt(ctx context.Context) (broken int, err error) {
	after := ""
	for {
		rows, err := db.All(ctx, s.DB, scanApp, selectApps+` WHERE account_id > ? AND key_id <> ? ORDER BY account_id LIMIT ?`,
			after, idOf((*s.keys.Load())[0]), sealRows)
		if err != nil || len(rows) == 0 {
			return broken, err
		}
		after = rows[len(rows)-1].accountID
		lost, err := s.reencrypt(ctx, rows)
		if err != nil {
			return broken, fmt.Errorf("encrypting authenticator apps' secrets with the newest key: %w", err)
		}
		broken += lost
	}
}

func (s *Store) reencrypt(ctx context.Context, rows []app) (broken int, err error) {
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		broken = 0
		for _, row := range rows {
			secret, err := s.open(forApp, row.accountID, row.sealed)
			if errors.Is(err, ErrBroken) {
				broken++
				continue
			}
			sealed, keyID := s.seal(forApp, row.accountID, secret)
			if _, err := tx.Exec(ctx, `UPDATE authenticators SET secret = ?, key_id = ? WHERE account_id = ? AND secret = ?`,
				sealed, keyID, row.accountID, row.sealed); err != nil { // AND secret = ? leaves a secret alone that was replaced meanwhile
				return err
			}
		}
		return nil
	})
	return broken, err
}
