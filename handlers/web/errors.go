package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"glassjar/utl/account"
	"glassjar/utl/authn"
	"glassjar/utl/db"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

// The errors that any page may return.
var (
	errNotOwner    = errors.New("only owners may do this")
	ErrNotFound    = errors.New("no such page")
	errMethod      = errors.New("method not allowed")
	errRange       = errors.New("no such part of the file")
	errCrossOrigin = errors.New("the form came from another site")
	ErrForm        = errors.New("the form cannot be read")
	errFormType    = errors.New("the form is not urlencoded")
	errFormSize    = errors.New("the form is too large")
)

// Answer is the response to an error: its status and its text for people.
type Answer struct {
	Err        error
	Status     int
	Title      string
	Text       string
	RetryAfter string // seconds; empty: no Retry-After header
	Expected   bool   // expected under load, and so not logged
}

// lockedText is the text for somebody who tries to change a locked account.
const lockedText = "The account is locked: for 24 hours nobody can change its password, email address or the ways to sign in. An owner can lift that earlier."

// sharedAnswers are the responses to errors that several features return. The errors of one
// feature are in its own package. The first match wins.
var sharedAnswers = []Answer{
	{Err: ErrNotFound, Status: http.StatusNotFound, Title: "Not found", Text: "There is no page at this address."},
	{Err: errNotOwner, Status: http.StatusForbidden, Title: "For owners only", Text: "An owner of this site may open this page. You are signed in as a member. Ask an owner."},
	{Err: errMethod, Status: http.StatusMethodNotAllowed, Title: "Method not allowed", Text: "This address does not take that kind of request."},
	{Err: errRange, Status: http.StatusRequestedRangeNotSatisfiable, Title: "No such part", Text: "The file is shorter than that."},
	{Err: errCrossOrigin, Status: http.StatusForbidden, Title: "Refused", Text: "This form was not sent from this site's own page. Go back, reload the page and send it again."},
	{Err: ErrForm, Status: http.StatusBadRequest, Title: "Bad request", Text: "What was sent cannot be read: a field is doubled, is not valid text, or there are too many."},
	{Err: errFormType, Status: http.StatusUnsupportedMediaType, Title: "Bad request", Text: "This form is sent as application/x-www-form-urlencoded."},
	{Err: errFormSize, Status: http.StatusRequestEntityTooLarge, Title: "Too large", Text: "What was sent is too large."},
	{Err: authn.ErrTooSoon, Status: http.StatusTooManyRequests, Title: "Too many sign-ins", Text: "Too many were tried. Wait a little, then try again."},
	{Err: session.ErrChanged, Status: http.StatusConflict, Title: "Please sign in again", Text: "Your account was changed at the same moment."},
	{Err: account.ErrUnknown, Status: http.StatusConflict, Title: "Please sign in again", Text: "The account was deleted at the same moment."},
	{
		Err: account.ErrLastFactor, Status: http.StatusConflict, Title: "It is your last second factor",
		Text: "This site asks everybody for one. Add another first, then remove this one.",
	},
	{Err: account.ErrLocked, Status: http.StatusConflict, Title: "The account is locked", Text: lockedText},
	{Err: password.ErrBusy, Status: http.StatusServiceUnavailable, Title: "Busy", Text: "Too many people are signing in just now. Try again in a second.", RetryAfter: "1", Expected: true},
	{Err: db.ErrUnavailable, Status: http.StatusServiceUnavailable, Title: "Not now", Text: "The server cannot reach its database. Nothing was changed. Try again in a few seconds.", RetryAfter: "5"},
	{Err: context.DeadlineExceeded, Status: http.StatusServiceUnavailable, Title: "Not now", Text: "This took too long. Try again in a few seconds.", RetryAfter: "5"},
	{Err: context.Canceled, Status: http.StatusServiceUnavailable, Title: "Not now", Text: "The request was given up."},
}

// internalError is the response to every other error.
var internalError = Answer{Status: http.StatusInternalServerError, Title: "Something broke", Text: "It is our fault, and it is in the log."}

// answerTo returns the response to the error. The features' own responses come first,
// because they are more specific.
func (s *Site) answerTo(err error) Answer {
	for _, a := range s.answers {
		if errors.Is(err, a.Err) {
			return a
		}
	}
	return internalError
}

// ErrorPage is the data of the page for an error.
type ErrorPage struct {
	Layout

	Title, Sentence string
}

// renderError responds to the error with its status and page.
func (s *Site) renderError(w http.ResponseWriter, r *http.Request, err error) {
	s.secure(w.Header(), r) // a handler may have relaxed the headers
	a := s.Classify(w, r, err)
	if s.onAppHosts(r.URL.Path) {
		err = s.RenderOnAppHost(w, a.Status, AppHostPage{Title: a.Title, Sentence: a.Text})
	} else {
		err = s.Render(w, a.Status, "error", ErrorPage{Title: a.Title, Sentence: a.Text})
	}
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError) // not expected: New has rendered the page once
	}
}

// Classify returns the response to the error, sets its Retry-After, and logs an error of the
// server itself.
func (s *Site) Classify(w http.ResponseWriter, r *http.Request, err error) Answer {
	a := s.answerTo(err)
	if a.Status >= http.StatusInternalServerError && !a.Expected {
		s.Log.LogAttrs(r.Context(), slog.LevelError, "request failed",
			slog.String("id", InfoOf(r).id), slog.Int("status", a.Status), slog.String("error", OneLine(err.Error(), 512)))
	}
	if a.RetryAfter != "" {
		w.Header().Set("Retry-After", a.RetryAfter)
	}
	if soon, ok := errors.AsType[authn.TooSoonError](err); ok {
		setRetryAfter(w, soon)
	}
	return a
}
