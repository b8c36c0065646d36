package forward

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/gate"
)

var (
	errCaller     = errors.New("the caller of the gate is not in TRUSTED_PROXIES")
	errUnsure     = errors.New("the gate cannot find out who makes the request")
	errProgram    = errors.New("an app password is no second factor")
	errOverHTTP   = errors.New("people sign in over https, and the app was opened over http")
	errOtherPort  = errors.New("the app was opened on another port than its own")
	errNoPrograms = errors.New("the app takes no app passwords")
)

// refuse responds that the request may not pass, and why: with a page to a browser that
// opens one, with JSON to everything else. Programs are not told where to sign in. For
// too many wrong app passwords nginx gets 403, because it treats 429 as a failure of the
// gate; a 401 could make a program discard a valid app password.
func (s *Room) refuse(w http.ResponseWriter, r *http.Request, q *gate.Question, v gate.Verdict) error {
	if v.Outcome == gate.WrongGroup {
		return s.writeRefusal(w, r, http.StatusForbidden, s.denied(q.Request, v.Subject.Username))
	}
	err := refusal(v)
	a := s.Classify(w, r, err)
	page := web.AppHostPage{Title: a.Title, Sentence: a.Text}
	if v.Rule != nil {
		page.Host = q.Host
	}
	switch {
	case a.Status == http.StatusUnauthorized && q.FromProgram():
		w.Header().Set("WWW-Authenticate", challenge)
	case a.Status == http.StatusTooManyRequests && q.Kind == gate.Check:
		a.Status = http.StatusForbidden
	}
	if errors.Is(err, account.ErrAppPassword) {
		page.Ways = []web.Way{{Text: "Your app passwords", Address: s.PublicURL.String() + "/account/app-passwords"}}
	}
	return s.writeRefusal(w, r, a.Status, page)
}

// refusal returns the error for the verdict.
func refusal(v gate.Verdict) error {
	switch v.Outcome {
	case gate.Untrusted:
		return errCaller
	case gate.Unreadable, gate.BadProgram:
		return v.Err
	case gate.Unlisted:
		return gate.ErrHost
	case gate.OverHTTP:
		return errOverHTTP
	case gate.OtherPort:
		return errOtherPort
	case gate.NoPrograms:
		return errNoPrograms
	case gate.LowLevel:
		return errProgram
	case gate.Unknown, gate.Unsure, gate.SignedOut, gate.WrongGroup, gate.Pass:
	}
	return fmt.Errorf("%w: %w", errUnsure, v.Err)
}

// denied returns the page for somebody who is in none of the groups.
func (s *Room) denied(a gate.Request, username string) web.AppHostPage {
	return web.AppHostPage{
		Title: "Not for " + username, Host: a.Host,
		Sentence: "You are signed in as " + username + ", who is in none of the groups that may open " + a.Host + ".",
		Next:     "An owner of this site can put you into one. Then load this page again.",
		Ways:     []web.Way{{Text: "To your apps", Address: s.PublicURL.String() + "/"}, {Text: "Sign in as another", Address: s.Gate.SignInAsOther(a)}},
	}
}

// writeRefusal responds with the page, or with its sentence in JSON.
func (s *Room) writeRefusal(w http.ResponseWriter, r *http.Request, status int, p web.AppHostPage) error {
	if gate.Navigates(r.Header) {
		return s.RenderOnAppHost(w, status, p)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(map[string]string{"error": p.Sentence})
}
