package passkey

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"glassjar/utl/db"
)

const (
	// Life is how long a challenge is valid.
	Life = 5 * time.Minute

	skew        = time.Minute // how far the clock of another server may be ahead
	randomBytes = 16
	datedBytes  = randomBytes + 8
	expiredRows = 10 // how many expired rows each used challenge deletes at most: more than the one that it adds, so that the table stays small
)

// Use is the purpose of a challenge. It is accepted for no other.
type Use string

// The uses of challenges.
const (
	Register    Use = "register"     // adding a passkey that may start a sign-in
	RegisterKey Use = "register-key" // adding a security key that may only follow a password
	SignIn      Use = "sign-in"      // signing in without a username
	SecondStep  Use = "second-step"  // the second step of a sign-in, after the password
	Proof       Use = "proof"        // proving again who one is, while signed in
)

// Question is what a challenge is bound to: it is valid only for an answer to the same
// Question.
type Question struct {
	Use    Use
	Holder string // identifies the browser or session that may use it
}

// challenge is random bytes, the time when it expires, and an HMAC-SHA256 over both and
// the Question. Nothing is stored until it is used.
type challenge []byte

// newChallenge returns a new challenge for the Question.
func (s *Store) newChallenge(q Question) challenge {
	c := make(challenge, randomBytes, datedBytes+sha256.Size)
	_, _ = rand.Read(c)                                                        // never returns an error
	c = binary.BigEndian.AppendUint64(c, uint64(db.Micros(s.Now().Add(Life)))) // #nosec G115 -- not before 1970
	return append(c, sign((*s.keys.Load())[0], c, q)...)
}

// sign returns the HMAC of the random bytes and the expiry (dated) and the Question.
func sign(key [32]byte, dated []byte, q Question) []byte {
	h := hmac.New(sha256.New, key[:])
	fmt.Fprintf(h, "%s\x00%s\x00", dated, q.Use) // unambiguous: dated has a fixed length, and no Use contains a NUL
	h.Write([]byte(q.Holder))
	return h.Sum(nil)
}

// readChallenge decodes the challenge, and verifies that this site made it for the
// Question and that it has not expired. spend finds out whether it was used. Errors:
// ErrChallenge, ErrExpired.
func (s *Store) readChallenge(text string, q Question) (challenge, error) {
	c, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(c) != datedBytes+sha256.Size {
		return nil, ErrChallenge
	}
	good := false
	for _, key := range *s.keys.Load() {
		good = hmac.Equal(c[datedBytes:], sign(key, c[:datedBytes], q)) || good
	}
	if !good {
		return nil, ErrChallenge
	}
	if left := challenge(c).expires().Sub(s.Now()); left <= 0 || left > Life+skew {
		return nil, ErrExpired
	}
	return c, nil
}

func (c challenge) expires() time.Time {
	return db.Time(int64(binary.BigEndian.Uint64(c[randomBytes:]))) // #nosec G115 -- newChallenge wrote an int64
}

func (c challenge) text() string { return base64.RawURLEncoding.EncodeToString(c) }

// spend marks the challenge as used. Of several concurrent transactions one succeeds.
// Errors: ErrUsed, db.ErrUnavailable.
func (s *Store) spend(ctx context.Context, tx *db.Tx, c challenge) error {
	if _, err := tx.Exec(ctx, `DELETE FROM used_challenges WHERE hash IN
		(SELECT hash FROM used_challenges WHERE expires_at <= ? LIMIT ? /* FOR UPDATE SKIP LOCKED */)`, db.Micros(s.Now().Add(-skew)), expiredRows); err != nil {
		return err
	}
	sum := sha256.Sum256(c)
	n, err := tx.Exec(ctx, `INSERT INTO used_challenges (hash, expires_at) VALUES (?, ?) ON CONFLICT DO NOTHING`,
		hex.EncodeToString(sum[:]), db.Micros(c.expires()))
	if err == nil && n == 0 {
		return ErrUsed
	}
	return err
}
