package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

// LockLife is how long an account stays locked.
const LockLife = 24 * time.Hour

var (
	// ErrLocked means that the account is locked: its password, email address and
	// factors cannot be changed, no app password can be added, and its person cannot
	// delete it.
	ErrLocked = errors.New("the account is locked")
	// ErrLastFactor means that people tried to remove their own last second factor
	// where everybody needs one (SECOND_FACTOR=required).
	ErrLastFactor = errors.New("it is the last second factor, and everybody needs one")
	// ErrOwnLock means that people tried to unlock their own account.
	ErrOwnLock = errors.New("nobody lifts the lock of their own account")
)

// Locked reports whether the account is locked at the time.
func (a Account) Locked(at time.Time) bool { return at.Before(a.LockedUntil) }

// unlocked returns the account with the id if it is not locked, in the transaction
// that changes its password, factors or app passwords. Errors: ErrLocked, ErrUnknown.
func (s *Store) unlocked(ctx context.Context, tx *db.Tx, id string) (Account, error) {
	c, err := one(ctx, tx, `id = ?`, id)
	if err == nil && c.Locked(s.Now()) {
		err = ErrLocked
	}
	return c.Account, err
}

// LockByLink uses the link to lock its account for LockLife, and ends all its
// sessions. Errors: ErrLink, db.ErrUnavailable.
func (s *Store) LockByLink(ctx context.Context, code string, by audit.Actor) error {
	l, err := s.Link(ctx, Lock, code)
	if err != nil {
		return err
	}
	a := Account{Identity: identity.Identity{ID: l.AccountID, Username: l.Username}}
	by.ID, by.Name = a.ID, a.Username
	return s.lock(ctx, a, by, func(tx *db.Tx) error { return s.use(ctx, tx, Lock, code, a, by) })
}

// LockOwn locks the account for LockLife, and ends all its sessions. Errors:
// session.ErrChanged when it was deleted, db.ErrUnavailable.
func (s *Store) LockOwn(ctx context.Context, a Account, by audit.Actor) error {
	return s.lock(ctx, a, by, func(*db.Tx) error { return nil })
}

func (s *Store) lock(ctx context.Context, a Account, by audit.Actor, first func(*db.Tx) error) error {
	return s.change(ctx, a, by, "account.locked", func(tx *db.Tx) error {
		if err := first(tx); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE accounts SET locked_until = ?, epoch = epoch + 1 WHERE id = ?`, db.Micros(s.Now().Add(LockLife)), a.ID)
		if err == nil && n == 0 {
			return session.ErrChanged
		}
		return err
	})
}

// Unlock unlocks the account with the username. It does nothing for an account that
// is not locked. Errors: ErrOwnLock, ErrName, ErrUnknown, db.ErrUnavailable.
func (s *Store) Unlock(ctx context.Context, name string, by audit.Actor) error {
	c, err := s.find(ctx, s.DB, name)
	if err != nil {
		return err
	}
	if by.ID == c.ID {
		return ErrOwnLock
	}
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE accounts SET locked_until = 0 WHERE id = ? AND locked_until > ?`, c.ID, db.Micros(s.Now()))
		if err != nil || n == 0 {
			return err
		}
		return s.record(ctx, tx, by, "account.unlocked", c.Account, "")
	})
	if err != nil {
		return fmt.Errorf("unlocking %q: %w", c.Username, err)
	}
	return nil
}
