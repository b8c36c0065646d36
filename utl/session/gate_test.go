package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

// The places of these tests.
var (
	onApp    = session.CookieScope{Host: "app.example.com", Secure: true}
	onWiki   = session.CookieScope{Host: "wiki.example.com", Secure: true}
	onPlain  = session.CookieScope{Host: "app.example.com"}
	onDomain = session.CookieScope{Host: "example.com", Domain: true, Secure: true}
)

func withGate(o *session.Options) { o.GateKeys, o.Secure = [][32]byte{newKey()}, true }

// gateCookie returns a gate cookie, for the scope, of the session in the cookie c.
func (s *site) gateCookie(t *testing.T, c *http.Cookie, at session.CookieScope) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.SendGate(w, request(), s.live(t, c), at); err != nil {
		t.Fatal(err)
	}
	return only(t, w)
}

func (s *site) noneAt(t *testing.T, at session.CookieScope, r *http.Request) {
	t.Helper()
	if found, err := s.FindGate(r, at); !errors.Is(err, session.ErrNone) {
		t.Errorf("at %+v: got %+v, error %v; want ErrNone", at, found, err)
	}
}

func TestGateCookie(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	for _, tt := range []struct {
		name     string
		at       session.CookieScope
		remember bool
		want     http.Cookie
	}{
		{"a host over https", onApp, false, http.Cookie{Name: "__Host-glassjar-gate", Secure: true}},
		{"a host over https, kept signed in", onApp, true, http.Cookie{Name: "__Host-glassjar-gate", Secure: true, MaxAge: int(most/time.Second) - 61}},
		{"a host over http", onPlain, false, http.Cookie{Name: "glassjar-gate"}},
		{"a domain", onDomain, false, http.Cookie{Name: "__Secure-glassjar-gate", Secure: true, Domain: "example.com"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t, withGate)
			cookie := s.signIn(t, "ada", tt.remember)
			s.clock.Move(time.Minute)
			got := s.gateCookie(t, cookie, tt.at)
			tt.want.Path, tt.want.HttpOnly, tt.want.SameSite = "/", true, http.SameSiteLaxMode
			if diff := cmp.Diff(&tt.want, got, cmpopts.IgnoreFields(http.Cookie{}, "Value", "Expires", "RawExpires", "Raw")); diff != "" {
				t.Errorf("the cookie (-want +got):\n%s", diff)
			}
			found, err := s.FindGate(request(got), tt.at)
			if want := s.live(t, cookie).SID; err != nil || found.SID != want {
				t.Errorf("got %+v, error %v; want the session %s", found, err, want)
			}
			s.end(t, found.SID)
			s.noneAt(t, tt.at, request(got))
		})
	}
}

// Attack gate/places: a gate cookie for one scope is refused in every other, and one without
// a host everywhere.
func TestAGateCookieSomewhereElse(t *testing.T) {
	s := newSite(t, withGate)
	cookie := s.signIn(t, "ada", true)
	places := []session.CookieScope{
		onApp, onWiki, onPlain, onDomain,
		{Host: "example.com", Secure: true},
		{Host: "app.example.com", Domain: true, Secure: true},
		{Host: "APP.example.com", Secure: true},
		{Host: "app.example.com.", Secure: true},
		{Secure: true},
		{},
		{Domain: true, Secure: true},
	}
	for _, at := range places[:4] {
		value := s.gateCookie(t, cookie, at).Value
		for _, other := range places {
			for _, name := range []string{"__Host-glassjar-gate", "__Secure-glassjar-gate", "glassjar-gate", s.Name()} {
				if r := request(cookiesNamed(name, value)); other != at {
					s.noneAt(t, other, r)
				}
			}
			s.noneAt(t, other, request(cookie))
			s.noneAt(t, other, request(cookiesNamed("__Host-glassjar-gate", cookie.Value)))
		}
		s.none(t, request(cookiesNamed(s.Name(), value)))
	}
	date, payload := taken(t, cookie.Value)
	host := strings.TrimSuffix(payload, "}") + `,"host":"app.example.com"}`
	s.none(t, request(cookiesNamed(s.Name(), sign(s.opt.GateKeys[0], s.Name(), date, payload))))
	s.none(t, request(cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), date, host))))
	s.noneAt(t, onApp, request(cookiesNamed("__Host-glassjar-gate", sign(s.opt.Keys[0], "__Host-glassjar-gate", date, host))))
	s.noneAt(t, onApp, request(cookiesNamed("__Host-glassjar-gate", sign(s.opt.GateKeys[0], "__Host-glassjar-gate", date, payload))))
	if _, err := s.FindGate(request(cookiesNamed("__Host-glassjar-gate", sign(s.opt.GateKeys[0], "__Host-glassjar-gate", date, host))), onApp); err != nil {
		t.Errorf("got error %v for what SendGate would write: the rows above show nothing", err)
	}
}

