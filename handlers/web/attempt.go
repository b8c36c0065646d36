package web

import (
	"net/http"

	"glassjar/utl/audit"
	"glassjar/utl/authn"
	"glassjar/utl/session"
)

// Actor returns who makes the request.
func Actor(r *http.Request) audit.Actor {
	v := InfoOf(r)
	return audit.Actor{ID: v.Session.Identity.ID, Name: v.Session.Username, Address: v.Address.String(), Agent: r.UserAgent()}
}

// Attempt returns what the request brings to prove who makes it.
func (s *Site) Attempt(r *http.Request, username, password string) authn.Attempt {
	return authn.Attempt{Username: username, Password: password, Address: InfoOf(r).Address, Device: s.devices.Read(r), By: Actor(r)}
}

// StartSession starts a session, from here on the request's own, and makes the browser
// a known device of the account.
func (s *Site) StartSession(w http.ResponseWriter, r *http.Request, v session.Verified, remember bool) error {
	started, err := s.sessions.Start(w, r, v, remember, Actor(r))
	if err != nil {
		return err
	}
	InfoOf(r).Session = started
	return s.devices.Send(w, r, v)
}

// ProveSession notes that the request's person just proved again who they are, and
// sends the session's new cookie.
func (s *Site) ProveSession(w http.ResponseWriter, r *http.Request, v session.Verified) error {
	info := InfoOf(r)
	proven, err := s.sessions.Prove(w, r, info.Session, v, Actor(r))
	if err == nil {
		info.Session = proven
	}
	return err
}
