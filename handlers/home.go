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

// home answers GET /: the sign-in form, or, signed in, what is here.
func (s *site) home(w http.ResponseWriter, r *http.Request) error {
	found, err := s.who(w, r)
	if errors.Is(err, session.ErrNone) {
		return s.authShow(w, r)
	}
	if err != nil {
		return err
	}
	return s.show(w, http.StatusOK, "home", homePage{
		chrome: chrome{Me: account.Of(found), Here: "/"},
		Since:  when(found.Started), Until: when(s.Sessions.Until(found)), Remember: found.Remember,
		Cookie: s.Sessions.Name(), Pages: s.Pages != nil,
	})
}
