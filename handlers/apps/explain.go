package apps

import (
	"errors"
	"net/http"
	"net/url"

	"glassjar/utl/account"
	"glassjar/utl/gate"
)

// Explained is the form that asks what the gate would decide, as it was typed, and the
// result.
type Explained struct {
	URL, As, Method string
	Level2          bool
	Lines           []gate.Line
	Problem         string
}

// Methods returns the methods that the form offers.
func (Explained) Methods() []string { return []string{"GET", "POST", "PUT", "DELETE"} }

// explain evaluates the form in the args. If address is empty, it only fills in the form. The
// arg as is a username; if it is empty, the decision is for somebody who is signed out.
func (s *Room) explain(r *http.Request, args url.Values, address string) (e Explained, err error) {
	e = Explained{URL: args.Get("url"), As: args.Get("as"), Method: args.Get("method"), Level2: args.Get("level") == "2"}
	if e.Method == "" {
		e.Method = http.MethodGet
	}
	if e.URL == "" {
		e.URL = address
		return e, nil
	}
	var p gate.Subject
	if e.As != "" {
		found, err := s.Accounts.Find(r.Context(), e.As)
		switch {
		case errors.Is(err, account.ErrName), errors.Is(err, account.ErrUnknown):
			e.Problem = "There is no account with this username."
			return e, nil
		case err != nil:
			return e, err
		}
		p = gate.Subject{Identity: found.Identity, Disabled: found.Disabled, How: gate.SignedIn{Level: 1}}
	}
	if e.Level2 {
		p.How.Level = 2
	}
	q, v := s.Gate.DecideAs(e.URL, e.Method, s.Level, p)
	e.Lines = gate.Explain(q, v)
	return e, nil
}
