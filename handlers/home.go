package handlers

import (
	"errors"
	"net/http"

	"glassjar/utl/account"
	"glassjar/utl/session"
)

type homePage struct {
	chrome

	Since, Until string
	Remember     bool
	Cookie       string // the session cookie's name
	Pages        bool   // there are pages
}

// home answers GET /: the sign-in form, or, signed in, what is here, or 303 to
// the gate host that the arg next leads to.
func (s *site) home(w http.ResponseWriter, r *http.Request) error {
	found, err := s.who(w, r)
	if errors.Is(err, session.ErrNone) {
		return s.authShow(w, r)
	}
	if err != nil {
		return err
	}
	args, err := readArgs(r, "next")
	if err != nil {
		return err
	}
	if next := args.Get("next"); next != "" {
		if _, ok := s.app(next); ok {
			return s.goOn(w, r, found, s.next(next))
		}
	}
	return s.show(w, http.StatusOK, "home", homePage{
		chrome: chrome{Me: account.Of(found), Here: "/"},
		Since:  when(found.Started), Until: when(s.Sessions.Until(found)), Remember: found.Remember,
		Cookie: s.Sessions.Name(), Pages: s.Pages != nil,
	})
}
