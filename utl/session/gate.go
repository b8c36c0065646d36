package session

import (
	"fmt"
	"net/http"

	"github.com/gorilla/sessions"
)

// CookieScope is the scope of a gate cookie: one host, or a domain with all its
// subdomains. Cookies do not tell ports apart.
type CookieScope struct {
	Host   string
	Domain bool // Host is COOKIE_DOMAIN
	Secure bool // reached over https
}

// name returns the gate cookie's name. Browsers accept __Host- cookies only from
// the host itself, and both prefixes only over https (RFC 6265bis, section 4.1.3).
func (p CookieScope) name() string {
	switch {
	case p.Domain:
		return "__Secure-glassjar-gate"
	case p.Secure:
		return "__Host-glassjar-gate"
	}
	return "glassjar-gate"
}

// SetGateKeys replaces the keys of gate cookies: the first signs, all verify. An
// empty list is an error.
func (s *Store) SetGateKeys(keys [][32]byte) error {
	codecs, err := s.newCodecs(keys)
	if err == nil {
		s.gate.Store(&codecs)
	}
	return err
}

// FindGate returns the live session of the request's gate cookie for the scope: the
// same session as Find's, with the same errors. Session cookies and gate cookies of
// other scopes do not count.
func (s *Store) FindGate(r *http.Request, at CookieScope) (Session, error) {
	return s.find(r, at.name(), at.Host)
}

// SendGate sends the session's gate cookie for the scope. It ends with the session.
// If the request carried several, the others are deleted.
func (s *Store) SendGate(w http.ResponseWriter, r *http.Request, found Session, at CookieScope) error {
	if hasDuplicates(r, at.name()) {
		ClearAll(w, r, at.name(), at.Secure)
	}
	gs := s.newGate(at)
	gs.Options.MaxAge = s.maxAge(found)
	gs.Values = gatePayload(found, at).values()
	return gs.Save(r, w)
}

func gatePayload(found Session, at CookieScope) payload {
	return payload{Username: found.Username, SID: found.SID, Started: found.Started.Unix(), Host: at.Host}
}

// GateCookie returns name=value of the session's gate cookie for the scope, as a
// browser sends it, or "" where no gate cookie is accepted. It lets its holder through
// the gate until the session ends.
func (s *Store) GateCookie(found Session, at CookieScope) (string, error) {
	keys := *s.gate.Load()
	if len(keys) == 0 {
		return "", nil
	}
	value, err := keys[0].Encode(at.name(), gatePayload(found, at))
	if err != nil {
		return "", fmt.Errorf("signing the gate cookie: %w", err)
	}
	return at.name() + "=" + value, nil
}

// newGate returns an empty gorilla session for the scope's gate cookie.
func (s *Store) newGate(at CookieScope) *sessions.Session {
	gs := sessions.NewSession(s, at.name())
	gs.Options = s.options()
	gs.Options.Secure = at.Secure
	if at.Domain {
		gs.Options.Domain = at.Host
	}
	return gs
}
