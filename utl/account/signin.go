package account

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"glassjar/utl/db"
	"glassjar/utl/password"
)

// Authenticate returns the account with the typed username, or confirmed email
// address, if the password is right. It computes one hash for an unknown or disabled
// name too, so that the time does not tell whether an account exists. Errors:
// ErrSignIn, ErrWaiting when the password is right but the account waits for
// approval, password.ErrBusy, password.ErrHash, db.ErrUnavailable.
func (s *Store) Authenticate(ctx context.Context, typed, pw string) (Account, error) {
	found, err := s.signIn(ctx, typed)
	if errors.Is(err, ErrUnknown) || errors.Is(err, ErrName) {
		if err := s.Hasher.Dummy(ctx, pw); !errors.Is(err, password.ErrWrong) {
			return Account{}, err
		}
		return Account{}, ErrSignIn
	}
	if err != nil {
		return Account{}, err
	}
	stale, err := s.verify(ctx, found, pw)
	if err != nil {
		return Account{}, err
	}
	if stale {
		s.rehash(ctx, found, pw)
	}
	return found.Account, nil
}

// verify returns nil if pw is the account's password and the account may sign in.
// stale reports whether the password should be hashed again with the current
// parameters. Errors: ErrSignIn, ErrWaiting, password.ErrBusy, password.ErrHash.
func (s *Store) verify(ctx context.Context, c credentials, pw string) (stale bool, err error) {
	stale, err = s.Hasher.Verify(ctx, c.hash, pw)
	switch {
	case err == nil && c.Waiting:
		return false, ErrWaiting
	case errors.Is(err, password.ErrWrong), err == nil && c.Disabled:
		return false, ErrSignIn
	case err != nil:
		return false, fmt.Errorf("verifying the password of %q: %w", c.Username, err)
	}
	return stale, nil
}

// rehash replaces the hash of a password, which was just verified, by one with the
// current parameters. A failure is ignored: the old hash stays valid, and the next
// sign-in tries again.
func (s *Store) rehash(ctx context.Context, c credentials, pw string) {
	hash, err := s.Hasher.Hash(ctx, pw)
	if err != nil {
		return
	}
	_ = s.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE accounts SET password = ? WHERE id = ? AND password = ?`, hash, c.ID, c.hash)
		return err
	})
}

// Named returns the account with the typed username or confirmed email address, or
// the zero Account if there is none. Errors: db.ErrUnavailable.
func (s *Store) Named(ctx context.Context, typed string) (Account, error) {
	c, err := s.signIn(ctx, typed)
	if errors.Is(err, ErrUnknown) || errors.Is(err, ErrName) {
		return Account{}, nil
	}
	return c.Account, err
}

// SignInName returns the key under which the throttle counts attempts with a typed
// username or email address: trimmed, in lower case.
func SignInName(typed string) string { return strings.ToLower(Trim(typed)) }

// signIn returns the account with the typed username or confirmed email address: only
// an address contains an @. Errors: ErrName, ErrUnknown, db.ErrUnavailable.
func (s *Store) signIn(ctx context.Context, typed string) (credentials, error) {
	if !strings.Contains(typed, "@") {
		return s.find(ctx, s.DB, typed)
	}
	email, err := emailAddress(typed)
	if err != nil {
		return credentials{}, ErrName
	}
	return one(ctx, s.DB, `email = ? AND email_confirmed = 1`, email)
}
