// Package authn verifies who somebody is: at sign-in by password, code or passkey, again
// before a sensitive act, and for programs by app password. Each method is the whole
// procedure: ask the throttle, verify, count, audit and log. It does not use HTTP; the caller
// passes in functions that start sessions.
package authn

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/factor"
	"glassjar/utl/passkey"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// ErrTooSoon means that too many attempts failed, and the throttle refuses this one. Every
// such error is a TooSoonError, which says how long to wait.
var ErrTooSoon = errors.New("too many sign-ins failed")

// TooSoonError is an ErrTooSoon that says how long to wait.
type TooSoonError struct {
	Wait time.Duration // whole seconds, at most an hour
}

func (e TooSoonError) Error() string { return ErrTooSoon.Error() + ": wait " + e.Wait.String() }

// Seconds returns the wait in seconds.
func (e TooSoonError) Seconds() int { return int(e.Wait / time.Second) }

// Unwrap returns ErrTooSoon.
func (TooSoonError) Unwrap() error { return ErrTooSoon }

// Options are what an Authenticator needs.
type Options struct {
	Accounts *account.Store
	Throttle *throttle.Store
	Passkeys *passkey.Store
	Factors  *factor.Store
	Log      *slog.Logger
	Now      func() time.Time
}

// Authenticator verifies who somebody is.
type Authenticator struct {
	Options

	auditLimiter auditLimiter
}

// New returns an Authenticator.
func New(o Options) *Authenticator { return &Authenticator{Options: o} }

// Attempt is what somebody presents to be verified.
type Attempt struct {
	Username string         // as typed
	Password string         // the password, or the app password's secret
	Address  netip.Addr     // the client's address
	Device   session.Device // the known device of the request's cookie; zero: none
	By       audit.Actor
}

// LogAttrs returns the attributes of a log line about an attempt. username is empty if no
// account has the typed name: that is not logged, because people type passwords into the
// wrong field.
func LogAttrs(event, address, username, reason string) []slog.Attr {
	attrs := []slog.Attr{slog.String("event", event), slog.String("ip", address), slog.String("account", cmp.Or(username, "unknown"))}
	if reason != "" {
		attrs = append(attrs, slog.String("reason", reason))
	}
	return attrs
}

// try is an attempt that the throttle has admitted.
type try struct {
	*throttle.Try

	attempt Attempt
	on      account.Account // the account with the typed username; zero: none
}

// attrs returns the attributes of the try's log line.
func (t try) attrs(event, reason string) []slog.Attr {
	return LogAttrs(event, t.attempt.Address.String(), t.on.Username, reason)
}

// begin asks the throttle whether the attempt may be tried now. Errors:
// TooSoonError, db.ErrUnavailable.
func (s *Authenticator) begin(ctx context.Context, by throttle.Attempt) (*throttle.Try, error) {
	began, wait, err := s.Throttle.Begin(ctx, by)
	if err == nil && wait > 0 {
		err = TooSoonError{wait}
	}
	return began, err
}

// fail ends the try as a failure, which it counts and audits. It returns as, or
// db.ErrUnavailable if the failure could not be counted.
func (s *Authenticator) fail(ctx context.Context, t try, event string, as error) error {
	return cmp.Or(t.Failed(ctx, func(ctx context.Context, tx *db.Tx) error {
		return s.Accounts.RecordAttempt(ctx, tx, event, t.on, t.attempt.By)
	}), as)
}
