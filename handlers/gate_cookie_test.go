package handlers_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/securecookie"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/session"
)

// signed signs a payload as a cookie of the name, with any key.
func signed(tb testing.TB, key []byte, name string, payload any) string {
	tb.Helper()
	text, err := json.Marshal(payload)
	if err != nil {
		tb.Fatal(err)
	}
	value, err := securecookie.New(key, nil).SetSerializer(securecookie.NopEncoder{}).Encode(name, text)
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
	w := newWorld(t, jar, "site.example")
	b, wiki := w.in(t)
	own := b.holds(jar, "__Host-glassjar")
	b.visit(sister+"/", 5).want(http.StatusOK)
	shared := b.holds(sister, domainCookie)
	value := strings.TrimPrefix(wiki, hostCookie+"=")
	if own == "" || shared == "" || value == "" {
		t.Fatal("a cookie is missing")
	}
	p := payload{SID: w.texts(t, `SELECT sid FROM sessions`)[0], Username: "ada", Started: w.clock.now().Unix()}
	at := func(host string) payload { p := p; p.Host = host; return p }
	for _, tt := range []struct {
		name, target, cookie string
		passes               bool
	}{
		{"the session cookie, at the jar's host", jar + "/", "__Host-glassjar=" + own, true},
		{"the session cookie, on another port of it", jar + ":444/", "__Host-glassjar=" + own, true},
		{"the session cookie, elsewhere", elsewhere + "/", "__Host-glassjar=" + own, false},
		{"the session cookie, in the shared domain", sister + "/", "__Host-glassjar=" + own, false},
		{"the session cookie as a gate cookie", elsewhere + "/", hostCookie + "=" + own, false},
		{"the session cookie as the domain's", sister + "/", domainCookie + "=" + own, false},
		{"a host's", elsewhere + "/", wiki, true},
		{"a host's, on another port", "https://wiki.example/", wiki, true},
		{"a host's, at the jar's host", jar + "/", wiki, false},
		{"a host's, as the session cookie", jar + "/", "__Host-glassjar=" + value, false},
		{"a host's, in the shared domain", sister + "/", wiki, false},
		{"a host's, as the domain's", sister + "/", domainCookie + "=" + value, false},
		{"a host's, by its name on http", elsewhere + "/", "glassjar-gate=" + value, false},
		{"a host's, beside the session cookie", elsewhere + "/", "__Host-glassjar=" + own + "; " + wiki, true},
		{"a host's, twice", elsewhere + "/", wiki + "; " + wiki, false},
		{"a host's, with a bad one", elsewhere + "/", hostCookie + "=x; " + wiki, true},
		{"a host's, quoted", elsewhere + "/", hostCookie + `="` + value + `"`, false},
		{"a host's, cut", elsewhere + "/", wiki[:len(wiki)-1], false},
		{"the domain's", sister + "/", domainCookie + "=" + shared, true},
		{"the domain's, deeper", "https://a.b.site.example/", domainCookie + "=" + shared, true},
		{"the domain's, elsewhere", elsewhere + "/", domainCookie + "=" + shared, false},
		{"the domain's, as a host's", elsewhere + "/", hostCookie + "=" + shared, false},
		{"the domain's, at the jar's host", jar + "/", domainCookie + "=" + shared, false},
		{"made by hand with the gate's key", elsewhere + "/", hostCookie + "=" + signed(t, gateKey, hostCookie, at("wiki.example")), true}, // so the next are bad for one reason each
		{"of another host, under this one's name", elsewhere + "/", hostCookie + "=" + signed(t, gateKey, hostCookie, at("app.site.example")), false},
		{"of no host", elsewhere + "/", hostCookie + "=" + signed(t, gateKey, hostCookie, at("")), false},
		{"of the host with its port", elsewhere + "/", hostCookie + "=" + signed(t, gateKey, hostCookie, at("wiki.example:8443")), false},
		{"with the session's key", elsewhere + "/", hostCookie + "=" + signed(t, key, hostCookie, at("wiki.example")), false},
		{"with the devices' key", elsewhere + "/", hostCookie + "=" + signed(t, deviceKey, hostCookie, at("wiki.example")), false},
		{"with the assertions' seed", elsewhere + "/", hostCookie + "=" + signed(t, identityKey, hostCookie, at("wiki.example")), false},
		{"of another name", elsewhere + "/", hostCookie + "=" + signed(t, gateKey, hostCookie, payload{"eve", p.SID, p.Started, "wiki.example"}), false},
		{"of another shape", elsewhere + "/", hostCookie + "=" + signed(t, gateKey, hostCookie, map[string]any{"sid": p.SID, "host": "wiki.example"}), false},
		{"a session cookie that names a host", jar + "/", "__Host-glassjar=" + signed(t, key, "__Host-glassjar", at("jar.site.example")), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := http.StatusUnauthorized
			if tt.passes {
				want = http.StatusOK
			}
			w.ask(t, "/gate/check", asked(tt.target, "Cookie", tt.cookie)).want(want)
		})
	}
	for _, cookie := range []string{ // never on our own pages
		wiki, domainCookie + "=" + shared, "__Host-glassjar=" + value, "__Host-glassjar=" + shared,
		"__Host-glassjar=" + signed(t, key, "__Host-glassjar", at("jar.site.example")),
	} {
		w.browser(t).get("/account", "Cookie", cookie).want(http.StatusSeeOther, "/?next=%2Faccount")
	}
	w.browser(t).get("/account", "Cookie", "__Host-glassjar="+own).want(http.StatusOK)
}

