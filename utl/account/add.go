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

// NewAccount describes an account to create.
type NewAccount struct {
	Username, Password, Role string

	Name   string // the display name; may be empty
	Email  string // not confirmed; may be empty
	Groups []string
}

// Add creates an account. Errors: ErrName, ErrReserved, ErrTaken, ErrRole,
// ErrDisplayName, ErrEmail, ErrEmailTaken, ErrGroup, password.Check's,
// password.ErrBusy, db.ErrUnavailable.
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

// prepare checks the fields and hashes the password. It is called outside of any
// transaction, because hashing is slow.
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

// identity returns the new account's identity, with a new random id.
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

// hash returns the hash of the password, once the policy accepts it.
func (s *Store) hash(ctx context.Context, pw, name string) (string, error) {
	if err := s.checkPassword(pw, name); err != nil {
		return "", err
	}
	return s.Hasher.Hash(ctx, pw)
}

// checkPassword returns the password policy's error for this password of the account
// with this username, or nil.
func (s *Store) checkPassword(pw, name string) error { return password.Check(pw, name, s.Host) }

// insert writes the account. The transaction must hold lockOwners' lock, because the
// first account makes the first owner's link invalid.
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
	if err == nil { // only after the insert, which waits for a transaction that is deleting the account of this name
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

// notDeleted returns ErrTaken if the username belonged to an account that was deleted.
func notDeleted(ctx context.Context, tx *db.Tx, name string) error {
	n, err := db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM deleted_names WHERE username = ?`, name)
	if err == nil && n > 0 {
		return ErrTaken
	}
	return err
}