// Attack cookie/changed, cookie/cut, cookie/several
func TestAGateCookieMustBeAsItWasSent(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t, withGate)
	good := s.gateCookie(t, s.signIn(t, "ada", true), onApp)
	for i := range good.Value {
		for _, c := range alphabet {
			if value := good.Value[:i] + string(c) + good.Value[i+1:]; value != good.Value {
				s.noneAt(t, onApp, request(cookiesNamed(good.Name, value)))
			}
		}
		s.noneAt(t, onApp, request(cookiesNamed(good.Name, good.Value[:i])))
	}
	s.noneAt(t, onApp, request(good, good))
	for _, r := range []*http.Request{request(good, cookiesNamed(good.Name, "x")), request(cookiesNamed(good.Name, "x"), good)} {
		if _, err := s.FindGate(r, onApp); err != nil {
			t.Errorf("beside a stranger's: got error %v, want the session", err)
		}
	}
	s.noneAt(t, onApp, raw(good.Name+`="`+good.Value+`"`))
	s.noneAt(t, onApp, request())
}

func TestGateKeys(t *testing.T) {
	s := newSite(t, withGate)
	good := s.gateCookie(t, s.signIn(t, "ada", true), onApp)
	old, fresh := s.opt.GateKeys[0], newKey()
	if err := s.SetGateKeys(nil); err == nil {
		t.Error("it takes no key")
	}
	for _, tt := range []struct {
		keys [][32]byte
		live bool
	}{{[][32]byte{fresh, old}, true}, {[][32]byte{fresh}, false}, {[][32]byte{old}, true}} {
		if err := s.SetGateKeys(tt.keys); err != nil {
			t.Fatal(err)
		}
		if _, err := s.FindGate(request(good), onApp); (err == nil) != tt.live {
			t.Errorf("with %d keys: got error %v, want it live: %v", len(tt.keys), err, tt.live)
		}
	}
	none := newSite(t)
	none.noneAt(t, onApp, request(good))
	if err := none.SendGate(httptest.NewRecorder(), request(), session.Session{SID: "x"}, onApp); err == nil {
		t.Error("a gate cookie was sent without a key")
	}
}

// The gate cookie of COOKIE_DOMAIN is sent to every host of the domain. The browser gets
// it on its way to an app, not at the sign-in; Clear deletes it.
func TestADomainsGateCookie(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t, withGate, func(o *session.Options) { o.GateDomain = "example.com" })
	cookie := s.signIn(t, "ada", false)
	if err := s.SetKeys([][32]byte{newKey(), s.opt.Keys[0]}); err != nil {
		t.Fatal(err)
	}
	only(t, renewed(t, s, cookie))
	w := httptest.NewRecorder()
	if err := s.Clear(w, request(cookie)); err != nil {
		t.Fatal(err)
	}
	if all := w.Result().Cookies(); len(all) != 2 || all[1].Domain != "example.com" || all[1].MaxAge >= 0 {
		t.Errorf("got %v, want the domain's cleared too", all)
	}
}

// Attack cookie/several: gate cookies of two domains have the same name; only the one whose
// payload has the right host counts.
func TestGateCookiesOfTwoDomains(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t, withGate)
	cookie := s.signIn(t, "ada", false)
	deeper := session.CookieScope{Host: "s1.example.com", Domain: true, Secure: true}
	a, b := s.gateCookie(t, cookie, onDomain), s.gateCookie(t, cookie, deeper)
	for _, r := range []*http.Request{request(a, b), request(b, a)} {
		for _, at := range []session.CookieScope{onDomain, deeper} {
			if _, err := s.FindGate(r, at); err != nil {
				t.Errorf("at %+v: got error %v", at, err)
			}
		}
		s.noneAt(t, onApp, r)
	}
}

func TestGateDuringAnOutage(t *testing.T) {
	s := newSite(t, withGate)
	good := s.gateCookie(t, s.signIn(t, "ada", true), onApp)
	defer s.away(t)()
	if _, err := s.FindGate(request(good), onApp); err != nil {
		t.Errorf("within 10 s: got error %v", err)
	}
	s.clock.Move(10 * time.Second)
	if _, err := s.FindGate(request(good), onApp); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("got error %v, want db.ErrUnavailable", err)
	}
}
