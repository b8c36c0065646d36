package signin

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/gate"
	"glassjar/utl/redirect"
	"glassjar/utl/session"
)

var errBounced = errors.New("the browser did not keep the gate cookie")

// safeNext returns the URL to continue to after the sign-in: a path on this site, a URL on a
// gate host, or "" for home.
func (s *Room) safeNext(asked string) string {
	if t, ok := s.gateTarget(asked); ok {
		return t.String()
	}
	if to := redirect.Safe(asked); to != "/" {
		return to
	}
	return ""
}

// gateTarget returns next as a gate target. ok is false unless it is a URL on a gate host.
func (s *Room) gateTarget(next string) (t gate.Target, ok bool) {
	return s.Gate.ReturnTarget(next)
}

// allowLeaving lets the forms of the page redirect to next if that is on a gate host, whose
// name it returns, or else "".
func (s *Room) allowLeaving(w http.ResponseWriter, next string) (host string) {
	t, ok := s.gateTarget(next)
	if !ok {
		return ""
	}
	w.Header().Set("Content-Security-Policy", web.CSPLeaving)
	return t.Host
}

// continueTo answers 303 to next for somebody who is signed in. If next is on a gate
// host, the browser needs a gate cookie for it. On the sign-in host the session cookie is
// used. Hosts below COOKIE_DOMAIN share a gate cookie, which continueTo sets. Any other
// host sets its own at /gate/callback, in exchange for a ticket that is bound to the
// browser's nonce; without a nonce, the ticket only makes the browser start again with
// one. Errors: errBounced, db.ErrUnavailable.
func (s *Room) continueTo(w http.ResponseWriter, r *http.Request, found session.Session, next, nonce string) error {
	t, ok := s.gateTarget(next)
	if !ok {
		return web.SeeOther(w, cmp.Or(next, "/"))
	}
	if nonce == "" && s.Recent.Count(sha256.Sum256([]byte(found.SID+" "+next)), s.Now()) > maxHandOvers {
		return errBounced
	}
	at := session.CookieScope(s.Gate.CookieScope(t))
	switch {
	case s.Gate.IsSignInHost(t): // the session cookie is enough
	case at.Domain:
		if err := s.Sessions.SendGate(w, r, found, at); err != nil {
			return err
		}
	default:
		code, err := s.Sessions.NewTicket(r.Context(), found, t.String(), nonce)
		if err != nil {
			return err
		}
		return web.SeeOther(w, t.Scheme+"://"+t.Host+"/gate/callback?ticket="+code)
	}
	return web.SeeOther(w, t.String())
}

// maxHandOvers is how often a browser is redirected to the same page within ten seconds: a
// second time may be a person's double click.
const maxHandOvers = 2
