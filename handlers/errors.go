package handlers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/gate"
	"glassjar/utl/password"
	"glassjar/utl/session"
	"glassjar/utl/wire"
)

var (
	errNotFound    = errors.New("no such page")
	errMethod      = errors.New("method not allowed")
	errRange       = errors.New("no such part of the file")
	errCrossOrigin = errors.New("the form came from another site")
	errForm        = errors.New("the form cannot be read")
	errFormType    = errors.New("the form is not urlencoded")
	errFormSize    = errors.New("the form is too large")
	errTooSoon     = errors.New("too many sign-ins failed")
	errUnwritten   = errors.New("signed out, but it could not be written")
)

// answer is what people see of an error.
type answer struct {
	err      error
	status   int
	title    string
	sentence string
	retry    string // Retry-After, seconds
}

// answers is the one place where an error gets its status and its sentence;
// the first match wins.
var answers = []answer{
	{errNotFound, http.StatusNotFound, "Not found", "There is no page at this address.", ""},
	{errMethod, http.StatusMethodNotAllowed, "Method not allowed", "This address does not take that kind of request.", ""},
	{errRange, http.StatusRequestedRangeNotSatisfiable, "No such part", "The file is shorter than that.", ""},
	{gate.ErrBad, http.StatusBadRequest, "Bad request", "The gate cannot read what the proxy asked, or can read it in two ways. " +
		"If you run this site, set the proxy up as the recipe for it says.", ""},
	{account.ErrAppPassword, http.StatusUnauthorized, "App password refused", "The app password is wrong, revoked, expired or not for this host. Make another on your account's page.", ""},
	{errCaller, http.StatusBadRequest, "Proxy not trusted", "The gate answers only proxies that it trusts. " +
		"If you run this site, add the proxy's address, which the log names, to TRUSTED_PROXIES.", ""},
	{gate.ErrHost, http.StatusForbidden, "Host not listed", "The gate does not answer for this host. " +
		"If you run this site, add it to GATE_HOSTS; if it is there, open it over https, as the sign-in page is.", ""},
	{errUnsure, http.StatusServiceUnavailable, "Not now", "It cannot be known just now whether you are signed in. Try again in a few seconds.", "5"},
	{session.ErrTicket, http.StatusGone, "Open that page again", "The address that signs you in there works once, for half a minute. Open the page that you wanted again.", ""},
	{errBounced, http.StatusConflict, "Your browser did not keep the cookie", "You are signed in here, but came straight back from the page that you wanted: " +
		"your browser did not keep the cookie for it, or did not send it. Allow cookies there, remove old ones of that site, then open the page again.", ""},
	{errBrowser, http.StatusConflict, "Your browser did not keep the cookie", "You were to be let in, but your browser did not keep or send the cookie that shows that it asked for that. " +
		"Allow cookies for this site, then open the page that you wanted again.", ""},
	{errCrossOrigin, http.StatusForbidden, "Refused", "This form was not sent from this site's own page. Go back, reload the page and send it again.", ""},
	{errForm, http.StatusBadRequest, "Bad request", "What was sent cannot be read: a field is doubled, is not valid text, or there are too many.", ""},
	{errFormType, http.StatusUnsupportedMediaType, "Bad request", "This form is sent as application/x-www-form-urlencoded.", ""},
	{errFormSize, http.StatusRequestEntityTooLarge, "Too large", "What was sent is too large.", ""},
	{
		account.ErrReplaced, http.StatusGone, "A newer link replaced this one",
		"The server was started again and printed another link: open that one. Only the newest works.", "",
	},
	{
		account.ErrNoOwner, http.StatusConflict, "The owner comes first",
		"No owner has an account yet. The server printed a link for the owner when it started: open that first. " +
			"If it is lost, start the server again and it prints a new one. Then this link works.", "",
	},
	{account.ErrLink, http.StatusGone, "This link is used up", "It was used, has expired, or never was one. Ask for a new one.", ""},
	{errTooSoon, http.StatusTooManyRequests, "Too many sign-ins", "Too many were tried. Wait a little, then try again.", ""},
	{
		errUnwritten, http.StatusServiceUnavailable, "Signed out, not yet written down",
		"Your browser has forgotten its cookie and this server refuses it from now on. " +
			"The database cannot be reached; once it can, every other server refuses the cookie too.", "5",
	},
	{session.ErrChanged, http.StatusConflict, "Please sign in again", "Your account was changed at the same moment.", ""},
	{password.ErrBusy, http.StatusServiceUnavailable, "Busy", "Too many people are signing in just now. Try again in a second.", "1"},
	{wire.ErrBusy, http.StatusServiceUnavailable, "Busy", "Too many people are listening in the lab just now. Try again in a second.", "1"},
	{db.ErrUnavailable, http.StatusServiceUnavailable, "Not now", "The server cannot reach its database. Nothing was changed. Try again in a few seconds.", "5"},
	{context.DeadlineExceeded, http.StatusServiceUnavailable, "Not now", "This took too long. Try again in a few seconds.", "5"},
	{context.Canceled, http.StatusServiceUnavailable, "Not now", "The request was given up.", ""},
}

// broken is the answer to every other error.
var broken = answer{status: http.StatusInternalServerError, title: "Something broke", sentence: "It is our fault, and it is in the log."}

// answerTo returns what people see of the error.
func answerTo(err error) answer {
	for _, a := range answers {
		if errors.Is(err, a.err) {
			return a
		}
	}
	return broken
}

type errorPage struct {
	chrome

	Title, Sentence string
}

// fail answers with the error's status and sentence.
func (s *site) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.secure(w.Header(), r) // a handler may have loosened them
	a := s.judge(w, r, err)
	if err := s.show(w, a.status, "error", errorPage{Title: a.title, Sentence: a.sentence}); err != nil {
		w.WriteHeader(http.StatusInternalServerError) // New has rendered the page once: it does not break
	}
}

// judge returns what people see of the error, and logs one that is the
// server's own.
func (s *site) judge(w http.ResponseWriter, r *http.Request, err error) answer {
	a := answerTo(err)
	if a.status >= http.StatusInternalServerError && !errors.Is(err, password.ErrBusy) && !errors.Is(err, wire.ErrBusy) {
		s.Log.LogAttrs(r.Context(), slog.LevelError, "request failed",
			slog.String("id", visitOf(r).id), slog.Int("status", a.status), slog.String("error", oneLine(err.Error(), 512)))
	}
	if a.retry != "" {
		w.Header().Set("Retry-After", a.retry)
	}
	return a
}
