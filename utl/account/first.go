package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/db"
)

var (
	// ErrNoOwner means that no owner can sign in, so nobody could manage a new
	// member.
	ErrNoOwner = errors.New("no owner can sign in yet")
	// ErrReplaced means that a newer link replaced this link for the first owner. It
	// is also an ErrLink.
	ErrReplaced = fmt.Errorf("%w: a newer one replaced it", ErrLink)
)

// replaced is the value of the column links.first for a first owner's link that a
// newer one replaced. 1 is the valid one, and 0 is any other link.
const replaced = 2

// startsTogether is how long after one server created the first owner's link no
// other server creates one: servers that start together print one valid link.
const startsTogether = 10 * time.Second

// MadeError means that another server created the first owner's link just now, so
// this one creates none.
type MadeError struct{ Ago time.Duration }

func (e *MadeError) Error() string {
	return fmt.Sprintf("another start made the first owner's link %v ago", e.Ago.Round(time.Second))
}

// lockOwners takes a database lock until the transaction ends: no other transaction
// creates an account, or demotes, disables or deletes an owner meanwhile. Call it
// before the first statement, but after session.LockAccount.
func lockOwners(ctx context.Context, tx *db.Tx) error { return tx.Lock(ctx, "owners") }

const ownerExists = `EXISTS (SELECT 1 FROM accounts WHERE role = 'owner' AND disabled_at = 0)`

// OwnerMissing reports whether accounts exist but none is an owner who can sign in.
// Errors: db.ErrUnavailable.
func (s *Store) OwnerMissing(ctx context.Context) (bool, error) {
	n, err := db.One(ctx, s.DB, db.Int, `SELECT COUNT(*) FROM (SELECT 1 FROM accounts LIMIT 1) AS any_account WHERE NOT `+ownerExists)
	return n > 0, err
}

// needOwner returns ErrNoOwner if the role is Member and no owner can sign in: a
// member's account would make the first owner's link invalid.
func (s *Store) needOwner(ctx context.Context, role string) error {
	if role != Member {
		return nil
	}
	n, err := db.One(ctx, s.DB, db.Int, `SELECT COUNT(*) FROM (SELECT 1 AS one) AS row_of_one WHERE `+ownerExists)
	if err == nil && n == 0 {
		err = ErrNoOwner
	}
	return err
}

// replaceFirst invalidates the first owner's links of earlier starts, so that only
// the newest is valid. Errors: *MadeError.
func (s *Store) replaceFirst(ctx context.Context, tx *db.Tx) error {
	if err := lockOwners(ctx, tx); err != nil {
		return err
	}
	made, err := db.One(ctx, tx, db.Int, `SELECT COALESCE(MAX(created_at), 0) FROM links WHERE first = 1 AND used_at = 0`)
	if err != nil {
		return err
	}
	if ago := s.Now().Sub(db.Time(made)); ago.Abs() < startsTogether {
		return &MadeError{Ago: max(0, ago)} // ago can be negative: created_at is taken before the lock
	}
	if _, err := tx.Exec(ctx, `DELETE FROM links WHERE first = ? AND expires_at <= ?`, replaced, db.Micros(s.Now())); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE links SET first = ? WHERE first = 1`, replaced)
	return err
}

// madeFirst is a link for the first owner, by its code's hash, and when it was created.
type madeFirst struct {
	hash string
	at   time.Time
}

// AllowFirst lets the next start create a new link for the first owner at once, if the
// present one is of this server, which is about to end. Errors: db.ErrUnavailable.
func (s *Store) AllowFirst(ctx context.Context) error {
	made := s.madeFirst.Load()
	if made == nil || s.Now().Sub(made.at) > startsTogether {
		return nil
	}
	return s.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE links SET created_at = created_at - ? WHERE code_hash = ?`, startsTogether.Microseconds(), made.hash)
		return err
	})
}

// whyInvalid returns why no link has the code: ErrReplaced or ErrLink.
func (s *Store) whyInvalid(ctx context.Context, from db.Querier, code string) error {
	n, err := db.One(ctx, from, db.Int, `SELECT first FROM links WHERE code_hash = ? AND expires_at > ?`, hashCode(code), db.Micros(s.Now()))
	switch {
	case err == nil && n == replaced:
		return ErrReplaced
	case err != nil && !errors.Is(err, db.ErrNone):
		return err
	}
	return ErrLink
}
