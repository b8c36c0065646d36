package handlers

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"glassjar/utl/gate"
	"glassjar/utl/redirect"
	"glassjar/utl/session"
)

var errBounced = errors.New("the browser did not keep the gate cookie")

// leavingSecurity is for a sign-in form that leads to a gate host: Chromium
// holds the redirect after a form to form-action too, and an app may redirect
// further to where we do not know.
const leavingSecurity = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// next returns where a person goes on to after signing in: a path on this
// site, a URL on a gate host, or "" for home.
func (s *site) next(asked string) string {
	if t, ok := s.app(asked); ok {
		return t.String()
	}
	if to := redirect.Safe(asked); to != "/" {
		return to
	}
	return ""
}

// app returns the target that next names, if that is a URL on a gate host.
func (s *site) app(next string) (gate.Target, bool) {
	return s.Gate.Returns(next)
}

// goOn answers 303 to where a signed-in person goes on to. On a gate host the
// browser then holds a gate cookie: all hosts of COOKIE_DOMAIN share one that
// is set here; any other gets its own at its /gate/callback, for a ticket that
// is made for the browser with the nonce: a first ticket, without, gets it one.
// Errors: errBounced, db.ErrUnavailable.
func (s *site) goOn(w http.ResponseWriter, r *http.Request, found session.Session, next, nonce string) error {
	t, ok := s.app(next)
	if !ok {
		return seeOther(w, cmp.Or(next, "/"))
	}
	if nonce == "" && s.sent.count(found.SID+" "+next, s.Now()) > mostBounces {
		return errBounced
	}
	at := session.Place(s.Gate.CookieScope(t))
	switch {
	case s.Gate.Own(t): // the session cookie will do
	case at.Domain:
		if err := s.Sessions.SendGate(w, r, found, at); err != nil {
			return err
		}
	default:
		code, err := s.Sessions.NewTicket(r.Context(), found, t.String(), nonce)
		if err != nil {
			return err
		}
		return seeOther(w, t.Scheme+"://"+t.Host+"/gate/callback?ticket="+code)
	}
	return seeOther(w, t.String())
}

// gateCallback answers GET /gate/callback on an app's own host, 410 without a
// good ticket. For one that is for no browser yet, it has this one hold a nonce
// and answers 303 to where it gets a ticket of its own. For that it sets the
// host's gate cookie and answers 303 to where the ticket leads. For another
// browser's it is 409: somebody would have this one go on as somebody else.
func (s *site) gateCallback(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Referrer-Policy", "no-referrer")
	args, err := readArgs(r, "ticket")
	if err != nil {
		return err
	}
	ticket, err := s.Sessions.Redeem(r.Context(), args.Get("ticket"))
	if err != nil {
		return err
	}
	t, ok := s.Gate.Returns(ticket.URL)
	if !ok || !t.On(r.Host) {
		return fmt.Errorf("%w: it is for another host", session.ErrTicket)
	}
	at := session.Place(s.Gate.CookieScope(t))
	if ticket.Open() {
		return seeOther(w, s.PublicURL.String()+"/auth?nonce="+at.SendNonce(w, r)+"&next="+gate.Escape(ticket.URL))
	}
	if !ticket.For(r, at) {
		return errBrowser
	}
	if err := s.Sessions.SendGate(w, r, ticket.Session, at); err != nil {
		return err
	}
	return seeOther(w, ticket.URL)
}

// mostBounces is how often a browser is sent on to one page within a few
// seconds: twice may be a person's haste.
const mostBounces = 2

// lately counts what came within the same ten seconds.
type lately struct {
	mu    sync.Mutex
	began time.Time
	came  map[[sha256.Size]byte]int
}

// count counts the key once more and returns how often it came.
func (l *lately) count(key string, now time.Time) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.began).Abs() >= 10*time.Second || len(l.came) >= 10_000 {
		l.began, l.came = now, map[[sha256.Size]byte]int{}
	}
	sum := sha256.Sum256([]byte(key))
	l.came[sum]++
	return l.came[sum]
}

// forget forgets the key.
func (l *lately) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.came, sha256.Sum256([]byte(key)))
}

// has reports whether the key came.
func (l *lately) has(key string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return now.Sub(l.began).Abs() < 10*time.Second && l.came[sha256.Sum256([]byte(key))] > 0
}
