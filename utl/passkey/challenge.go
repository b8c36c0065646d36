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
	// Life is how long a challenge is good.
	Life = 5 * time.Minute

	skew        = time.Minute // how far another server's clock may run ahead of ours
	randomBytes = 16
	datedBytes  = randomBytes + 8
	expiredRows = 10 // that a used challenge deletes at most: more than come with it, so that they never pile up
)

// Use is what a challenge is for: it is good for nothing else.
type Use string

// The uses of challenges.
const (
	Register    Use = "register"     // a passkey that may start a sign-in
	RegisterKey Use = "register-key" // a security key that may only follow a password
	SignIn      Use = "sign-in"      // without a username
	SecondStep  Use = "second-step"  // after a password
	Proof       Use = "proof"        // of somebody signed in
)

// Question is what a challenge is made for.
type Question struct {
	Use    Use
	Holder string // the one browser or session that it is good in
}

// challenge is random bytes, when it expires, and a signature over both and its
// question. It stands in no row until it is used.
type challenge []byte

// newChallenge returns a challenge for the question.
func (s *Store) newChallenge(q Question) challenge {
	c := make(challenge, randomBytes, datedBytes+sha256.Size)
	_, _ = rand.Read(c)                                                        // it never fails
	c = binary.BigEndian.AppendUint64(c, uint64(db.Micros(s.Now().Add(Life)))) // #nosec G115 -- not before 1970
	return append(c, sign((*s.keys.Load())[0], c, q)...)
}

// sign returns the signature of a dated challenge for the question.
func sign(key [32]byte, dated []byte, q Question) []byte {
	h := hmac.New(sha256.New, key[:])
	fmt.Fprintf(h, "%s\x00%s\x00", dated, q.Use) // of a fixed length, then one of ours: neither can reach into the next
	h.Write([]byte(q.Holder))
	return h.Sum(nil)
}

// readChallenge returns the challenge that the text spells, if this site made it for
// the question and it has not expired. Whether it was used, spend tells. Errors:
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
	return db.Time(int64(binary.BigEndian.Uint64(c[randomBytes:]))) // #nosec G115 -- as newChallenge made it
}

func (c challenge) text() string { return base64.RawURLEncoding.EncodeToString(c) }

// spend uses the challenge up. Of several transactions at once one succeeds. Errors:
// ErrUsed, db.ErrUnavailable.
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
