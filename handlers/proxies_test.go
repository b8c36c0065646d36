package handlers_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/doctor"
	"glassjar/utl/proxytest"
)

// check checks an app behind a proxy.
type check struct {
	*front

	t *testing.T
}

// The recipes, in the real proxies.
// Attack gate/identity-headers, gate/header-twins, gate/odd-targets, gate/methods, gate/down
func TestProxies(t *testing.T) {
	for _, p := range proxytest.All {
		t.Run(p.Program, func(t *testing.T) {
			p.Needed(t)
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
				"an app has its own Authorization":            check.leavesAppsTheirAuthorization,
				"git clones and sends with an app password":   check.passesGit,
				"a socket passes for who is signed in":        check.passesSockets,
				"nothing but a socket is switched to":         check.switchesToSocketsAlone,
				"nobody asks the gate through the proxy":      check.keepsTheGate,
				"only the group may pass":                     check.asksForTheGroup,
				"others see a page of ours, programs JSON":    check.showsOurPages,
				"each app gets what is its own":               check.keepsAppsApart,
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
	c.Exec(c.t, `UPDATE accounts SET name = 'Ada L.', email = 'ada@site.example', email_confirmed = 1`)
	if err := c.Accounts.SetGroups(c.t.Context(), "ada", []string{"ops", "dev"}, audit.Command()); err != nil {
		c.t.Fatal(err)
	}
	uri := "/a/%2e%2f;x?b=c&d=%C3%A4+e&&u=https://x/?y"
	if c.proxy.Tidies {
		uri = strings.Replace(uri, "%2e%2f", ".%2F", 1)
	}
	b := c.at(c.t, c.addr)
	saw := opens(b, plainApp+uri)
	b.Get("/gate/check").WantHeader("Remote-Identity", "")
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
	if err := json.Unmarshal([]byte(b.At(plainJar).Get("/.well-known/jwks.json").Want(http.StatusOK).Body), &keys); err != nil {
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

func (c check) keepsAppsApart() {
	b := c.in(c.t)
	c.shut(c.t, func() {
		b.At("http://wiki.site.example").Get("/").Want(http.StatusUnauthorized)
		if saw := opens(c.at(c.t, c.addr), "http://wiki.site.example/x"); saw.Host != "the wiki, as wiki.site.example" {
			c.t.Errorf("got %+v", saw)
		}
	})
	if saw := hears(b.Get("/x").Want(http.StatusOK)); saw.Host != "app.site.example" {
		c.t.Errorf("got %+v", saw)
	}
}

func (c check) tellsPrograms() {
	b := c.at(c.t, c.addr)
	c.shut(c.t, func() {
		b.Get("/x").Want(http.StatusUnauthorized).WantHeader("WWW-Authenticate", webtest.BasicChallenge)
		for _, script := range [][]string{
			{"Sec-Fetch-Mode", "cors", "Accept", "*/*"},
			{"X-Requested-With", "XMLHttpRequest", "Accept", "text/html"},
			{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64)", "Accept", "*/*"}, // browsers send no Sec-Fetch headers over http
		} {
			b.Get("/x", script...).Want(http.StatusUnauthorized).WantHeader("WWW-Authenticate", "")
		}
		for _, page := range [][]string{{"Sec-Fetch-Mode", "navigate"}, {"Accept", "text/html"}} {
			b.Get("/x", page...).Want(http.StatusFound, c.signIn(plainApp+"/x")).WantHeader("WWW-Authenticate", "")
		}
	})
}

// signIn returns the sign-in URL that leads back to the page.
func (f *front) signIn(page string) string { return plainJar + "/?next=" + url.QueryEscape(page) }

func (c check) carriesBodies() {
	body := strings.Repeat("0123456789", 2<<20)                                                     // 20 MB
	c.shut(c.t, func() { c.at(c.t, c.addr).Send("/x", body[:1000]).Want(http.StatusUnauthorized) }) // HAProxy reads only that much of a body
	b := c.in(c.t)
	for _, length := range []int64{int64(len(body)), -1} { // -1: chunked
		r := b.Request(http.MethodPost, "/x?y", body)
		r.ContentLength = length
		if saw := hears(b.Exchange(r).Want(http.StatusOK)); saw.Body != brief(body) || saw.Method != http.MethodPost || saw.URI != "/x?y" {
			c.t.Errorf("length %d: the app saw %s %s and another body", length, saw.Method, saw.URI)
		}
	}
	if n := c.asked.Load(); n != 0 {
		c.t.Errorf("the gate got %d bytes of body", n)
	}
}

func (c check) endsWithSignOut() {
	b := c.in(c.t)
	b.Get("/").Want(http.StatusOK)
	b.At(plainJar).Post("/logout").Want(http.StatusSeeOther)
	for deadline := time.Now().Add(time.Second); b.Get("/").StatusCode != http.StatusUnauthorized; {
		if time.Now().After(deadline) {
			c.t.Fatal("a second after signing out one passes")
		}
	}
}

func (c check) asksForTheGroup() {
	b := c.in(c.t)
	site := c.site(c.t, "app.site.example")
	site.Group = "dev"
	dev := c.at(c.t, c.proxy.Start(c.t, site))
	dev.Jar = b.Jar
	set := func(groups ...string) {
		c.t.Helper()
		if err := c.Accounts.SetGroups(c.t.Context(), "ada", groups, audit.Command()); err != nil {
			c.t.Fatal(err)
		}
	}
	set("ops")
	b.Get("/").Want(http.StatusOK)
	c.shut(c.t, func() { dev.Get("/").Want(http.StatusForbidden) })
	set("dev")
	dev.Get("/").Want(http.StatusOK)
}

// closes stops glassjar. The proxy must then refuse every request; nginx with a page of
// its own.
func (c check) closes() {
	b := c.in(c.t)
	c.server.Close()
	c.shut(c.t, func() {
		if got := b.Get("/"); got.StatusCode < 500 {
			c.t.Errorf("got %s", got.Status)
		}
		if c.proxy.Program != "nginx" {
			return
		}
		for _, page := range []string{plainApp + "/", plainApp + "/gate/callback", plainJar + "/"} {
			got := b.At(page).Get("").Want(http.StatusServiceUnavailable)
			if got.Header.Get("Retry-After") == "" || !strings.HasPrefix(got.Body, "Sign-in is not available just now.") {
				c.t.Errorf("%s: got %v: %s", page, got.Header, got.Body)
			}
		}
	})
}

// isHealthy runs the doctor, without a sign-in and with an app password.
func (c check) isHealthy() {
	_, port, err := net.SplitHostPort(c.proxy.Start(c.t, c.site(c.t, "localhost")))
	if err != nil {
		c.t.Fatal(err)
	}
	secret, err := c.Accounts.NewAppPassword(c.t.Context(), c.ada, account.AppPassword{Name: "doctor"}, audit.Command())
	if err != nil {
		c.t.Fatal(err)
	}
	var page doctor.Page
	if err := page.UnmarshalText([]byte("http://localhost:" + port + "/some/page?a=b")); err != nil {
		c.t.Fatal(err)
	}
	err = doctor.Examine(c.t.Context(), page, doctor.Credential{AppPassword: secret}, func(f doctor.Finding) {
		if f.Verdict != doctor.Pass && (f.Verdict != doctor.Remark || !c.proxy.Tidies || !strings.HasPrefix(f.Attack, "the path ")) {
			c.t.Errorf("%+v", f)
		}
	})
	if err != nil {
		c.t.Error(err)
	}
}

// A further app is a server that includes the snippet nginx-app.
func TestNginxProxiesOneMoreApp(t *testing.T) {
	p := proxytest.Nginx
	p.Needed(t)
	f := newFront(t, p)
	p.Files = map[string]string{"nginx.conf": "nginx", "app.conf": "nginx-app"}
	p.Frame = strings.Replace(p.Frame, "include DIR/nginx.conf;", "include DIR/nginx.conf; server { listen ADDR; server_name app.site.example; "+
		"location / { proxy_pass http://"+f.app.Listener.Addr().String()+"; } location /more/ { proxy_pass http://"+f.app.Listener.Addr().String()+"; } location /shut/ { deny all; } include DIR/app.conf; }", 1)
	f.addr = p.Start(t, f.site(t, "other.example"))
	c := check{f, t}
	c.comesBack()
	c.dropsClaims()
	c.hasNoWayAround()
	c.shut(t, func() { c.at(t, c.addr).Get("/more/x").Want(http.StatusUnauthorized) })
	if saw := hears(c.in(t).Get("/more/x").Want(http.StatusOK)); saw.Header.Get("Remote-User") != "ada" {
		t.Errorf("the app saw %v", saw.Header)
	}
	if got := c.in(t).Get("/shut/x", "Sec-Fetch-Mode", "navigate").Want(http.StatusForbidden); !strings.Contains(got.Body, "<center>nginx") {
		t.Errorf("a 403 of nginx's own is %s", got.Body)
	}
}

// The doctor recognises the host where people sign in.
func TestDoctorKnowsTheSignIn(t *testing.T) {
	site := httptest.NewUnstartedServer(nil)
	address := "http://jar.localhost:" + strings.TrimPrefix(site.Listener.Addr().String(), "127.0.0.1:")
	site.Config.Handler = webtest.NewWorld(t, address, "").Handler
	site.Start()
	t.Cleanup(site.Close)
	for _, path := range []string{"/", "/account", "/nothing"} {
		var page doctor.Page
		if err := page.UnmarshalText([]byte(address + path)); err != nil {
			t.Fatal(err)
		}
		err := doctor.Examine(t.Context(), page, doctor.Credential{}, func(f doctor.Finding) { t.Errorf("%s: got %+v", path, f) })
		if err == nil || !strings.Contains(err.Error(), "people sign in at this host") {
			t.Errorf("%s: got %v", path, err)
		}
	}
}
