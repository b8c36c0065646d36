package account

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"glassjar/utl/db"
	"glassjar/utl/password"
)

// Authenticate returns the account whose username, or confirmed email address,
// and password were typed. Unknown and disabled names cost the same hash as a known one. Errors:
// ErrSignIn, ErrWaiting when the password is right, password.ErrBusy,
// password.ErrHash, db.ErrUnavailable.
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

// verify returns nil when pw is the account's password and the account may
// sign in, and reports whether the hash should be made anew.
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

// rehash hashes a password again, which was just verified, with today's
// parameters. It changes nothing that anybody could notice, and nobody is kept
// out when it fails: the next sign-in tries again.
func (s *Store) rehash(ctx context.Context, c credentials, pw string) {
	hash, err := s.Hasher.Hash(ctx, pw)
	if err != nil {
		return
	}
	_ = s.DB.Tx(ctx, func(tx *db.Tx) error { // when that fails, the old hash is still good
		_, err := tx.Exec(ctx, `UPDATE accounts SET password = ? WHERE id = ? AND password = ?`, hash, c.ID, c.hash)
		return err
	})
}

// Named returns the account that the typed username or confirmed email address
// names, or the zero Account when there is none. Errors: db.ErrUnavailable.
func (s *Store) Named(ctx context.Context, typed string) (Account, error) {
	c, err := s.signIn(ctx, typed)
	if errors.Is(err, ErrUnknown) || errors.Is(err, ErrName) {
		return Account{}, nil
	}
	return c.Account, err
}

// SignInName returns what was typed into the sign-in form in the one form that
// attempts are counted under: the username or the email address in lower case.
func SignInName(typed string) string { return strings.ToLower(Trim(typed)) }

// signIn returns the account with the username, or with the confirmed email
// address: no username has an @. Errors: ErrName, ErrUnknown.
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
