package authn

import (
	"context"
	"errors"
	"log/slog"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/factor"
	"glassjar/utl/identity"
	"glassjar/utl/passkey"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// ErrPasskey means that the passkey does not sign anybody in. Its text does not say why; the
// reason is a wrapped error.
var ErrPasskey = errors.New("the passkey signs nobody in")

// refusals are the errors that become ErrPasskey.
var refusals = []error{
	passkey.ErrAnswer, passkey.ErrUsed, passkey.ErrUnknown, passkey.ErrCopied, passkey.ErrSecondOnly, session.ErrChanged,
}

// Passkey signs in the person whose passkey made the answer, without a username. If it is
// right, Passkey calls start, which starts the session and uses up the answer. Wrong answers
// are counted only by address and separately from passwords, so that they prevent nobody from
// signing in by password. Errors: ErrPasskey, which wraps the reason; passkey.ErrExpired,
// TooSoonError, db.ErrUnavailable, and start's.
func (s *Authenticator) Passkey(ctx context.Context, a Attempt, q passkey.Question, answer string, start func(session.Verified) error) error {
	return s.byPasskey(ctx, try{attempt: a}, "signin.ok", func(t *try) (session.Verified, error) {
		claim, err := s.Passkeys.CheckSignIn(ctx, q, answer)
		t.on = accountOf(claim.Account)
		v := claim.Account
		v.With = &claim
		return v, err
	}, start)
}

// PasskeyStep completes the pending sign-in with the answer of one of its account's passkeys,
// as Passkey does. Errors: Passkey's, and factor.ErrPending when it was ended meanwhile.
func (s *Authenticator) PasskeyStep(ctx context.Context, a Attempt, pending factor.Pending, q passkey.Question, answer string, start func(session.Verified) error) error {
	whose := pending.Account
	return s.byPasskey(ctx, try{attempt: a, on: accountOf(whose)}, "signin.ok", func(*try) (session.Verified, error) {
		claim, err := s.Passkeys.CheckOf(ctx, q, whose.AccountID, answer)
		v := claim.Account
		v.Epoch, v.Factors = whose.Epoch, whose.Factors // as they were when the password was verified
		v.With = spending(func(ctx context.Context, tx *db.Tx) error {
			if err := s.Factors.EndPending(ctx, tx, pending); err != nil {
				return err
			}
			return claim.Spend(ctx, tx)
		})
		return v, err
	}, start)
}

// ProveByPasskey verifies again the person who is signed in as me, by a passkey that verified
// its user. If it is right, it calls done. Errors: Passkey's, and done's.
func (s *Authenticator) ProveByPasskey(ctx context.Context, a Attempt, me account.Account, q passkey.Question, answer string, done func(session.Verified) error) error {
	return s.byPasskey(ctx, try{attempt: a, on: me}, "session.proved", func(*try) (session.Verified, error) {
		claim, err := s.Passkeys.CheckOf(ctx, q, me.ID, answer)
		v := claim.Account
		v.With = &claim
		return v, err
	}, done)
}

// accountOf returns an account with the id and the username, for the log.
func accountOf(v session.Verified) account.Account {
	return account.Account{Identity: identity.Identity{ID: v.AccountID, Username: v.Username}}
}

// byPasskey asks the throttle, calls check, and then calls done with its result. event is the
// log's event of a success.
func (s *Authenticator) byPasskey(ctx context.Context, t try, event string, check func(*try) (session.Verified, error), done func(session.Verified) error) (err error) {
	if t.Try, err = s.beginPasskey(ctx, t); err != nil {
		return err
	}
	defer t.Done()
	v, err := check(&t)
	if err == nil && event == "signin.ok" {
		err = s.countSignIn(ctx, t)
	}
	if err == nil {
		err = done(v)
	}
	if err == nil {
		s.Log.LogAttrs(ctx, slog.LevelInfo, "a passkey was right", t.attrs(event, "")...)
		return nil
	}
	for _, refusal := range refusals {
		if errors.Is(err, refusal) {
			return s.failPasskey(ctx, t, err, refusal)
		}
	}
	return err
}

// beginPasskey asks the throttle whether a passkey may be tried now.
func (s *Authenticator) beginPasskey(ctx context.Context, t try) (*throttle.Try, error) {
	began, err := s.begin(ctx, throttle.Attempt{Kind: "passkey", Address: t.attempt.Address, Unnamed: true})
	if errors.Is(err, ErrTooSoon) {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "sign-in throttled", t.attrs("signin.throttled", "passkey")...)
	}
	return began, err
}

// countSignIn counts a sign-in of the account. Errors: TooSoonError if it may have no
// more now.
func (s *Authenticator) countSignIn(ctx context.Context, t try) error {
	counted, err := s.begin(ctx, throttle.Attempt{Account: t.on.Username, Proven: true})
	if err == nil {
		err = counted.Succeeded(ctx)
	}
	return err
}

// failPasskey ends the try as a failure, which it logs, counts and audits.
func (s *Authenticator) failPasskey(ctx context.Context, t try, err, reason error) error {
	s.Log.LogAttrs(ctx, slog.LevelWarn, "sign-in failed", t.attrs("signin.failed", reason.Error())...)
	failed := t.Failed(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.Accounts.RecordAttempt(ctx, tx, "signin.failed", t.on, t.attempt.By); err != nil || !errors.Is(reason, passkey.ErrCopied) {
			return err
		}
		return s.Accounts.RecordAttempt(ctx, tx, "passkey.copied", t.on, t.attempt.By)
	})
	if failed != nil {
		return failed
	}
	return errors.Join(ErrPasskey, err)
}
