package handlers

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

type logoutPage struct{ chrome }

// logoutForm answers GET /logout: a button. A link or an image on another site
// must not sign anybody out.
func (s *site) logoutForm(w http.ResponseWriter, _ *http.Request, me account.Account) error {
	return s.show(w, http.StatusOK, "logout", logoutPage{chrome{Me: me}})
}

// logoutSubmit answers POST /logout: the session ends, 303 to /. When the end
// cannot be written, 503 says what holds all the same: it asks for a signed
// cookie alone, because in an outage nobody knows whether the session is live.
func (s *site) logoutSubmit(w http.ResponseWriter, r *http.Request) error {
	found, err := s.who(w, r)
	if errors.Is(err, session.ErrNone) {
		return toSignIn(w, r)
	}
	if err != nil && !errors.Is(err, db.ErrUnavailable) {
		return err
	}
	if err := s.Sessions.Clear(w, r); err != nil {
		return err
	}
	err = s.Sessions.End(r.Context(), found.SID, by(r))
	if errors.Is(err, db.ErrUnavailable) {
		return fmt.Errorf("%w: %w", errUnwritten, err)
	}
	if err != nil {
		return err
	}
	s.Log.LogAttrs(r.Context(), slog.LevelInfo, "session ended", about(r, "session.ended", found.Username, "signed out")...)
	return seeOther(w, "/")
}
