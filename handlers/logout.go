package handlers

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"glassjar/utl/account"
	"glassjar/utl/db"
)

type logoutPage struct{ chrome }

// logoutForm answers GET /logout: a button. A link or an image on another site
// must not sign anybody out.
func (s *site) logoutForm(w http.ResponseWriter, _ *http.Request, me account.Account) error {
	return s.show(w, http.StatusOK, "logout", logoutPage{chrome{Me: me}})
}

// logoutSubmit answers POST /logout: the session ends, 303 to /. When the end
// cannot be written, 503 says what holds all the same.
func (s *site) logoutSubmit(w http.ResponseWriter, r *http.Request, me account.Account) error {
	if err := s.Sessions.Clear(w, r); err != nil {
		return err
	}
	if s.PublicURL.Scheme == "https" {
		w.Header().Set("Clear-Site-Data", `"cache"`)
	}
	err := s.Sessions.End(r.Context(), visitOf(r).session.SID, by(r))
	if errors.Is(err, db.ErrUnavailable) {
		return fmt.Errorf("%w: %w", errUnwritten, err)
	}
	if err != nil {
		return err
	}
	s.event(r, slog.LevelInfo, "session ended", "session.ended", me.Username, "signed out")
	return seeOther(w, "/")
}
