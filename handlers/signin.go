package handlers

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/password"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// busyRest is how long a sign-in rests that is turned away for a full line.
const busyRest = 250 * time.Millisecond

// signIn starts a session if the username and password are right, and logs
// how it went. Errors: account.ErrSignIn whatever was wrong with them,
// errTooSoon, and those of the stores.
func (s *site) signIn(w http.ResponseWriter, r *http.Request, p authPage, pw string) error {
	if s.Accounts.Hasher.Busy() {
		return turnAway(r.Context())
	}
	try, err := s.begin(w, r, p.Username, false)
	if err != nil {
		return err
	}
	defer try.Done()
	found, err := s.Accounts.Authenticate(r.Context(), p.Username, pw)
	if err == nil {
		err = try.Succeeded(r.Context())
	}
	if err == nil {
		err = s.start(w, r, found.Verified(), p.Remember)
	}
	switch {
	case err == nil:
		s.Log.LogAttrs(r.Context(), slog.LevelInfo, "signed in", about(r, "signin.ok", found.Username, "")...)
		return nil
	case errors.Is(err, password.ErrHash):
		return s.failed(r, try, "the stored hash is broken: set the password again")
	case errors.Is(err, account.ErrSignIn), errors.Is(err, session.ErrChanged):
		return s.failed(r, try, "wrong")
	}
	return err
}

// turnAway returns password.ErrBusy, before the database is asked anything and
// after a moment's rest: a flood that comes again at once must leave the machine
// to the other pages.
func turnAway(ctx context.Context) error {
	rest := time.NewTimer(busyRest)
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-ctx.Done():
	}
	return password.ErrBusy
}

// attempt is a sign-in that may be tried.
type attempt struct {
	*throttle.Try

	on account.Account // that the typed username names; zero: none
}

// failed ends the try as one that failed: it is counted, recorded and logged.
// Errors: account.ErrSignIn, or db.ErrUnavailable when it could not be counted.
func (s *site) failed(r *http.Request, try attempt, reason string) error {
	s.Log.LogAttrs(r.Context(), slog.LevelWarn, "sign-in failed", about(r, "signin.failed", try.on.Username, reason)...)
	return cmp.Or(try.Failed(r.Context(), func(ctx context.Context, tx *db.Tx) error {
		return s.Accounts.RecordTry(ctx, tx, "signin.failed", try.on, by(r))
	}), account.ErrSignIn)
}

// begin asks the throttle whether the sign-in may be tried now, or, of somebody
// signed in, whether the current password may. It looks every name up, known or
// not, so that log and audit hold only names that an account has.
// Errors: errTooSoon, with Retry-After set, and db.ErrUnavailable.
func (s *site) begin(w http.ResponseWriter, r *http.Request, typed string, signedIn bool) (attempt, error) {
	on, err := s.Accounts.Named(r.Context(), typed)
	if err != nil {
		return attempt{}, err
	}
	a := throttle.Attempt{Address: visitOf(r).address, Account: account.Trim(typed), SignedIn: signedIn}
	if name, err := account.Username(typed); err == nil {
		a.Account = name
	}
	if d := s.Devices.Read(r); on.Knows(d.AccountID, d.Epoch) {
		a.Device = d.ID
	}
	try, wait, err := s.Throttle.Begin(r.Context(), a)
	if err != nil || wait == 0 {
		return attempt{try, on}, err
	}
	s.Log.LogAttrs(r.Context(), slog.LevelWarn, "sign-in throttled", about(r, "signin.throttled", on.Username, "")...)
	if s.untold.first(a.Account, s.Now()) {
		err = s.Accounts.Throttled(r.Context(), on, by(r))
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
	return attempt{}, cmp.Or(err, errTooSoon)
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

// start starts a session, from here on the request's own, and makes the browser
// a known device of the account.
func (s *site) start(w http.ResponseWriter, r *http.Request, v session.Verified, remember bool) error {
	started, err := s.Sessions.Start(w, r, v, remember, by(r))
	if err != nil {
		return err
	}
	visitOf(r).session = started
	return s.Devices.Send(w, r, v)
}
