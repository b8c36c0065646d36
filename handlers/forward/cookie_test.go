package forward_test

import (
	"encoding/json"
	"net/http"
	"strings"
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

// signed signs a payload as a cookie of the name, with any key.
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

// payload is a gate cookie's; its fields are in the order of ours.
type payload struct {
	Username string `json:"username"`
	SID      string `json:"sid"`
	Started  int64  `json:"started"`
	Host     string `json:"host,omitempty"`
}

// Attack cookie/foreign-key, gate/places: each cookie opens one place.
func TestGateCookiesOpenOnePlace(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "site.example")
	b, wiki := w.In(t)
	own := b.Holds(webtest.Jar, "__Host-glassjar")
	b.Visit(webtest.Sister+"/", 5).Want(http.StatusOK)
	shared := b.Holds(webtest.Sister, webtest.DomainCookie)
	value := strings.TrimPrefix(wiki, webtest.HostCookie+"=")
	if own == "" || shared == "" || value == "" {
		t.Fatal("a cookie is missing")
	}
	p := payload{SID: w.Texts(t, `SELECT sid FROM sessions`)[0], Username: "ada", Started: w.Clock.Now().Unix()}
	at := func(host string) payload { p := p; p.Host = host; return p }
	for _, tt := range []struct {
		name, target, cookie string
		passes               bool
	}{
		{"the session cookie, at the jar's host", webtest.Jar + "/", "__Host-glassjar=" + own, true},
		{"the session cookie, on another port of it", webtest.Jar + ":444/", "__Host-glassjar=" + own, true},
		{"the session cookie, elsewhere", webtest.Elsewhere + "/", "__Host-glassjar=" + own, false},
		{"the session cookie, in the shared domain", webtest.Sister + "/", "__Host-glassjar=" + own, false},
		{"the session cookie as a gate cookie", webtest.Elsewhere + "/", webtest.HostCookie + "=" + own, false},
		{"the session cookie as the domain's", webtest.Sister + "/", webtest.DomainCookie + "=" + own, false},
		{"a host's", webtest.Elsewhere + "/", wiki, true},
		{"a host's, on another port", "https://wiki.example/", wiki, true},
		{"a host's, at the jar's host", webtest.Jar + "/", wiki, false},
		{"a host's, as the session cookie", webtest.Jar + "/", "__Host-glassjar=" + value, false},
		{"a host's, in the shared domain", webtest.Sister + "/", wiki, false},
		{"a host's, as the domain's", webtest.Sister + "/", webtest.DomainCookie + "=" + value, false},
		{"a host's, by its name on http", webtest.Elsewhere + "/", "glassjar-gate=" + value, false},
		{"a host's, beside the session cookie", webtest.Elsewhere + "/", "__Host-glassjar=" + own + "; " + wiki, true},
		{"a host's, twice", webtest.Elsewhere + "/", wiki + "; " + wiki, false},
		{"a host's, with a bad one", webtest.Elsewhere + "/", webtest.HostCookie + "=x; " + wiki, true},
		{"a host's, quoted", webtest.Elsewhere + "/", webtest.HostCookie + `="` + value + `"`, false},
		{"a host's, cut", webtest.Elsewhere + "/", wiki[:len(wiki)-1], false},
		{"the domain's", webtest.Sister + "/", webtest.DomainCookie + "=" + shared, true},
		{"the domain's, deeper", "https://a.b.site.example/", webtest.DomainCookie + "=" + shared, true},
		{"the domain's, elsewhere", webtest.Elsewhere + "/", webtest.DomainCookie + "=" + shared, false},
		{"the domain's, as a host's", webtest.Elsewhere + "/", webtest.HostCookie + "=" + shared, false},
		{"the domain's, at the jar's host", webtest.Jar + "/", webtest.DomainCookie + "=" + shared, false},
		{"made by hand with the gate's key", webtest.Elsewhere + "/", webtest.HostCookie + "=" + signed(t, webtest.GateKey, webtest.HostCookie, at("wiki.example")), true}, // so the next are bad for one reason each
		{"of another host, under this one's name", webtest.Elsewhere + "/", webtest.HostCookie + "=" + signed(t, webtest.GateKey, webtest.HostCookie, at("app.site.example")), false},
		{"of no host", webtest.Elsewhere + "/", webtest.HostCookie + "=" + signed(t, webtest.GateKey, webtest.HostCookie, at("")), false},
		{"of the host with its port", webtest.Elsewhere + "/", webtest.HostCookie + "=" + signed(t, webtest.GateKey, webtest.HostCookie, at("wiki.example:8443")), false},
		{"with the session's key", webtest.Elsewhere + "/", webtest.HostCookie + "=" + signed(t, webtest.Key, webtest.HostCookie, at("wiki.example")), false},
		{"with the devices' key", webtest.Elsewhere + "/", webtest.HostCookie + "=" + signed(t, webtest.DeviceKey, webtest.HostCookie, at("wiki.example")), false},
		{"with the assertions' seed", webtest.Elsewhere + "/", webtest.HostCookie + "=" + signed(t, webtest.IdentityKey, webtest.HostCookie, at("wiki.example")), false},
		{"of another name", webtest.Elsewhere + "/", webtest.HostCookie + "=" + signed(t, webtest.GateKey, webtest.HostCookie, payload{"eve", p.SID, p.Started, "wiki.example"}), false},
		{"of another shape", webtest.Elsewhere + "/", webtest.HostCookie + "=" + signed(t, webtest.GateKey, webtest.HostCookie, map[string]any{"sid": p.SID, "host": "wiki.example"}), false},
		{"a session cookie that names a host", webtest.Jar + "/", "__Host-glassjar=" + signed(t, webtest.Key, "__Host-glassjar", at("jar.site.example")), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := http.StatusUnauthorized
			if tt.passes {
				want = http.StatusOK
			}
			w.Ask(t, "/gate/check", webtest.Asked(tt.target, "Cookie", tt.cookie)).Want(want)
		})
	}
	for _, cookie := range []string{ // never on our own pages
		wiki, webtest.DomainCookie + "=" + shared, "__Host-glassjar=" + value, "__Host-glassjar=" + shared,
		"__Host-glassjar=" + signed(t, webtest.Key, "__Host-glassjar", at("jar.site.example")),
	} {
		w.Browser(t).Get("/account", "Cookie", cookie).Want(http.StatusSeeOther, "/?next=%2Faccount")
	}
	w.Browser(t).Get("/account", "Cookie", "__Host-glassjar="+own).Want(http.StatusOK)
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

// Attack race/ended-session: the gate asked while the session ends; none passes after the end.
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

// A store that was given no gate key opens no gate.
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
