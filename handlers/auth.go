package handlers

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

type authPage struct {
	chrome

	Username string
	Next     string // where to go on to; empty: home
	To       string // what people are told of it
	Remember bool
	Problem  string // with what was typed
	Again    string // why the form comes again
	Cookie   string // the session cookie's name
	Device   string // the known device's cookie's name
	Empty    bool   // nobody has an account yet
	Cut      bool   // the address of the app's page was too long to keep
	Secure   string // this page's address over https, where it was opened over http
}

// authForm answers GET /auth: the sign-in form with the args username and
// next in it, or, signed in, 303 to next, or to the ticket for it when nonce
// names the browser. With the arg other, it is the form in any case: somebody
// else wants to sign in.
func (s *site) authForm(w http.ResponseWriter, r *http.Request) error {
	args, err := readArgs(r, "next", "nonce", "other")
	if err != nil {
		return err
	}
	found, err := s.who(w, r)
	if errors.Is(err, session.ErrNone) || err == nil && args.Has("other") {
		return s.authShow(w, r)
	}
	if err != nil {
		return err
	}
	return s.goOn(w, r, found, s.next(args.Get("next")), args.Get("nonce"))
}

// blankAuth returns the form without anything in it.
func (s *site) blankAuth() authPage {
	return authPage{Cookie: s.Sessions.Name(), Device: s.Devices.Name()}
}

// authShow shows the sign-in form to somebody who is signed out.
func (s *site) authShow(w http.ResponseWriter, r *http.Request) error {
	args, err := readArgs(r, "username", "next", "cut")
	if err != nil {
		return err
	}
	empty := s.empty(r.Context())
	next := s.next(args.Get("next"))
	again, overHTTP := s.whyAgain(r, next), s.overHTTP(r)
	if len(args) == 0 && !empty && again == "" && !overHTTP {
		return s.send(w, http.StatusOK, s.blank)
	}
	p := s.blankAuth()
	p.Empty, p.Username, p.Next, p.Again, p.Cut = empty, account.Trim(args.Get("username")), next, again, args.Has("cut")
	if overHTTP {
		p.Secure = s.PublicURL.String() + r.URL.RequestURI()
	}
	return s.authPage(w, http.StatusOK, p)
}

// authPage answers with the sign-in form. It says on which host one goes on.
func (s *site) authPage(w http.ResponseWriter, status int, p authPage) error {
	p.To = p.Next
	if t, ok := s.app(p.Next); ok {
		p.To = t.Host
		w.Header().Set("Content-Security-Policy", leavingSecurity)
	}
	return s.show(w, status, "auth", p)
}

// authSubmit answers POST /auth: it signs the person in, or shows the form
// again with the name kept and the password gone.
func (s *site) authSubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(r, "username", "password", "next", "remember")
	if err != nil {
		return err
	}
	p := s.blankAuth()
	p.Username, p.Next = account.Trim(form.Get("username")), s.next(form.Get("next"))
	p.Remember, p.Empty = form.Get("remember") != "", s.empty(r.Context())
	err = s.signIn(w, r, p, form.Get("password"))
	switch {
	case err == nil:
		s.noteSignIn(r, p.Next)
		return s.goOn(w, r, visitOf(r).session, p.Next, "")
	case errors.Is(err, account.ErrSignIn):
		p.Problem = "The username or the password is not right. Check both, then try again."
		return s.authPage(w, http.StatusUnprocessableEntity, p)
	}
	return s.formAgain(w, r, err, func(problem string, status int) error {
		p.Problem = problem
		return s.authPage(w, status, p)
	})
}

// about tells the log what happened to the account of the name, the address
// before it. No name is one that nobody has: what was typed is not logged,
// because people type passwords into the wrong field.
func about(r *http.Request, event, username, reason string) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("event", event), slog.String("ip", visitOf(r).address.String()),
		slog.String("account", cmp.Or(username, "unknown")),
	}
	if reason != "" {
		attrs = append(attrs, slog.String("reason", reason))
	}
	return attrs
}

// by returns who makes the request.
func by(r *http.Request) audit.Actor {
	v := visitOf(r)
	return audit.Actor{ID: v.session.AccountID, Name: v.session.Username, Address: v.address.String(), Agent: r.UserAgent()}
}

// formAgain shows a form again when the error is one that its reader can mend,
// with the sentence and status for it; else it returns the error.
func (s *site) formAgain(w http.ResponseWriter, r *http.Request, err error, show func(problem string, status int) error) error {
	for _, m := range s.mistakes {
		if errors.Is(err, m.Err) {
			return show(m.Text, http.StatusUnprocessableEntity)
		}
	}
	if errors.Is(err, errTooSoon) {
		return show(tooSoon(w.Header().Get("Retry-After")), http.StatusTooManyRequests)
	}
	if a := s.answerTo(err); a.RetryAfter != "" {
		w.Header().Set("Retry-After", a.RetryAfter)
		s.Log.LogAttrs(r.Context(), slog.LevelWarn, "form not taken", slog.String("id", visitOf(r).id), slog.String("error", oneLine(err.Error(), 512)))
		return show(a.Text, a.Status)
	}
	return err
}

// tooSoon says how many seconds to wait, in words.
func tooSoon(seconds string) string {
	n, _ := strconv.Atoi(seconds)
	if n <= 60 {
		return "Too many sign-ins. Wait " + seconds + " s, then try again."
	}
	return fmt.Sprintf("Too many sign-ins. Wait %d minutes, then try again. A browser in which you signed in before may not have to wait.", (n+59)/60)
}

// usernameRule is account.UsernameRule as a sentence.
var usernameRule = "A" + account.UsernameRule[1:] + "."

// mistake is an error that the reader of a form can correct, in words.
type mistake struct {
	Err  error
	Text string
}

// sharedMistakes are those of usernames and passwords.
var sharedMistakes = []mistake{
	{account.ErrName, usernameRule},
	{account.ErrReserved, "That username is reserved. Choose another."},
	{account.ErrTaken, "That username is taken. Choose another."},
	{password.ErrShort, "That password is too short: it must have at least 15 characters."},
	{password.ErrLong, "That password is too long: it may have at most 1,024 bytes."},
	{password.ErrCharacters, "That password holds a character that cannot be used."},
	{password.ErrCommon, "That password is on the lists that attackers try first, or is such a word with digits and signs around it. Choose another."},
	{password.ErrHasName, "That password holds your username. Choose another."},
	{password.ErrHasSite, "That password holds the name of this site. Choose another."},
	{account.ErrSignIn, "The current password is not right."},
}
