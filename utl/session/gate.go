package session

import (
	"net/http"

	"github.com/gorilla/sessions"
)

// Place is where a gate cookie is good: on one host, or on a domain and all
// below it. Cookies know no ports.
type Place struct {
	Host   string
	Domain bool // Host is COOKIE_DOMAIN
	Secure bool // reached over https
}

// name returns the gate cookie's name there: a browser takes a __Host- cookie
// from the host itself alone, and either kind over https alone.
func (p Place) name() string {
	switch {
	case p.Domain:
		return "__Secure-glassjar-gate"
	case p.Secure:
		return "__Host-glassjar-gate"
	}
	return "glassjar-gate"
}

// SetGateKeys makes the first key sign the gate cookies and every key verify
// them, from now on. No key at all is refused.
func (s *Store) SetGateKeys(keys [][32]byte) error {
	codecs, err := s.newCodecs(keys)
	if err == nil {
		s.gate.Store(&codecs)
	}
	return err
}

// FindGate returns the live session that the request's gate cookie for the
// place names: the same session as Find's, with the same errors. A session
// cookie is none, and a gate cookie of another place is none either.
func (s *Store) FindGate(r *http.Request, at Place) (Session, error) {
	return s.find(r, at.name(), at.Host)
}

// SendGate sends the gate cookie that names the session at the place. It ends
// with the session. If the request carried several, the others are cleared.
func (s *Store) SendGate(w http.ResponseWriter, r *http.Request, found Session, at Place) error {
	if several(r, at.name()) {
		ClearAll(w, r, at.name(), at.Secure)
	}
	gs := s.newGate(at)
	gs.Options.MaxAge = s.maxAge(found)
	gs.Values = payload{Username: found.Username, SID: found.SID, Started: found.Started.Unix(), Host: at.Host}.values()
	return gs.Save(r, w)
}

// newGate returns a gorilla session for the gate cookie of the place, with
// nothing in it.
func (s *Store) newGate(at Place) *sessions.Session {
	gs := sessions.NewSession(s, at.name())
	gs.Options = s.options()
	gs.Options.Secure = at.Secure
	if at.Domain {
		gs.Options.Domain = at.Host
	}
	return gs
}
