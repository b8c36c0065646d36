package authn

import (
	"context"
	"errors"
	"log/slog"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/factor"
	"glassjar/utl/session"
)

// spending is a right code, to be used up with what it is for.
type spending func(ctx context.Context, tx *db.Tx) error

// Spend uses the code up.
func (s spending) Spend(ctx context.Context, tx *db.Tx) error { return s(ctx, tx) }

// verified returns what the claim lets start or prove.
func (s *Authenticator) verified(claim factor.Claim, a Attempt) session.Verified {
	v, by := claim.Account, a.By
	by.ID, by.Name = v.AccountID, v.Username
	v.With = spending(func(ctx context.Context, tx *db.Tx) error { return s.Factors.Spend(ctx, tx, claim, by) })
	return v
}

// Code ends a pending sign-in, which the code pending names, with the code that is
// the attempt's password, of an authenticator app or a recovery code: start, which
// starts the session, is called once it is right. Errors: factor.Check's and
// start's.
func (s *Authenticator) Code(ctx context.Context, a Attempt, pending string, start func(session.Verified, factor.Claim) error) error {
	claim, err := s.Factors.Check(ctx, pending, a.Password, a.By)
	if err == nil {
		err = start(s.verified(claim, a), claim)
	}
	if errors.Is(err, session.ErrChanged) { // of two at once the other came first, or the account changed
		err = errors.Join(factor.ErrPending, err)
	}
	if err == nil {
		s.Log.LogAttrs(ctx, slog.LevelInfo, "signed in", LogAttrs("signin.ok", a.Address.String(), claim.Account.Username, "")...)
		return nil
	}
	s.logCode(ctx, a, err)
	return err
}

// logCode tells the log of a code that was not taken.
func (s *Authenticator) logCode(ctx context.Context, a Attempt, err error) {
	event, reason := "signin.failed", "wrong code"
	switch {
	case errors.Is(err, factor.ErrMany):
		event, reason = "signin.throttled", "too many wrong codes"
	case !errors.Is(err, factor.ErrWrong):
		return
	}
	s.Log.LogAttrs(ctx, slog.LevelWarn, "the code was not taken", LogAttrs(event, a.Address.String(), a.Username, reason)...)
}

// Prove has somebody signed in prove again who they are, by the password, and by the
// code where the account has an authenticator app: done is called once all is right.
// Errors: account.ErrSignIn when the password is wrong, factor.Check's,
// TooSoonError, password.ErrBusy, session.ErrChanged, db.ErrUnavailable, and done's.
func (s *Authenticator) Prove(ctx context.Context, a Attempt, me account.Account, code string, done func(session.Verified) error) error {
	if s.Accounts.Hasher.Busy() {
		return shedLoad(ctx)
	}
	return s.Reauthenticate(ctx, a, func() error {
		now, err := s.Accounts.Prove(ctx, me, a.Password)
		if err != nil {
			return err
		}
		v, err := s.withCode(ctx, a, now.Verified(1, "pwd"), code)
		if err == nil {
			err = done(v)
		}
		if err == nil {
			s.Log.LogAttrs(ctx, slog.LevelInfo, "proved again", LogAttrs("session.proved", a.Address.String(), now.Username, "")...)
		}
		return err
	})
}

// withCode returns what was proven, with the code too where the account has an
// authenticator app, or where one was typed.
func (s *Authenticator) withCode(ctx context.Context, a Attempt, v session.Verified, code string) (session.Verified, error) {
	has, err := s.Factors.Of(ctx, v.AccountID)
	if err != nil || has.App.IsZero() && code == "" {
		return v, err
	}
	claim, err := s.Factors.CheckAgain(ctx, v, code, a.By)
	if err != nil {
		s.logCode(ctx, a, err)
		return v, err
	}
	return s.verified(claim, a), nil
}
