package signin

import (
	"cmp"
	"errors"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/gate"
	"glassjar/utl/redirect"
	"glassjar/utl/session"
)

var errBounced = errors.New("the browser did not keep the gate cookie")

// safeNext returns where a person goes on to after signing in: a path on this
// site, a URL on a gate host, or "" for home.
func (s *Room) safeNext(asked string) string {
	if t, ok := s.gateTarget(asked); ok {
		return t.String()
	}
	if to := redirect.Safe(asked); to != "/" {
		return to
	}
	return ""
}

// gateTarget returns the target that next names, if that is a URL on a gate host.
func (s *Room) gateTarget(next string) (gate.Target, bool) {
	return s.Gate.ReturnTarget(next)
}

// continueTo answers 303 to where a signed-in person goes on to. On a gate host the
// browser then holds a gate cookie: all hosts of COOKIE_DOMAIN share one that
// is set here; any other gets its own at its /gate/callback, for a ticket that
// is made for the browser with the nonce: a first ticket, without, gets it one.
// Errors: errBounced, db.ErrUnavailable.
func (s *Room) continueTo(w http.ResponseWriter, r *http.Request, found session.Session, next, nonce string) error {
	t, ok := s.gateTarget(next)
	if !ok {
		return web.SeeOther(w, cmp.Or(next, "/"))
	}
	if nonce == "" && s.Recent.Count(found.SID+" "+next, s.Now()) > maxHandOvers {
		return errBounced
	}
	at := session.CookieScope(s.Gate.CookieScope(t))
	switch {
	case s.Gate.IsSignInHost(t): // the session cookie will do
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

// maxHandOvers is how often a browser is sent on to one page within a few
// seconds: twice may be a person's haste.
const maxHandOvers = 2
