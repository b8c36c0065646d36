package authn

import (
	"context"
	"log/slog"

	"glassjar/utl/account"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// SignUp creates an account without an invitation; if waits is true, it waits for an owner's
// approval. Every valid form counts for the throttle, whatever its result, so that nobody can
// try many usernames. Errors: TooSoonError and account.Store.SignUp's.
func (s *Authenticator) SignUp(ctx context.Context, a Attempt, email string, waits bool) (made session.Verified, err error) {
	wanted := account.NewAccount{Username: a.Username, Password: a.Password, Email: email}
	if err := s.Accounts.CheckSignUp(wanted); err != nil {
		return made, err
	}
	err = s.signUp(ctx, a, func() (err error) {
		made, err = s.Accounts.SignUp(ctx, wanted, waits, a.By)
		return err
	})
	return made, err
}

// AskSignUp mails a link that creates the account. It counts as SignUp does. Errors:
// TooSoonError and account.Store.AskSignUp's.
func (s *Authenticator) AskSignUp(ctx context.Context, a Attempt, email string) error {
	wanted := account.NewAccount{Username: a.Username, Password: a.Password, Email: email}
	if err := s.Accounts.CheckSignUp(wanted); err != nil {
		return err
	}
	if email == "" {
		return account.ErrNoEmail
	}
	return s.signUp(ctx, a, func() error { return s.Accounts.AskSignUp(ctx, wanted, a.By) })
}

// signUp calls do, if the throttle allows it.
func (s *Authenticator) signUp(ctx context.Context, a Attempt, do func() error) error {
	if s.Accounts.Hasher.Busy() {
		return shedLoad(ctx)
	}
	t, err := s.begin(ctx, throttle.Attempt{Kind: throttle.SignUp, Address: a.Address})
	if err != nil {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "sign-up refused", slog.String("event", "signup.refused"), slog.String("ip", a.Address.String()))
		return err
	}
	defer t.Done()
	if err := t.Succeeded(ctx); err != nil {
		return err
	}
	return do()
}
