package authn

import (
	"context"
	"errors"
	"log/slog"

	"glassjar/utl/account"
	"glassjar/utl/throttle"
)

// AppPassword returns the app password that the attempt brings, if it is good on
// the host. A good one is not held up by others' failures: 260 random bits are
// not guessed, and what the throttle slows is wrong ones, with all that they
// write. Those are counted apart: a program that goes on with one that was
// revoked, or a stranger, keeps nobody from signing in. Errors:
// account.ErrAppPassword, TooSoonError, db.ErrUnavailable.
func (s *Authenticator) AppPassword(ctx context.Context, a Attempt, host string) (account.AppPassword, error) {
	p, err := s.Accounts.AppPassword(ctx, a.Password, a.Username, host)
	if !errors.Is(err, account.ErrAppPassword) {
		return p, err
	}
	username, _ := account.Username(a.Username) // else "": some clients put the secret there
	on, err := s.Accounts.Named(ctx, username)
	if err != nil {
		return account.AppPassword{}, err
	}
	t := try{attempt: a, on: on}
	t.Try, err = s.begin(ctx, throttle.Attempt{Kind: "app", Address: a.Address, Account: username})
	switch {
	case errors.Is(err, ErrTooSoon):
		s.Log.LogAttrs(ctx, slog.LevelWarn, "app password throttled", t.attrs("apppassword.throttled", "")...)
	case err == nil:
		s.Log.LogAttrs(ctx, slog.LevelWarn, "app password failed", t.attrs("apppassword.failed", "")...)
		err = s.fail(ctx, t, "apppassword.failed", account.ErrAppPassword)
	}
	return account.AppPassword{}, err
}
