package account

import (
	"context"
	"crypto/rand"
	"errors"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/password"
)

// NewAccount is an account to be made.
type NewAccount struct {
	Username, Password, Role string

	Name   string // the display name, may be empty
	Email  string // not confirmed; may be empty
	Groups []string
}

// Add makes an account. Errors: ErrName, ErrReserved, ErrTaken, ErrRole,
// ErrDisplayName, ErrEmail, ErrEmailTaken, ErrGroup, the policy's in package
// password, password.ErrBusy, db.ErrUnavailable.
func (s *Store) Add(ctx context.Context, w NewAccount, by audit.Actor) (Account, error) {
	c, err := s.prepare(ctx, w)
	if err != nil {
		return Account{}, err
	}
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := lockOwners(ctx, tx); err != nil {
			return err
		}
		return s.insert(ctx, tx, c, by)
	})
	if err != nil {
		return Account{}, err
	}
	return c.Account, nil
}

// prepare checks what is wanted and hashes the password, outside of any
// transaction.
func (s *Store) prepare(ctx context.Context, w NewAccount) (c credentials, err error) {
	if c.Identity, err = w.identity(); err != nil {
		return c, err
	}
	if c.hash, err = s.hash(ctx, w.Password, c.Username); err != nil {
		return c, err
	}
	c.epoch, c.Created = 1, db.Time(db.Micros(s.Now()))
	return c, nil
}

// identity returns who the wanted account is, with a new id.
func (w NewAccount) identity() (who identity.Identity, err error) {
	if w.Role != Owner && w.Role != Member {
		err = ErrRole
	}
	who.ID, who.Role = rand.Text(), w.Role
	for _, part := range []struct {
		to     *string
		typed  string
		parsed func(string) (string, error)
	}{
		{&who.Username, w.Username, NewUsername},
		{&who.Name, w.Name, displayName},
		{&who.Email, w.Email, emailAddress},
	} {
		if err == nil {
			*part.to, err = part.parsed(part.typed)
		}
	}
	if err == nil {
		who.Groups, err = joinGroups(w.Groups)
	}
	return who, err
}

// hash returns the hash of a password that keeps the policy.
func (s *Store) hash(ctx context.Context, pw, name string) (string, error) {
	if err := s.checkPassword(pw, name); err != nil {
		return "", err
	}
	return s.Hasher.Hash(ctx, pw)
}

// checkPassword returns what the policy has against the password of the account
// with the name.
func (s *Store) checkPassword(pw, name string) error { return password.Check(pw, name, s.Host) }

// insert adds the account. The transaction must have the lock of the owners: with
// the first account the first link is good no more.
func (s *Store) insert(ctx context.Context, tx *db.Tx, c credentials, by audit.Actor) error {
	kind, detail, waiting := "account.added", c.Role, int64(0)
	if c.Waiting {
		kind, detail, waiting = "account.requested", "", db.Micros(c.Created)
	}
	_, err := tx.Exec(ctx, `INSERT INTO accounts (id, username, name, role, password, epoch, created_at, disabled_at, waiting_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`, c.ID, c.Username, c.Name, c.Role, c.hash, c.epoch, db.Micros(c.Created), waiting, waiting)
	if errors.Is(err, db.ErrConflict) {
		return ErrTaken
	}
	if err == nil { // after the insert: it waits for whoever is deleting the account of this name just now
		err = notDeleted(ctx, tx, c.Username)
	}
	if err == nil {
		err = writePerson(ctx, tx, c.Account)
	}
	if err == nil {
		err = s.askConfirm(ctx, tx, c.Account, by)
	}
	if err != nil {
		return err
	}
	if err := s.record(ctx, tx, by, kind, c.Account, detail); err != nil || !c.EmailConfirmed {
		return err
	}
	return s.record(ctx, tx, by, "account.confirmed", c.Account, c.Email)
}

// notDeleted returns ErrTaken when a deleted account had the username.
func notDeleted(ctx context.Context, tx *db.Tx, name string) error {
	n, err := db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM deleted_names WHERE username = ?`, name)
	if err == nil && n > 0 {
		return ErrTaken
	}
	return err
}
