package web

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// LogAttrs tells the log what happened to the account of the name, the address
// before it. No name is one that nobody has: what was typed is not logged,
// because people type passwords into the wrong field.
func LogAttrs(r *http.Request, event, username, reason string) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("event", event), slog.String("ip", InfoOf(r).Address.String()),
		slog.String("account", cmp.Or(username, "unknown")),
	}
	if reason != "" {
		attrs = append(attrs, slog.String("reason", reason))
	}
	return attrs
}

// Actor returns who makes the request.
func Actor(r *http.Request) audit.Actor {
	v := InfoOf(r)
	return audit.Actor{ID: v.Session.Identity.ID, Name: v.Session.Username, Address: v.Address.String(), Agent: r.UserAgent()}
}

// Attempt is a sign-in that may be tried.
type Attempt struct {
	*throttle.Try

	on account.Account // that the typed username names; zero: none
}

// FailAttempt ends the try as one that failed: it is counted, recorded and logged.
// Errors: account.ErrSignIn, or db.ErrUnavailable when it could not be counted.
func (s *Site) FailAttempt(r *http.Request, try Attempt, reason string) error {
	s.Log.LogAttrs(r.Context(), slog.LevelWarn, "sign-in failed", LogAttrs(r, "signin.failed", try.on.Username, reason)...)
	return cmp.Or(try.Failed(r.Context(), func(ctx context.Context, tx *db.Tx) error {
		return s.accounts.RecordTry(ctx, tx, "signin.failed", try.on, Actor(r))
	}), account.ErrSignIn)
}

// BeginAttempt asks the throttle whether the sign-in may be tried now, or, of somebody
// signed in, whether the current password may. It looks every name up, known or
// not, so that log and audit hold only names that an account has.
// Errors: errTooSoon, with Retry-After set, and db.ErrUnavailable.
func (s *Site) BeginAttempt(w http.ResponseWriter, r *http.Request, typed string, signedIn bool) (Attempt, error) {
	on, err := s.accounts.Named(r.Context(), typed)
	if err != nil {
		return Attempt{}, err
	}
	a := throttle.Attempt{Address: InfoOf(r).Address, Account: account.Trim(typed), SignedIn: signedIn}
	if name, err := account.Username(typed); err == nil {
		a.Account = name
	}
	if d := s.devices.Read(r); on.Knows(d.AccountID, d.Epoch) {
		a.Device = d.ID
	}
	try, wait, err := s.throttle.Begin(r.Context(), a)
	if err != nil || wait == 0 {
		return Attempt{try, on}, err
	}
	s.Log.LogAttrs(r.Context(), slog.LevelWarn, "sign-in throttled", LogAttrs(r, "signin.throttled", on.Username, "")...)
	if s.untold.first(a.Account, s.Now()) {
		err = s.accounts.Throttled(r.Context(), on, Actor(r))
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	return Attempt{}, cmp.Or(err, ErrTooSoon)
}

// untold keeps a flood of throttled sign-ins from becoming a flood of audit
// rows: in a minute one for a name, and 100 in all.
type untold struct {
	mu    sync.Mutex
	began time.Time
	told  map[string]bool
}

// first reports whether the name is to be told of: it was not in this minute.
func (u *untold) first(name string, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if now.Sub(u.began).Abs() >= time.Minute {
		u.began, u.told = now, map[string]bool{}
	}
	name = name[:min(len(name), 64)]
	if u.told[name] || len(u.told) >= 100 {
		return false
	}
	u.told[name] = true
	return true
}

// StartSession starts a session, from here on the request's own, and makes the browser
// a known device of the account.
func (s *Site) StartSession(w http.ResponseWriter, r *http.Request, v session.Verified, remember bool) error {
	started, err := s.sessions.Start(w, r, v, remember, Actor(r))
	if err != nil {
		return err
	}
	InfoOf(r).Session = started
	return s.devices.Send(w, r, v)
}
