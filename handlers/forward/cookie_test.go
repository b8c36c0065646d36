package forward_test

import (
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/securecookie"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/session"
)

// signed signs a payload as a cookie with the name, with any key.
func signed(tb testing.TB, key [32]byte, name string, payload any) string {
	tb.Helper()
	text, err := json.Marshal(payload)
	if err != nil {
		tb.Fatal(err)
	}
	value, err := securecookie.New(key[:], nil).SetSerializer(securecookie.NopEncoder{}).Encode(name, text)
	if err != nil {
		tb.Fatal(err)
	}
	return value
}

// payload is a gate cookie's payload, with its fields in the real order.
type payload struct {
	Username string `json:"username"`
	SID      string `json:"sid"`
	Started  int64  `json:"started"`
	Host     string `json:"host,omitempty"`
}

// A Cookie header up to the value.
const (
	sessionIs = "__Host-glassjar="
	hostIs    = webtest.HostCookie + "="
	domainIs  = webtest.DomainCookie + "="
)

// cookies are the values of three cookies of ada's, who is signed in on the sign-in host,
// on the app at webtest.Elsewhere, and in the shared domain.
type cookies struct {
	*webtest.World

	session, host, domain string
	payload               payload // of a gate cookie of her session, without a host
}

func newCookies(t *testing.T) *cookies {
	t.Helper()
	c := &cookies{World: webtest.NewWorld(t, webtest.Jar, "site.example")}
	b, _ := c.In(t)
	b.Visit(webtest.Sister+"/", 5).Want(http.StatusOK)
	c.session = b.Holds(webtest.Jar, "__Host-glassjar")
	c.host = b.Holds(webtest.Elsewhere, webtest.HostCookie)
	c.domain = b.Holds(webtest.Sister, webtest.DomainCookie)
	if c.session == "" || c.host == "" || c.domain == "" {
		t.Fatal("a cookie is missing")
	}
	c.payload = payload{SID: c.Texts(t, `SELECT sid FROM sessions`)[0], Username: "ada", Started: c.Clock.Now().Unix()}
	return c
}

// at returns the payload of a gate cookie for the host.
func (c *cookies) at(host string) payload {
	p := c.payload
	p.Host = host
	return p
}

// place says whether the gate accepts a Cookie header for the target.
type place struct {
	name, target, cookie string
	passes               bool
}

func (c *cookies) open(t *testing.T, places []place) {
	t.Helper()
	for _, tt := range places {
		t.Run(tt.name, func(t *testing.T) {
			want := http.StatusUnauthorized
			if tt.passes {
				want = http.StatusOK
			}
			c.Ask(t, "/gate/check", webtest.Asked(tt.target, "Cookie", tt.cookie)).Want(want)
		})
	}
}

// Attack gate/places: the session cookie is accepted only on the sign-in host.
func TestTheSessionCookieOpensTheJar(t *testing.T) {
	c := newCookies(t)
	c.open(t, []place{
		{"at the jar's host", webtest.Jar + "/", sessionIs + c.session, true},
		{"on another port of it", webtest.Jar + ":444/", sessionIs + c.session, true},
		{"elsewhere", webtest.Elsewhere + "/", sessionIs + c.session, false},
		{"in the shared domain", webtest.Sister + "/", sessionIs + c.session, false},
		{"as a gate cookie", webtest.Elsewhere + "/", hostIs + c.session, false},
		{"as the domain's", webtest.Sister + "/", domainIs + c.session, false},
	})
}

// Attack gate/places: a host's gate cookie is accepted only on that host.
func TestAHostsCookieOpensTheHost(t *testing.T) {
	c := newCookies(t)
	c.open(t, []place{
		{"at its host", webtest.Elsewhere + "/", hostIs + c.host, true},
		{"on another port", "https://wiki.example/", hostIs + c.host, true},
		{"at the jar's host", webtest.Jar + "/", hostIs + c.host, false},
		{"as the session cookie", webtest.Jar + "/", sessionIs + c.host, false},
		{"in the shared domain", webtest.Sister + "/", hostIs + c.host, false},
		{"as the domain's", webtest.Sister + "/", domainIs + c.host, false},
		{"by its name on http", webtest.Elsewhere + "/", "glassjar-gate=" + c.host, false},
		{"beside the session cookie", webtest.Elsewhere + "/", sessionIs + c.session + "; " + hostIs + c.host, true},
		{"twice", webtest.Elsewhere + "/", hostIs + c.host + "; " + hostIs + c.host, false},
		{"with a bad one", webtest.Elsewhere + "/", hostIs + "x; " + hostIs + c.host, true},
		{"quoted", webtest.Elsewhere + "/", hostIs + `"` + c.host + `"`, false},
		{"cut", webtest.Elsewhere + "/", hostIs + c.host[:len(c.host)-1], false},
	})
}

