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
	ByInvitation = "invite"  // people whom an owner invites
	ByApproval   = "approve" // everybody; an owner has to approve the account
	ByAnybody    = "open"    // everybody
)

const (
	// MaxWaiting is how many accounts wait for an owner's approval at most. It is a
	// limit because strangers create them.
	MaxWaiting = 1000
	// WaitingLife is how long an account waits for approval before it is deleted.
	WaitingLife = 30 * 24 * time.Hour
)

var (
	// ErrWaiting means that the account waits for an owner's approval.
	ErrWaiting = errors.New("the account waits for an owner's yes")
	// ErrNotWaiting means that the account does not wait for approval.
	ErrNotWaiting = errors.New("the account does not wait for an owner's yes")
	// ErrFull means that MaxWaiting accounts wait for approval already.
	ErrFull = errors.New("too many accounts wait for an owner's yes")
)

// CheckSignUp checks the fields of a sign-up form as SignUp does, but without reading
// the database or hashing the password. Errors: those of SignUp that need neither.
func (s *Store) CheckSignUp(w NewAccount) error {
	w.Role = Member
	who, err := w.identity()
	if err == nil {
		err = s.checkPassword(w.Password, who.Username)
	}
	return err
}

// SignUp creates a member's account without an invitation. If waits is true, the
// account cannot sign in until Approve. Errors: ErrNoOwner, ErrFull, and Add's except
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

// Waiting returns how many accounts wait for an owner's approval. Errors:
// db.ErrUnavailable.
func (s *Store) Waiting(ctx context.Context) (int, error) {
	n, err := waiting(ctx, s.DB)
	return int(n), err
}

// hasRoom returns ErrFull if MaxWaiting accounts wait for approval. The transaction
// must hold lockOwners' lock.
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

// Approve lets an account that waits for approval sign in. Errors: ErrNotWaiting,
// ErrName, ErrUnknown, db.ErrUnavailable.
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

// Reject deletes an account that waits for approval. Its username may be taken again:
// nobody was ever signed in under it, so no app has data for it. Errors:
// ErrNotWaiting, ErrName, ErrUnknown, db.ErrUnavailable.
func (s *Store) Reject(ctx context.Context, name string, by audit.Actor) error {
	return s.drop(ctx, name, by, "account.rejected", s.Now())
}

// drop deletes the account if it has waited for approval since the time or longer.
// Errors: ErrNotWaiting.
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

// sweepWaiting deletes the accounts that have waited for approval for WaitingLife,
// each in a transaction of its own.
func (s *Store) sweepWaiting(ctx context.Context) error {
	before := s.Now().Add(-WaitingLife)
	names, err := db.All(ctx, s.DB, db.Text, `SELECT username FROM accounts WHERE waiting_at <> 0 AND waiting_at <= ? LIMIT ?`, db.Micros(before), MaxWaiting)
	for _, name := range names {
		if err == nil {
			err = s.drop(ctx, name, audit.Actor{Name: "glassjar"}, "account.expired", before)
		}
		if errors.Is(err, ErrNotWaiting) || errors.Is(err, ErrUnknown) { // an owner, or another server, has decided meanwhile
			err = nil
		}
	}
	return err
}
