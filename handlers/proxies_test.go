package handlers_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"glassjar/utl/audit"
	"glassjar/utl/doctor"
)

// check is something that holds of the app behind a proxy.
type check struct {
	*front

	t *testing.T
}

// The recipes, in the real proxies.
// ATTACKS C
func TestProxies(t *testing.T) {
	for _, p := range proxies {
		t.Run(p.program, func(t *testing.T) {
			p.needed(t)
			f := newFront(t, p)
			for name, holds := range map[string]func(check){
				"a person signs in and is back on the page":   check.comesBack,
				"a program is told to sign in":                check.tellsPrograms,
				"a body goes to the app and not to the gate":  check.carriesBodies,
				"identity headers are the gate's":             check.dropsClaims,
				"the gate judges the request that was made":   check.judgesTheTruth,
				"no path and no method is a way around":       check.hasNoWayAround,
				"the app gets every cookie but ours":          check.keepsCookies,
				"an app password passes, and stays with us":   check.passesAppPasswords,
				"a socket passes for who is signed in":        check.passesSockets,
				"nothing but a socket is switched to":         check.switchesToSocketsAlone,
				"nobody asks the gate through the proxy":      check.keepsTheGate,
				"only the group may pass":                     check.asksForTheGroup,
				"a host that is not in GATE_HOSTS is refused": check.refusesOtherHosts,
				"signing out ends it":                         check.endsWithSignOut,
				"the doctor finds nothing":                    check.isHealthy,
			} {
				t.Run(name, func(t *testing.T) { holds(check{f, t}) })
			}
			t.Run("it is closed without glassjar", func(t *testing.T) { check{f, t}.closes() })
		})
	}
}

func (c check) comesBack() {
	c.exec(c.t, `UPDATE accounts SET name = 'Ada L.', email = 'ada@site.example'`)
	if err := c.accounts.SetGroups(c.t.Context(), "ada", []string{"ops", "dev"}, audit.Command()); err != nil {
		c.t.Fatal(err)
	}
	const uri = "/a/%2e%2f;x?b=c&d=%C3%A4+e&&u=https://x/?y"
	b := c.at(c.t, c.addr)
	saw := b.opens(plainApp + uri)
	b.get("/gate/check").header("Remote-Identity", "")
	if saw.URI != uri || saw.Host != "app.site.example" || saw.Method != http.MethodGet {
		c.t.Errorf("the app saw %+v", saw)
	}
	for name, want := range map[string]string{
		"Remote-User": "ada", "Remote-Groups": "dev,ops", "Remote-Name": "Ada L.", "Remote-Email": "ada@site.example",
		"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "app.site.example",
	} {
		if got := strings.Join(saw.Header.Values(name), " | "); got != want {
			c.t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(b.at(plainJar).get("/.well-known/jwks.json").want(http.StatusOK).body), &keys); err != nil {
		c.t.Fatal(err)
	}
	token, err := jwt.ParseSigned(saw.Header.Get("Remote-Identity"), []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		c.t.Fatal(err)
	}
	var says jwt.Claims
	if err := token.Claims(keys, &says); err != nil || !says.Audience.Contains("app.site.example") {
		c.t.Errorf("Remote-Identity says %+v, %v", says, err)
	}
}

func (c check) tellsPrograms() {
	b := c.at(c.t, c.addr)
	c.shut(c.t, func() {
		b.get("/x").want(http.StatusUnauthorized)
		b.get("/x", "Sec-Fetch-Mode", "cors", "Accept", "text/html").want(http.StatusUnauthorized)
		b.get("/x", "X-Requested-With", "XMLHttpRequest", "Accept", "text/html").want(http.StatusUnauthorized)
		b.get("/x", "Sec-Fetch-Mode", "navigate").want(http.StatusFound, c.signIn(plainApp+"/x"))
		b.get("/x", "Accept", "text/html").want(http.StatusFound, c.signIn(plainApp+"/x"))
	})
}

// signIn returns where to sign in and come back to the page from.
func (f *front) signIn(page string) string { return plainJar + "/?next=" + url.QueryEscape(page) }

func (c check) carriesBodies() {
	body := strings.Repeat("0123456789", 100_000)
	c.shut(c.t, func() { c.at(c.t, c.addr).send("/x", body[:1000]).want(http.StatusUnauthorized) }) // HAProxy reads no more of it
	if saw := c.in(c.t).send("/x?y", body).want(http.StatusOK).heard(); saw.Body != body || saw.Method != http.MethodPost || saw.URI != "/x?y" {
		c.t.Errorf("the app saw %s %s and %d bytes", saw.Method, saw.URI, len(saw.Body))
	}
	if n := c.asked.Load(); n != 0 {
		c.t.Errorf("the gate got %d bytes of body", n)
	}
}

func (c check) endsWithSignOut() {
	b := c.in(c.t)
	b.get("/").want(http.StatusOK)
	b.at(plainJar).post("/logout").want(http.StatusSeeOther)
	for deadline := time.Now().Add(time.Second); b.get("/").StatusCode != http.StatusUnauthorized; {
		if time.Now().After(deadline) {
			c.t.Fatal("a second after signing out one passes")
		}
	}
}

func (c check) asksForTheGroup() {
	b := c.in(c.t)
	site := c.site(c.t, "app.site.example")
	site.Group = "dev"
	dev := c.at(c.t, c.proxy.start(c.t, site))
	dev.Jar = b.Jar
	set := func(groups ...string) {
		c.t.Helper()
		if err := c.accounts.SetGroups(c.t.Context(), "ada", groups, audit.Command()); err != nil {
			c.t.Fatal(err)
		}
	}
	set("ops")
	b.get("/").want(http.StatusOK)
	c.shut(c.t, func() { dev.get("/").want(http.StatusForbidden) })
	set("dev")
	dev.get("/").want(http.StatusOK)
}

// closes stops glassjar for good.
func (c check) closes() {
	b := c.in(c.t)
	c.server.Close()
	c.shut(c.t, func() {
		if got := b.get("/"); got.StatusCode < 500 {
			c.t.Errorf("got %s", got.Status)
		}
	})
}

func (c check) isHealthy() {
	_, port, err := net.SplitHostPort(c.proxy.start(c.t, c.site(c.t, "localhost"))) // which needs no name server
	if err != nil {
		c.t.Fatal(err)
	}
	var page doctor.Page
	if err := page.UnmarshalText([]byte("http://localhost:" + port + "/some/page?a=b")); err != nil {
		c.t.Fatal(err)
	}
	err = doctor.Examine(c.t.Context(), page, "", func(f doctor.Finding) {
		if f.Verdict != doctor.Holds {
			c.t.Errorf("%+v", f)
		}
	})
	if err != nil {
		c.t.Error(err)
	}
}
