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
	errCaller     = errors.New("who asks the gate is not in TRUSTED_PROXIES")
	errUnsure     = errors.New("the gate cannot know who asks")
	errProgram    = errors.New("an app password is no second factor")
	errNoPrograms = errors.New("the app takes no app passwords")
)

// refuse answers that the request does not pass, and why: a page to a browser that
// opens one, JSON to everything else. A program is never told where to sign in. Too
// many wrong app passwords are 403 and not 429 where the proxy is nginx, to which
// 429 is a fault of the gate's; a program that gets 401 may throw a good app
// password away.
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

// refusal returns the error that the verdict is answered as.
func refusal(v gate.Verdict) error {
	switch v.Outcome {
	case gate.Untrusted:
		return errCaller
	case gate.Unreadable, gate.BadProgram:
		return v.Err
	case gate.Unlisted:
		return gate.ErrHost
	case gate.NoPrograms:
		return errNoPrograms
	case gate.LowLevel:
		return errProgram
	case gate.Unknown, gate.Unsure, gate.SignedOut, gate.WrongGroup, gate.Pass:
	}
	return fmt.Errorf("%w: %w", errUnsure, v.Err)
}

// denied is what somebody is told who is in none of the groups.
func (s *Room) denied(a gate.Request, username string) web.AppHostPage {
	return web.AppHostPage{
		Title: "Not for " + username, Host: a.Host,
		Sentence: "You are signed in as " + username + ", who is in none of the groups that may open " + a.Host + ".",
		Next:     "An owner of this site can put you into one. Then load this page again.",
		Ways:     []web.Way{{Text: "To your apps", Address: s.PublicURL.String() + "/"}, {Text: "Sign in as another", Address: s.Gate.SignInAsOther(a)}},
	}
}

// writeRefusal answers with the page, or in JSON with what it says first.
func (s *Room) writeRefusal(w http.ResponseWriter, r *http.Request, status int, p web.AppHostPage) error {
	if gate.Navigates(r.Header) {
		return s.RenderOnAppHost(w, status, p)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(map[string]string{"error": p.Sentence})
}
