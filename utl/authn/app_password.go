package authn

import (
	"context"
	"errors"
	"log/slog"

	"glassjar/utl/account"
	"glassjar/utl/throttle"
)

// AppPassword returns the attempt's app password, if it is valid on the host. A valid one is
// accepted however many attempts failed: 260 random bits cannot be guessed. The throttle
// limits wrong ones, because each of them is logged, counted and audited. They are counted
// separately from sign-ins, so that a program with a revoked app password, or a stranger,
// prevents nobody from signing in. Errors: account.ErrAppPassword, TooSoonError,
// db.ErrUnavailable.
func (s *Authenticator) AppPassword(ctx context.Context, a Attempt, host string) (account.AppPassword, error) {
	p, err := s.Accounts.AppPassword(ctx, a.Password, a.Username, host)
	if !errors.Is(err, account.ErrAppPassword) {
		return p, err
	}
	username, _ := account.Username(a.Username) // "" for a malformed name: some clients send the secret as the username
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
