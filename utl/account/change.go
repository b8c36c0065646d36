package account

import (
	"context"
	"errors"
	"fmt"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/mail"
	"glassjar/utl/session"
)

// SetPassword sets the password of the account with the username and ends all
// its sessions. Errors: ErrName, ErrUnknown, ErrLocked, the policy's in package password,
// password.ErrBusy, db.ErrUnavailable, and session.ErrChanged when another
// change came first.
func (s *Store) SetPassword(ctx context.Context, name, pw string, by audit.Actor) error {
	c, err := s.find(ctx, s.DB, name)
	if err != nil {
		return err
	}
	_, err = s.newPassword(ctx, c.Account, pw, by, nil)
	return err
}

// ChangePassword changes the account's password, once the current one is
// verified, and ends all its sessions. The caller starts a new one with what
// it returns. Errors: ErrSignIn when current is wrong, session.ErrChanged when
// the account is disabled or gone, and SetPassword's.
func (s *Store) ChangePassword(ctx context.Context, a Account, current, pw string, by audit.Actor) (session.Verified, error) {
	now, err := s.Prove(ctx, a, current)
	if err != nil {
		return session.Verified{}, err
	}
	return s.newPassword(ctx, now, pw, by, nil)
}

// Prove returns the account as it is now, once current is verified to be its
// password. Errors: ErrSignIn when it is wrong, session.ErrChanged when the account
// is disabled or gone, password.ErrBusy, db.ErrUnavailable.
func (s *Store) Prove(ctx context.Context, a Account, current string) (Account, error) {
	c, err := one(ctx, s.DB, `id = ?`, a.ID)
	if errors.Is(err, ErrUnknown) || c.Disabled {
		return Account{}, session.ErrChanged
	}
	if err == nil {
		_, err = s.verify(ctx, c, current)
	}
	return c.Account, err
}

// newPassword sets the password if the account is what it was when a was read,
// and ends every session. first, where given, runs in the same transaction
// before it.
func (s *Store) newPassword(ctx context.Context, a Account, pw string, by audit.Actor, first func(*db.Tx) error) (session.Verified, error) {
	hash, err := s.hash(ctx, pw, a.Username)
	if err != nil {
		return session.Verified{}, err
	}
	err = s.change(ctx, a, by, "password.changed", func(tx *db.Tx) error {
		if first != nil {
			if err := first(tx); err != nil {
				return err
			}
		}
		now, err := s.unlocked(ctx, tx, a.ID)
		if errors.Is(err, ErrUnknown) {
			return session.ErrChanged
		}
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE accounts SET password = ?, epoch = epoch + 1 WHERE id = ? AND epoch = ?`, hash, a.ID, a.epoch)
		if err == nil && n == 0 {
			return session.ErrChanged
		}
		if err != nil {
			return err
		}
		return s.addNotice(ctx, tx, mail.PasswordChanged, now, "", by)
	})
	if err != nil {
		return session.Verified{}, err
	}
	a.epoch++
	return a.Verified(1, byPassword), nil
}

// Disable keeps the account from signing in and ends its sessions.
// Errors: ErrName, ErrUnknown, ErrWaiting, ErrLastOwner, db.ErrUnavailable.
func (s *Store) Disable(ctx context.Context, name string, by audit.Actor) error {
	return s.changeByName(ctx, name, by, "account.disabled", func(tx *db.Tx, c credentials) error {
		if c.Waiting {
			return ErrWaiting
		}
		if err := keepsOwner(ctx, tx, c.Account); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE accounts SET disabled_at = ?, epoch = epoch + 1 WHERE id = ?`, db.Micros(s.Now()), c.ID)
		return err
	})
}

// Enable lets a disabled account sign in again. For one that is not disabled it
// does nothing; one that waits it approves. Errors: ErrName, ErrUnknown, db.ErrUnavailable.
func (s *Store) Enable(ctx context.Context, name string, by audit.Actor) error {
	c, err := s.find(ctx, s.DB, name)
	if err != nil || !c.Disabled {
		return err
	}
	if c.Waiting {
		return s.Approve(ctx, name, by)
	}
	return s.changeByName(ctx, name, by, "account.enabled", func(tx *db.Tx, c credentials) error {
		_, err := tx.Exec(ctx, `UPDATE accounts SET disabled_at = 0 WHERE id = ?`, c.ID)
		return err
	})
}

