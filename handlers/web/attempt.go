package web

import (
	"context"
	"net/http"

	"glassjar/utl/audit"
	"glassjar/utl/authn"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

// Actor returns the actor of the request for the audit log.
func Actor(r *http.Request) audit.Actor {
	v := InfoOf(r)
	return audit.Actor{ID: v.Session.Identity.ID, Name: v.Session.Username, Address: v.Address.String(), Agent: r.UserAgent()}
}

// Attempt returns the credentials of the request for package authn: what was typed, the
// client's address and the known device of its cookie.
func (s *Site) Attempt(r *http.Request, username, password string) authn.Attempt {
	return authn.Attempt{Username: username, Password: password, Address: InfoOf(r).Address, Device: s.devices.Read(r), By: Actor(r)}
}

// StartSession starts a session, which becomes the request's, and makes the browser a known
// device of the account. Errors: session.Start's.
func (s *Site) StartSession(w http.ResponseWriter, r *http.Request, v session.Verified, remember bool) error {
	return s.startAnd(w, r, v, remember, func(context.Context, *db.Tx) error { return nil })
}

// SignIn is StartSession for a person who signs in. It notifies them of the sign-in if the
// browser is not a known device of the account.
func (s *Site) SignIn(w http.ResponseWriter, r *http.Request, v session.Verified, remember bool) error {
	return s.startAnd(w, r, v, remember, func(ctx context.Context, tx *db.Tx) error {
		if d := s.devices.Read(r); d.AccountID == v.AccountID && d.Epoch == v.Epoch {
			return nil
		}
		return s.accounts.NewBrowser(ctx, tx, v.AccountID, Actor(r))
	})
}

func (s *Site) startAnd(w http.ResponseWriter, r *http.Request, v session.Verified, remember bool, also func(context.Context, *db.Tx) error) error {
	started, err := s.sessions.StartAnd(w, r, v, remember, Actor(r), also)
	if err != nil {
		return err
	}
	InfoOf(r).Session = started
	return s.devices.Send(w, r, v)
}

// ProveSession stores that the request's person proved again who they are, and sends the
// session's new cookie. Errors: session.Prove's.
func (s *Site) ProveSession(w http.ResponseWriter, r *http.Request, v session.Verified) error {
	info := InfoOf(r)
	proven, err := s.sessions.Prove(w, r, info.Session, v, Actor(r))
	if err == nil {
		info.Session = proven
	}
	return err
}