// Attack gate/places: the domain's gate cookie is accepted on every host below the
// domain, and not on the sign-in host.
func TestADomainsCookieOpensTheDomain(t *testing.T) {
	c := newCookies(t)
	c.open(t, []place{
		{"in the domain", webtest.Sister + "/", domainIs + c.domain, true},
		{"deeper", "https://a.b.site.example/", domainIs + c.domain, true},
		{"elsewhere", webtest.Elsewhere + "/", domainIs + c.domain, false},
		{"as a host's", webtest.Elsewhere + "/", hostIs + c.domain, false},
		{"at the jar's host", webtest.Jar + "/", domainIs + c.domain, false},
	})
}

// Attack cookie/foreign-key, gate/places: of cookies made by the test, only the one that
// is right in everything is accepted.
func TestGateCookiesMadeByHand(t *testing.T) {
	c := newCookies(t)
	by := func(key [32]byte, payload any) string { return hostIs + signed(t, key, webtest.HostCookie, payload) }
	there, right := webtest.Elsewhere+"/", c.at("wiki.example")
	c.open(t, []place{
		{"right in everything", there, by(webtest.GateKey, right), true}, // so that each of the next is refused for one reason
		{"of another host, under this one's name", there, by(webtest.GateKey, c.at("app.site.example")), false},
		{"of no host", there, by(webtest.GateKey, c.payload), false},
		{"of the host with its port", there, by(webtest.GateKey, c.at("wiki.example:8443")), false},
		{"with the session's key", there, by(webtest.Key, right), false},
		{"with the devices' key", there, by(webtest.DeviceKey, right), false},
		{"with the assertions' seed", there, by(webtest.IdentityKey, right), false},
		{"of another name", there, by(webtest.GateKey, payload{"eve", right.SID, right.Started, right.Host}), false},
		{"of another shape", there, by(webtest.GateKey, map[string]any{"sid": right.SID, "host": right.Host}), false},
		{"a session cookie that names a host", webtest.Jar + "/", sessionIs + signed(t, webtest.Key, "__Host-glassjar", c.at("jar.site.example")), false},
	})
}

// Attack gate/places: the site's own pages accept no gate cookie, whatever its name.
func TestGateCookiesOpenNoPageOfOurs(t *testing.T) {
	c := newCookies(t)
	for _, cookie := range []string{
		hostIs + c.host, domainIs + c.domain, sessionIs + c.host, sessionIs + c.domain,
		sessionIs + signed(t, webtest.Key, "__Host-glassjar", c.at("jar.site.example")),
	} {
		c.Browser(t).Get("/account", "Cookie", cookie).Want(http.StatusSeeOther, "/?next=%2Faccount")
	}
	c.Browser(t).Get("/account", "Cookie", sessionIs+c.session).Want(http.StatusOK)
}

// Attack cookie/changed.
func TestNoCharacterOfAGateCookieCanBeChanged(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	for i := len(webtest.HostCookie) + 1; i < len(cookie); i++ {
		for _, c := range "A_" {
			if changed := cookie[:i] + string(c) + cookie[i+1:]; changed != cookie {
				w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Cookie", changed)).Want(http.StatusUnauthorized)
			}
		}
	}
}

// Attack race/ended-session: the gate is asked while the session ends; after the end
// nobody passes.
func TestTheGateWhileTheSessionEnds(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Member)
	for range 10 {
		b := w.SignedIn(t, "ada")
		b.Visit(webtest.Elsewhere+"/", 5).Want(http.StatusOK)
		header := webtest.Asked(webtest.Elsewhere+"/", "Cookie", webtest.HostCookie+"="+b.Holds(webtest.Elsewhere, webtest.HostCookie))
		var ended atomic.Bool
		var all sync.WaitGroup
		for range 4 {
			one := w.Browser(t)
			all.Go(func() {
				for range 20 {
					after := ended.Load()
					if got := one.Get("/gate/check", header...); after && got.StatusCode != http.StatusUnauthorized || got.StatusCode > 401 {
						t.Errorf("got %s, after the end: %t", got.Status, after)
					}
				}
			})
		}
		b.Post("/logout").Want(http.StatusSeeOther)
		ended.Store(true)
		all.Wait()
		w.Clock.Move(11 * time.Second)
		if err := w.Sessions.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A session store without a gate key accepts no gate cookie.
func TestNoGateKey(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	bare := w.NewSessions(t, true)
	b := w.Browser(t)
	r := b.Request(http.MethodGet, "/", "", "Cookie", cookie)
	if _, err := bare.FindGate(r, session.CookieScope{Host: "wiki.example", Secure: true}); err == nil {
		t.Error("it reads a gate cookie")
	}
	if _, err := w.Sessions.FindGate(r, session.CookieScope{Host: "wiki.example", Secure: true}); err != nil {
		t.Error(err)
	}
	found, err := w.Accounts.Find(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Accounts.SetGroups(t.Context(), found.Username, []string{"Dev"}, audit.Command()); err == nil {
		t.Error("a group in capitals was taken")
	}
}
