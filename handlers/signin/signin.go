package signin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

// busyRest is how long a sign-in rests that is turned away for a full line.
const busyRest = 250 * time.Millisecond

// signIn starts a session if the username and password are right, and logs
// how it went. Errors: account.ErrSignIn whatever was wrong with them,
// errTooSoon, and those of the stores.
func (s *Room) signIn(w http.ResponseWriter, r *http.Request, p AuthPage, pw string) error {
	if s.Accounts.Hasher.Busy() {
		return turnAway(r.Context())
	}
	try, err := s.BeginAttempt(w, r, p.Username, false)
	if err != nil {
		return err
	}
	defer try.Done()
	found, err := s.Accounts.Authenticate(r.Context(), p.Username, pw)
	if err == nil {
		err = try.Succeeded(r.Context())
	}
	if err == nil {
		err = s.StartSession(w, r, found.Verified(), p.Remember)
	}
	switch {
	case err == nil:
		s.Log.LogAttrs(r.Context(), slog.LevelInfo, "signed in", web.LogAttrs(r, "signin.ok", found.Username, "")...)
		return nil
	case errors.Is(err, password.ErrHash):
		return s.FailAttempt(r, try, "the stored hash is broken: set the password again")
	case errors.Is(err, account.ErrSignIn), errors.Is(err, session.ErrChanged):
		return s.FailAttempt(r, try, "wrong")
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