// EndSessions signs the account out everywhere. Errors: ErrName, ErrUnknown,
// db.ErrUnavailable.
func (s *Store) EndSessions(ctx context.Context, name string, by audit.Actor) error {
	c, err := s.find(ctx, s.DB, name)
	if err != nil {
		return err
	}
	return s.Sessions.EndOthers(ctx, c.ID, "", by)
}

// Delete deletes the account and ends its sessions. The id is never used
// again, and the username not until Free: apps behind the gate keep data by it.
// Errors: ErrName, ErrUnknown, ErrLastOwner, ErrLocked where by is its person,
// db.ErrUnavailable.
func (s *Store) Delete(ctx context.Context, name string, by audit.Actor) error {
	return s.changeByName(ctx, name, by, "account.deleted", func(tx *db.Tx, c credentials) error {
		if by.ID == c.ID && c.Locked(s.Now()) {
			return ErrLocked
		}
		if err := keepsOwner(ctx, tx, c.Account); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM accounts WHERE id = ?`, c.ID); err != nil {
			return err
		}
		for _, table := range []string{"notices", "passkeys", "authenticators", "recovery_codes", "code_failures", "pending_signins"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE account_id = ?`, c.ID); err != nil {
				return err
			}
		}
		if err := unindexPerson(ctx, tx, c.Username); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO deleted_names (username, deleted_at) VALUES (?, ?) ON CONFLICT DO NOTHING`, c.Username, db.Micros(s.Now()))
		return err
	})
}

// changeByName changes the account with the username, read in the same transaction.
func (s *Store) changeByName(ctx context.Context, name string, by audit.Actor, kind string, fn func(*db.Tx, credentials) error) error {
	c, err := s.find(ctx, s.DB, name)
	if err != nil {
		return err
	}
	return s.change(ctx, c.Account, by, kind, func(tx *db.Tx) error {
		now, err := one(ctx, tx, `id = ?`, c.ID)
		if err != nil {
			return err
		}
		return fn(tx, now)
	})
}

// change runs fn, ends every session of the account, cancels its reset links, revokes
// its app passwords and records the event, all in one transaction; then this
// server forgets the sessions.
func (s *Store) change(ctx context.Context, a Account, by audit.Actor, kind string, fn func(*db.Tx) error) error {
	err := s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := session.EndAll(ctx, tx, s.Now(), by, a.ID, ""); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM links WHERE account_id = ? AND kind = ?`, a.ID, Reset); err != nil {
			return err
		}
		if _, err := s.revoke(ctx, tx, by, a, ""); err != nil {
			return err
		}
		return s.record(ctx, tx, by, kind, a, "")
	})
	if err != nil {
		return fmt.Errorf("%s for %q: %w", kind, a.Username, err)
	}
	s.Sessions.InvalidateAccount(a.ID)
	return nil
}

// keepsOwner returns ErrLastOwner when nobody but c is an owner who can sign
// in.
func keepsOwner(ctx context.Context, tx *db.Tx, c Account) error {
	if c.Role != Owner || c.Disabled {
		return nil
	}
	if err := lockOwners(ctx, tx); err != nil {
		return err
	}
	others, err := db.One(ctx, tx, db.Int,
		`SELECT COUNT(*) FROM accounts WHERE role = ? AND disabled_at = 0 AND id <> ?`, Owner, c.ID)
	if err == nil && others == 0 {
		return ErrLastOwner
	}
	return err
}

// ErrNotDeleted means that no deleted account had the username.
var ErrNotDeleted = errors.New("no deleted account had this username")

// Free lets the username of a deleted account be taken again: whoever takes it
// gets what apps behind the gate kept for the old account. Errors: ErrName,
// ErrNotDeleted, db.ErrUnavailable.
func (s *Store) Free(ctx context.Context, typed string, by audit.Actor) error {
	name, err := Username(typed)
	if err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM deleted_names WHERE username = ?`, name)
		if err == nil && n == 0 {
			err = ErrNotDeleted
		}
		if err != nil {
			return err
		}
		return s.record(ctx, tx, by, "account.freed", Account{Identity: identity.Identity{Username: name}}, "")
	})
}
