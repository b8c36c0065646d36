package handlers

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

var errUnwritten = errors.New("signed out, but it could not be written")

// signInAnswers are the answers to the errors of signing in and out.
var signInAnswers = []answer{
	{
		Err: account.ErrReplaced, Status: http.StatusGone, Title: "A newer link replaced this one",
		Text: "The server was started again and printed another link: open that one. Only the newest works.",
	},
	{
		Err: account.ErrNoOwner, Status: http.StatusConflict, Title: "The owner comes first",
		Text: "No owner has an account yet. The server printed a link for the owner when it started: open that first. " +
			"If it is lost, start the server again and it prints a new one. Then this link works.",
	},
	{Err: account.ErrLink, Status: http.StatusGone, Title: "This link is used up", Text: "It was used, has expired, or never was one. Ask for a new one."},
	{
		Err: errBounced, Status: http.StatusConflict, Title: "Your browser did not keep the cookie",
		Text: "You are signed in here, but came straight back from the page that you wanted: " +
			"your browser did not keep the cookie for it, or did not send it. Allow cookies there, remove old ones of that site, then open the page again.",
	},
	{
		Err: errUnwritten, Status: http.StatusServiceUnavailable, Title: "Signed out, not yet written down",
		Text: "Your browser has forgotten its cookie and this server refuses it from now on. " +
			"The database cannot be reached; once it can, every other server refuses the cookie too.", RetryAfter: "5",
	},
}

type logoutPage struct {
	chrome

	Next string // where to go on to; empty: the sign-in form
}

// logoutForm answers GET /logout: a button. A link or an image on another site
// must not sign anybody out. Whoever is signed out is led on at once.
func (s *site) logoutForm(w http.ResponseWriter, r *http.Request) error {
	args, err := readArgs(r, "next")
	if err != nil {
		return err
	}
	next := s.next(args.Get("next"))
	found, err := s.who(w, r)
	if errors.Is(err, session.ErrNone) && next == "" {
		return toSignIn(w, r)
	}
	if errors.Is(err, session.ErrNone) {
		return seeOther(w, next)
	}
	if err != nil {
		return err
	}
	if _, ok := s.app(next); ok {
		w.Header().Set("Content-Security-Policy", leavingSecurity)
	}
	return s.show(w, http.StatusOK, "logout", logoutPage{chrome{Me: account.Of(found)}, next})
}

// logoutSubmit answers POST /logout: the session ends, 303 to next, a field or
// an arg, or to /. When the end cannot be written, 503 says what holds all the
// same: it asks for a signed cookie alone, because in an outage nobody knows
// whether the session is live.
func (s *site) logoutSubmit(w http.ResponseWriter, r *http.Request) error {
	next := cmp.Or(s.afterLogout(r), "/")
	found, err := s.who(w, r)
	if errors.Is(err, session.ErrNone) {
		return seeOther(w, next)
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
	s.noteSignOut(r)
	return seeOther(w, next)
}

// afterLogout returns where the request leads on to, or "". What cannot be read
// leads nowhere: it keeps nobody signed in.
func (s *site) afterLogout(r *http.Request) string {
	args, _ := readArgs(r, "next")
	form, _ := readForm(r, "next")
	return s.next(cmp.Or(form.Get("next"), args.Get("next")))
}
