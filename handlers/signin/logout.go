package signin

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/authn"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

// LogoutPage is the data of /logout.
type LogoutPage struct {
	web.Layout

	Next string // the URL to continue to; empty: the sign-in form
}

// LogoutForm answers GET /logout: a page with a button, because a link or an image on another
// site must not sign anybody out. It redirects people who are signed out at once.
func (s *Room) LogoutForm(w http.ResponseWriter, r *http.Request) error {
	args, err := web.ReadArgs(r, "next")
	if err != nil {
		return err
	}
	next := s.safeNext(args.Get("next"))
	found, err := s.CurrentSession(w, r)
	if errors.Is(err, session.ErrNone) && next == "" {
		return web.ToSignIn(w, r)
	}
	if errors.Is(err, session.ErrNone) {
		return web.SeeOther(w, next)
	}
	if err != nil {
		return err
	}
	s.allowLeaving(w, next)
	return s.Render(w, http.StatusOK, "logout", LogoutPage{web.Layout{Me: account.FromSession(found)}, next})
}

// LogoutSubmit answers POST /logout: it ends the session and answers 303 to next (a field
// or an arg), or to /. If the database is unavailable, it clears the cookie, refuses it
// on this server, and answers 503 with a page that says so. Then it relies on the
// cookie's signature alone, because nobody can know whether the session is live.
func (s *Room) LogoutSubmit(w http.ResponseWriter, r *http.Request) error {
	next := cmp.Or(s.afterLogout(r), "/")
	found, err := s.CurrentSession(w, r)
	if errors.Is(err, session.ErrNone) {
		return web.SeeOther(w, next)
	}
	if err != nil && !errors.Is(err, db.ErrUnavailable) {
		return err
	}
	if err := s.Sessions.Clear(w, r); err != nil {
		return err
	}
	err = s.Sessions.End(r.Context(), found.SID, web.Actor(r))
	if errors.Is(err, db.ErrUnavailable) {
		return fmt.Errorf("%w: %w", errUnwritten, err)
	}
	if err != nil {
		return err
	}
	s.Log.LogAttrs(r.Context(), slog.LevelInfo, "session ended", authn.LogAttrs("session.ended", web.InfoOf(r).Address.String(), found.Username, "signed out")...)
	s.noteSignOut(r)
	return web.SeeOther(w, next)
}

// afterLogout returns the URL to continue to, or "". It ignores malformed input, which
// must not prevent the sign-out.
func (s *Room) afterLogout(r *http.Request) string {
	args, _ := web.ReadArgs(r, "next")
	form, _ := web.ReadForm(r, "next")
	return s.safeNext(cmp.Or(form.Get("next"), args.Get("next")))
}
