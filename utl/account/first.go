package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/db"
)

var (
	// ErrNoOwner means that no owner can sign in, so nobody could manage the
	// member who would be made.
	ErrNoOwner = errors.New("no owner can sign in yet")
	// ErrReplaced means that a newer link took the place of the first owner's. It
	// is an ErrLink too.
	ErrReplaced = fmt.Errorf("%w: a newer one replaced it", ErrLink)
)

// replaced is what the column first of a link says once a newer link took its
// place: 0 is any other link, 1 the first owner's.
const replaced = 2

// startsTogether is how long after a start that made the first owner's link another
// one makes none: servers that start together print one link that works.
const startsTogether = 10 * time.Second

// MadeError means that another start has just made the first owner's link, which works.
type MadeError struct{ Ago time.Duration }

func (e *MadeError) Error() string {
	return fmt.Sprintf("another start made the first owner's link %v ago", e.Ago.Round(time.Second))
}

// lockOwners keeps every other server from making an account, and from taking an
// owner's role or rights away, until the transaction ends. It comes before the
// first statement, but after an account's lock.
func lockOwners(ctx context.Context, tx *db.Tx) error { return tx.Lock(ctx, "owners") }

const ownerExists = `EXISTS (SELECT 1 FROM accounts WHERE role = 'owner' AND disabled_at = 0)`

// OwnerMissing reports whether there are accounts, and none of them is an owner
// who can sign in. Errors: db.ErrUnavailable.
func (s *Store) OwnerMissing(ctx context.Context) (bool, error) {
	n, err := db.One(ctx, s.DB, db.Int, `SELECT COUNT(*) FROM (SELECT 1 FROM accounts LIMIT 1) AS any_account WHERE NOT `+ownerExists)
	return n > 0, err
}

// needOwner returns ErrNoOwner when the role is a member's and no owner can
// sign in: the link of the first start would be lost with the first account.
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

// replaceFirst makes the links of earlier starts useless: of several starts
// before the first account, the newest link counts. Errors: *MadeError.
func (s *Store) replaceFirst(ctx context.Context, tx *db.Tx) error {
	if err := lockOwners(ctx, tx); err != nil {
		return err
	}
	made, err := db.One(ctx, tx, db.Int, `SELECT COALESCE(MAX(created_at), 0) FROM links WHERE first = 1 AND used_at = 0`)
	if err != nil {
		return err
	}
	if ago := s.Now().Sub(db.Time(made)); ago.Abs() < startsTogether { // its time was taken before the lock
		return &MadeError{Ago: max(0, ago)}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM links WHERE first = ? AND expires_at <= ?`, replaced, db.Micros(s.Now())); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE links SET first = ? WHERE first = 1`, replaced)
	return err
}

// notGood returns why the code is good for nothing: ErrReplaced, or ErrLink.
func (s *Store) notGood(ctx context.Context, from db.Querier, code string) error {
	n, err := db.One(ctx, from, db.Int, `SELECT first FROM links WHERE code_hash = ? AND expires_at > ?`, hashCode(code), db.Micros(s.Now()))
	switch {
	case err == nil && n == replaced:
		return ErrReplaced
	case err != nil && !errors.Is(err, db.ErrNone):
		return err
	}
	return ErrLink
}
