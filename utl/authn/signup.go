package authn

import (
	"context"
	"log/slog"

	"glassjar/utl/account"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// SignUp makes the account of somebody whom nobody invited, which waits for an
// owner's yes where waits says so. A form without a mistake counts, whatever
// becomes of it, so that names are not tried one after another. Errors:
// TooSoonError and account.Store.SignUp's.
func (s *Authenticator) SignUp(ctx context.Context, a Attempt, email string, waits bool) (session.Verified, error) {
	wanted := account.Wanted{Username: a.Username, Password: a.Password, Email: email}
	if err := s.Accounts.CheckSignUp(wanted); err != nil {
		return session.Verified{}, err
	}
	if s.Accounts.Hasher.Busy() {
		return session.Verified{}, turnAway(ctx)
	}
	t, err := s.begin(ctx, throttle.Attempt{Kind: throttle.SignUp, Address: a.Address})
	if err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "sign-up refused", slog.String("event", "signup.refused"), slog.String("ip", a.Address.String()))
		return session.Verified{}, err
	}
	defer t.Done()
	if err := t.Succeeded(ctx); err != nil {
		return session.Verified{}, err
	}
	return s.Accounts.SignUp(ctx, wanted, waits, a.By)
}
