package authn

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/password"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// shedDelay is how long a sign-in waits before it is refused because the hashing queue is
// full.
const shedDelay = 250 * time.Millisecond

// Password signs somebody in by username or confirmed email address, and password. If
// they are right, it calls start, which starts the session. If start returns
// session.ErrSecond, it calls pend, which begins a pending sign-in. Errors:
// account.ErrSignIn whatever was wrong, also when the account changed before start was
// done; account.ErrWaiting when they are right but the account waits for approval;
// TooSoonError, password.ErrBusy, db.ErrUnavailable, and start's and pend's.
func (s *Authenticator) Password(ctx context.Context, a Attempt, start, pend func(session.Verified) error) error {
	if s.Accounts.Hasher.Busy() {
		return shedLoad(ctx)
	}
	t, err := s.beginSignIn(ctx, a, false)
	if err != nil {
		return err
	}
	defer t.Done()
	found, err := s.Accounts.Authenticate(ctx, a.Username, a.Password)
	if err == nil {
		err = start(found.Verified(1, "pwd"))
	}
	if errors.Is(err, session.ErrSecond) {
		if err = t.Pending(ctx); err == nil {
			err = pend(found.Verified(1, "pwd"))
		}
		if err == nil {
			s.Log.LogAttrs(ctx, slog.LevelInfo, "the second factor is to come", t.attrs("signin.pending", "")...)
			return nil
		}
	}
	switch {
	case err == nil:
		if err := t.Succeeded(ctx); err != nil {
			s.Log.WarnContext(ctx, "a sign-in is not counted", "error", err)
		}
		s.Log.LogAttrs(ctx, slog.LevelInfo, "signed in", LogAttrs("signin.ok", a.Address.String(), found.Username, "")...)
		return nil
	case errors.Is(err, account.ErrWaiting):
		s.Log.LogAttrs(ctx, slog.LevelInfo, "sign-in waits for an owner's yes", t.attrs("signin.waiting", "")...)
		return cmp.Or(t.Succeeded(ctx), err)
	case errors.Is(err, password.ErrHash):
		return s.failSignIn(ctx, t, "the stored hash is broken: set the password again")
	case errors.Is(err, account.ErrSignIn), errors.Is(err, session.ErrChanged):
		return s.failSignIn(ctx, t, "wrong")
	}
	return err
}

// Reauthenticate calls do, which verifies the current password of somebody who is signed
// in. It is throttled like a sign-in, so that somebody who finds an open browser cannot
// guess the password. Errors: do's, TooSoonError, db.ErrUnavailable.
func (s *Authenticator) Reauthenticate(ctx context.Context, a Attempt, do func() error) error {
	t, err := s.beginSignIn(ctx, a, true)
	if err != nil {
		return err
	}
	defer t.Done()
	if err = do(); errors.Is(err, account.ErrSignIn) {
		return s.failSignIn(ctx, t, "wrong current password")
	}
	return err
}

// beginSignIn asks the throttle whether the sign-in or, if signedIn is true, the check of
// the current password may be tried now. It looks every name up, so that the log and the
// audit log contain only names that an account has.
func (s *Authenticator) beginSignIn(ctx context.Context, a Attempt, signedIn bool) (try, error) {
	on, err := s.Accounts.Named(ctx, a.Username)
	if err != nil {
		return try{}, err
	}
	typed := account.SignInName(a.Username)
	by := throttle.Attempt{Address: a.Address, Account: cmp.Or(on.Username, typed), Typed: typed, SignedIn: signedIn}
	if on.IsKnownDevice(a.Device.AccountID, a.Device.Epoch) {
		by.Device = a.Device.ID
	}
	t := try{attempt: a, on: on}
	if t.Try, err = s.begin(ctx, by); errors.Is(err, ErrTooSoon) {
		s.Log.LogAttrs(ctx, slog.LevelWarn, "sign-in throttled", t.attrs("signin.throttled", "")...)
		if s.auditLimiter.allow(by.Account, s.Now()) {
			err = cmp.Or(s.Accounts.Throttled(ctx, on, a.By), err)
		}
	}
	return t, err
}

// failSignIn ends the try as a failure, which it logs, counts and audits. Errors:
// account.ErrSignIn, or db.ErrUnavailable if the failure could not be counted.
func (s *Authenticator) failSignIn(ctx context.Context, t try, reason string) error {
	s.Log.LogAttrs(ctx, slog.LevelWarn, "sign-in failed", t.attrs("signin.failed", reason)...)
	return s.fail(ctx, t, "signin.failed", account.ErrSignIn)
}

// shedLoad waits for shedDelay and returns password.ErrBusy, without using the database,
// so that clients that retry at once leave capacity for other pages.
func shedLoad(ctx context.Context) error {
	rest := time.NewTimer(shedDelay)
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
	}
	return password.ErrBusy
}