// Attack cookie/changed.
func TestNoCharacterOfAGateCookieCanBeChanged(t *testing.T) {
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	for i := len(hostCookie) + 1; i < len(cookie); i++ {
		for _, c := range "A_" {
			if changed := cookie[:i] + string(c) + cookie[i+1:]; changed != cookie {
				w.ask(t, "/gate/check", asked(elsewhere+"/", "Cookie", changed)).want(http.StatusUnauthorized)
			}
		}
	}
}

// Attack race/ended-session: the gate asked while the session ends; none passes after the end.
func TestTheGateWhileTheSessionEnds(t *testing.T) {
	w := newWorld(t, jar, "")
	w.add(t, "ada", account.Member)
	for range 10 {
		b := w.signedIn(t, "ada")
		b.visit(elsewhere+"/", 5).want(http.StatusOK)
		header := asked(elsewhere+"/", "Cookie", hostCookie+"="+b.holds(elsewhere, hostCookie))
		var ended atomic.Bool
		var all sync.WaitGroup
		for range 4 {
			one := w.browser(t)
			all.Go(func() {
				for range 20 {
					after := ended.Load()
					if got := one.get("/gate/check", header...); after && got.StatusCode != http.StatusUnauthorized || got.StatusCode > 401 {
						t.Errorf("got %s, after the end: %t", got.Status, after)
					}
				}
			})
		}
		b.post("/logout").want(http.StatusSeeOther)
		ended.Store(true)
		all.Wait()
		w.clock.move(11 * time.Second)
		if err := w.sessions.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// A store that was given no gate key opens no gate.
func TestNoGateKey(t *testing.T) {
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	bare := w.newSessions(t, true)
	b := w.browser(t)
	r := b.request(http.MethodGet, "/", "", "Cookie", cookie)
	if _, err := bare.FindGate(r, session.Place{Host: "wiki.example", Secure: true}); err == nil {
		t.Error("it reads a gate cookie")
	}
	if _, err := w.sessions.FindGate(r, session.Place{Host: "wiki.example", Secure: true}); err != nil {
		t.Error(err)
	}
	found, err := w.accounts.Find(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.accounts.SetGroups(t.Context(), found.Username, []string{"Dev"}, audit.Command()); err == nil {
		t.Error("a group in capitals was taken")
	}
}
