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

// SetPassword sets the password of the account with the username and ends all its
// sessions. Errors: ErrName, ErrUnknown, ErrLocked, password.Check's,
// password.ErrBusy, db.ErrUnavailable, and session.ErrChanged when the account was
// changed concurrently.
func (s *Store) SetPassword(ctx context.Context, name, pw string, by audit.Actor) error {
	c, err := s.find(ctx, s.DB, name)
	if err != nil {
		return err
	}
	_, err = s.newPassword(ctx, c.Account, pw, by, nil)
	return err
}

// ChangePassword sets the account's password, once the current one is verified, and
// ends all its sessions. The caller starts a new session with the result. Errors:
// ErrSignIn when current is wrong, session.ErrChanged when the account is disabled
// or deleted, and SetPassword's.
func (s *Store) ChangePassword(ctx context.Context, a Account, current, pw string, by audit.Actor) (session.Verified, error) {
	now, err := s.Prove(ctx, a, current)
	if err != nil {
		return session.Verified{}, err
	}
	return s.newPassword(ctx, now, pw, by, nil)
}

// Prove verifies that current is the account's password, and returns the account as
// it is now. Errors: ErrSignIn when the password is wrong, session.ErrChanged when
// the account is disabled or deleted, password.ErrBusy, db.ErrUnavailable.
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

// newPassword sets the password, if the account has not changed since a was read,
// and ends every session. first, if not nil, runs before that in the same transaction.
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

// Disable prevents the account from signing in and ends its sessions.
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

// Enable lets a disabled account sign in again, and approves an account that waits
// for approval. It does nothing for an account that is not disabled. Errors: ErrName,
// ErrUnknown, db.ErrUnavailable.
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

// EndSessions ends all sessions of the account. Errors: ErrName, ErrUnknown,
// db.ErrUnavailable.
func (s *Store) EndSessions(ctx context.Context, name string, by audit.Actor) error {
	c, err := s.find(ctx, s.DB, name)
	if err != nil {
		return err
	}
	return s.Sessions.EndOthers(ctx, c.ID, "", by)
}

// Delete deletes the account and ends its sessions. Its id is never used again. Its
// username stays taken until Free, because apps behind the gate store data under it.
// Errors: ErrName, ErrUnknown, ErrLastOwner, ErrLocked when people delete their own
// account, db.ErrUnavailable.
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

// changeByName is change for the account with the username: it calls fn with the
// account as the transaction reads it.
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

// change ends every session of the account, runs fn, cancels its reset links, revokes
// its app passwords and writes the audit entry, all in one transaction. Then it
// removes the account's sessions from this server's cache.
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

// keepsOwner returns ErrLastOwner if c is the only owner who can sign in.
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

// ErrNotDeleted means that the username is not that of a deleted account.
var ErrNotDeleted = errors.New("no deleted account had this username")

// Free lets a new account take the username of a deleted one: it then also gets the
// data that apps behind the gate still store under that name. Errors: ErrName,
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
