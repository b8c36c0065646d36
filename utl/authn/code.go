package authn

import (
	"context"
	"errors"
	"log/slog"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/factor"
	"glassjar/utl/passkey"
	"glassjar/utl/session"
)

// ErrSecond means that the password alone proves nothing, because the account has a second
// factor.
var ErrSecond = errors.New("the account has a second factor, and it is missing")

// spending is what makes a verified code used, in the transaction of what it allows.
type spending func(ctx context.Context, tx *db.Tx) error

// Spend implements the interface of session.Verified.With.
func (s spending) Spend(ctx context.Context, tx *db.Tx) error { return s(ctx, tx) }

// verified returns what the claim allows to start or prove.
func (s *Authenticator) verified(claim factor.Claim, a Attempt) session.Verified {
	v, by := claim.Account, a.By
	by.ID, by.Name = v.AccountID, v.Username
	v.With = spending(func(ctx context.Context, tx *db.Tx) error { return s.Factors.Spend(ctx, tx, claim, by) })
	return v
}

// Code completes the pending sign-in with the code pending. The attempt's password is a code
// of the authenticator app or a recovery code. If it is right, Code calls start, which starts
// the session. Such sign-ins are not counted: each code is good once, and there is one every
// 30 seconds. Errors: factor.Store.Check's and start's.
func (s *Authenticator) Code(ctx context.Context, a Attempt, pending string, start func(session.Verified, factor.Claim) error) error {
	claim, err := s.Factors.Check(ctx, pending, a.Password, a.By)
	if err == nil {
		err = start(s.verified(claim, a), claim)
	}
	if errors.Is(err, session.ErrChanged) { // another concurrent attempt succeeded, or the account changed
		err = errors.Join(factor.ErrPending, err)
	}
	if err == nil {
		s.Log.LogAttrs(ctx, slog.LevelInfo, "signed in", LogAttrs("signin.ok", a.Address.String(), claim.Account.Username, "")...)
		return nil
	}
	s.logCode(ctx, a, err)
	return err
}

// logCode logs that a code was refused.
func (s *Authenticator) logCode(ctx context.Context, a Attempt, err error) {
	who := func(event, reason string) []slog.Attr {
		return LogAttrs(event, a.Address.String(), a.Username, reason)
	}
	switch {
	case errors.Is(err, factor.ErrMany):
		s.Log.LogAttrs(ctx, slog.LevelWarn, "sign-in throttled", who("signin.throttled", "too many wrong codes")...)
	case errors.Is(err, factor.ErrWrong):
		s.Log.LogAttrs(ctx, slog.LevelWarn, "sign-in failed", who("signin.failed", "wrong code")...)
	}
}

// Prove verifies again the person who is signed in as me: by the password, and by the code if
// the account has a second factor. If both are right, it calls done. Errors:
// account.ErrSignIn when the password is wrong, ErrSecond, factor.Store.Check's,
// TooSoonError, password.ErrBusy, session.ErrChanged, db.ErrUnavailable, and done's.
func (s *Authenticator) Prove(ctx context.Context, a Attempt, me account.Account, code string, done func(session.Verified) error) error {
	return s.prove(ctx, a, me, func(v session.Verified) error {
		v, err := s.withCode(ctx, a, v, code)
		if err == nil {
			err = done(v)
		}
		if err == nil {
			s.Log.LogAttrs(ctx, slog.LevelInfo, "proved again", LogAttrs("session.proved", a.Address.String(), v.Username, "")...)
		}
		return err
	})
}

// ProveByKey verifies again the person who is signed in as me: by the password, and by the
// answer of one of the account's passkeys, also of one that does not verify its user. If both
// are right, it calls done. Errors: Prove's and Passkey's.
func (s *Authenticator) ProveByKey(ctx context.Context, a Attempt, me account.Account, q passkey.Question, answer string, done func(session.Verified) error) error {
	return s.prove(ctx, a, me, func(was session.Verified) error {
		return s.byPasskey(ctx, try{attempt: a, on: me}, "session.proved", func(*try) (session.Verified, error) {
			claim, err := s.Passkeys.CheckOf(ctx, q, me.ID, answer)
			v := claim.Account
			v.Epoch, v.Factors, v.With = was.Epoch, was.Factors, &claim // as they were when the password was verified
			return v, err
		}, done)
	})
}

// prove verifies the password of me, and then calls next with what that proves.
func (s *Authenticator) prove(ctx context.Context, a Attempt, me account.Account, next func(session.Verified) error) error {
	if s.Accounts.Hasher.Busy() {
		return shedLoad(ctx)
	}
	return s.Reauthenticate(ctx, a, func() error {
		now, err := s.Accounts.Prove(ctx, me, a.Password)
		if err != nil {
			return err
		}
		return next(now.Verified(1, "pwd"))
	})
}

// withCode also verifies the code, if the account has a second factor or a code was typed,
// and returns what is proven then. Errors: ErrSecond when it is missing, factor.Store.Check's.
func (s *Authenticator) withCode(ctx context.Context, a Attempt, v session.Verified, code string) (session.Verified, error) {
	if code == "" {
		has, err := s.Factors.Has(ctx, v.AccountID)
		if err == nil && has {
			err = ErrSecond
		}
		return v, err
	}
	claim, err := s.Factors.CheckAgain(ctx, v, code, a.By)
	if err != nil {
		s.logCode(ctx, a, err)
		return v, err
	}
	return s.verified(claim, a), nil
}
