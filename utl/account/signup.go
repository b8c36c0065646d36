package account

import (
	"context"
	"errors"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

// Who may make an account: the values of SIGNUP.
const (
	ByInvitation = "invite"  // whom an owner invited
	ByApproval   = "approve" // everybody, once an owner says yes
	ByAnybody    = "open"    // everybody
)

const (
	// MaxWaiting is how many accounts wait for an owner's yes at most: strangers
	// make them.
	MaxWaiting = 1000
	// WaitingLife is how long an account waits. Then it is deleted.
	WaitingLife = 30 * 24 * time.Hour
)

var (
	// ErrWaiting means that the account waits for an owner's yes.
	ErrWaiting = errors.New("the account waits for an owner's yes")
	// ErrNotWaiting means that the account does not wait, or not any more.
	ErrNotWaiting = errors.New("the account does not wait for an owner's yes")
	// ErrFull means that MaxWaiting accounts wait already.
	ErrFull = errors.New("too many accounts wait for an owner's yes")
)

// CheckSignUp returns the mistake that SignUp would find in the form, without
// reading the database or hashing. Errors: the form's among SignUp's.
func (s *Store) CheckSignUp(w NewAccount) error {
	w.Role = Member
	who, err := w.identity()
	if err == nil {
		err = s.checkPassword(w.Password, who.Username)
	}
	return err
}

// SignUp makes the account of somebody whom nobody invited: a member. One that
// waits can do nothing until Approve. Errors: ErrNoOwner, ErrFull, and Add's but
// ErrRole.
func (s *Store) SignUp(ctx context.Context, w NewAccount, waits bool, by audit.Actor) (session.Verified, error) {
	w.Role = Member
	if err := s.needOwner(ctx, Member); err != nil {
		return session.Verified{}, err
	}
	c, err := s.prepare(ctx, w)
	if err != nil {
		return session.Verified{}, err
	}
	c.Disabled, c.Waiting = waits, waits
	by.ID, by.Name = c.ID, c.Username
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := lockOwners(ctx, tx); err != nil {
			return err
		}
		if waits {
			if err := hasRoom(ctx, tx); err != nil {
				return err
			}
		}
		return s.insert(ctx, tx, c, by)
	})
	if err != nil {
		return session.Verified{}, err
	}
	return c.Verified(1, byPassword), nil
}

// Waiting returns how many accounts wait for an owner's yes. Errors:
// db.ErrUnavailable.
func (s *Store) Waiting(ctx context.Context) (int, error) {
	n, err := waiting(ctx, s.DB)
	return int(n), err
}

// hasRoom returns ErrFull when no other account may wait. The transaction must
// have the lock of the owners.
func hasRoom(ctx context.Context, tx *db.Tx) error {
	n, err := waiting(ctx, tx)
	if err == nil && n >= MaxWaiting {
		err = ErrFull
	}
	return err
}

func waiting(ctx context.Context, from db.Querier) (int64, error) {
	return db.One(ctx, from, db.Int, `SELECT COUNT(*) FROM accounts WHERE waiting_at <> 0`)
}

// Approve lets an account that waits sign in. Errors: ErrNotWaiting, ErrName,
// ErrUnknown, db.ErrUnavailable.
func (s *Store) Approve(ctx context.Context, name string, by audit.Actor) error {
	return s.changeByName(ctx, name, by, "account.approved", func(tx *db.Tx, c credentials) error {
		if !c.Waiting {
			return ErrNotWaiting
		}
		_, err := tx.Exec(ctx, `UPDATE accounts SET disabled_at = 0, waiting_at = 0 WHERE id = ?`, c.ID)
		if c.Disabled = false; err == nil {
			err = s.askConfirm(ctx, tx, c.Account, by)
		}
		return err
	})
}

// Reject deletes an account that waits. Its username may be taken again: nobody
// was ever signed in under it, so no app keeps anything for it. Errors:
// ErrNotWaiting, ErrName, ErrUnknown, db.ErrUnavailable.
func (s *Store) Reject(ctx context.Context, name string, by audit.Actor) error {
	return s.drop(ctx, name, by, "account.rejected", s.Now())
}

// drop deletes the account, if it waits since before the time.
func (s *Store) drop(ctx context.Context, name string, by audit.Actor, kind string, before time.Time) error {
	return s.changeByName(ctx, name, by, kind, func(tx *db.Tx, c credentials) error {
		n, err := tx.Exec(ctx, `DELETE FROM accounts WHERE id = ? AND waiting_at <> 0 AND waiting_at <= ?`, c.ID, db.Micros(before))
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotWaiting
		}
		return unindexPerson(ctx, tx, c.Username)
	})
}

// sweepWaiting deletes the accounts that have waited for longer than WaitingLife,
// each as Reject does.
func (s *Store) sweepWaiting(ctx context.Context) error {
	before := s.Now().Add(-WaitingLife)
	names, err := db.All(ctx, s.DB, db.Text, `SELECT username FROM accounts WHERE waiting_at <> 0 AND waiting_at <= ? LIMIT ?`, db.Micros(before), MaxWaiting)
	for _, name := range names {
		if err == nil {
			err = s.drop(ctx, name, audit.Actor{Name: "glassjar"}, "account.expired", before)
		}
		if errors.Is(err, ErrNotWaiting) || errors.Is(err, ErrUnknown) { // an owner, or another server, was faster
			err = nil
		}
	}
	return err
}
