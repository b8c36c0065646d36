package authn

import (
	"context"
	"errors"
	"log/slog"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/passkey"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// ErrPasskey means that the passkey signs nobody in: why is not told.
var ErrPasskey = errors.New("the passkey signs nobody in")

// refusals are the errors that ErrPasskey stands for.
var refusals = []error{
	passkey.ErrAnswer, passkey.ErrUsed, passkey.ErrUnknown, passkey.ErrCopied, passkey.ErrSecondOnly, session.ErrChanged,
}

// Passkey signs in whose passkey the answer is, without a username: start, which
// starts the session, is called once the answer is right, and the answer is used up with
// it. Wrong answers are counted by their address alone, and apart: they keep nobody
// from signing in by password. Errors: ErrPasskey, with the reason in it;
// passkey.ErrExpired, TooSoonError, db.ErrUnavailable, and start's.
func (s *Authenticator) Passkey(ctx context.Context, a Attempt, q passkey.Question, answer string, start func(session.Verified) error) error {
	t, err := s.beginPasskey(ctx, a)
	if err != nil {
		return err
	}
	defer t.Done()
	claim, err := s.Passkeys.CheckSignIn(ctx, q, answer)
	t.on = account.Account{Identity: identity.Identity{ID: claim.Account.AccountID, Username: claim.Account.Username}}
	if err == nil {
		err = s.countSignIn(ctx, t)
	}
	if err == nil {
		v := claim.Account
		v.With = &claim
		err = start(v)
	}
	if err == nil {
		s.Log.LogAttrs(ctx, slog.LevelInfo, "signed in", t.attrs("signin.ok", "")...)
		return nil
	}
	for _, refusal := range refusals {
		if errors.Is(err, refusal) {
			return s.failPasskey(ctx, t, err, refusal)
		}
	}
	return err
}

// beginPasskey asks whether the passkey may be tried now.
func (s *Authenticator) beginPasskey(ctx context.Context, a Attempt) (t try, err error) {
	t = try{attempt: a}
	t.Try, err = s.begin(ctx, throttle.Attempt{Kind: "passkey", Address: a.Address, Unnamed: true})
	if errors.Is(err, ErrTooSoon) {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "sign-in throttled", t.attrs("signin.throttled", "passkey")...)
	}
	return t, err
}

// countSignIn counts a sign-in of the account, if it may have one more now.
func (s *Authenticator) countSignIn(ctx context.Context, t try) error {
	counted, err := s.begin(ctx, throttle.Attempt{Account: t.on.Username, Proven: true})
	if err == nil {
		err = counted.Succeeded(ctx)
	}
	return err
}

// failPasskey ends the try as one that failed: it is logged, counted and recorded.
func (s *Authenticator) failPasskey(ctx context.Context, t try, err, reason error) error {
	s.Log.LogAttrs(ctx, slog.LevelWarn, "sign-in failed", t.attrs("signin.failed", reason.Error())...)
	failed := t.Failed(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := s.Accounts.RecordTry(ctx, tx, "signin.failed", t.on, t.attempt.By); err != nil || !errors.Is(reason, passkey.ErrCopied) {
			return err
		}
		return s.Accounts.RecordTry(ctx, tx, "passkey.copied", t.on, t.attempt.By)
	})
	if failed != nil {
		return failed
	}
	return errors.Join(ErrPasskey, err)
}
