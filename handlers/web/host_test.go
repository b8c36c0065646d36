package web_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// asLocal makes the site one without PUBLIC_URL, on port 8080.
func asLocal(c *handlers.Config) {
	c.PublicURL.Host, c.AnyLoopback = "localhost:8080", true
}

// publicAt sets PUBLIC_URL.
func publicAt(public string) func(*handlers.Config) {
	return func(c *handlers.Config) {
		u, err := c.PublicURL.Parse(public)
		if err != nil {
			panic(err)
		}
		c.PublicURL = u
	}
}

// hostRows are hosts that are the site's with a PUBLIC_URL, and hosts that are not.
var hostRows = []struct {
	public      string // empty: not set, on port 8080
	ours, other string // separated by spaces
}{
	{
		"http://jar.example", "jar.example JAR.example jar.example. jar.example:80 Jar.Example.:80 jar.example:0080",
		"evil.example jar.example.evil.example evil-jar.example xjar.example ar.example app.jar.example jar.example:8080 jar.example:443 jar.example:0 " +
			"jar.example:x jar.example: jar.example.. jar.example:80:80 user@jar.example jar.example@evil.example jar.example/ jar.example:80/x " +
			"jar.example,evil.example jar.example%00 jar\u3002example 127.0.0.1 localhost [::1] *",
	},
	{
		"https://jar.example", "jar.example jar.example:443 JAR.EXAMPLE.:443",
		"jar.example:80 jar.example:8443 evil.example localhost",
	},
	{
		"https://jar.example:8443", "jar.example:8443 Jar.example.:8443",
		"jar.example jar.example:443 jar.example:8444 evil.example:8443 localhost:8443",
	},
	{
		"http://localhost:8080", "localhost:8080 LOCALHOST:8080",
		"localhost 127.0.0.1:8080 [::1]:8080 jar.localhost:8080 evil.example:8080",
	},
	{
		"http://[2001:db8::1]:8080", "[2001:db8::1]:8080 [2001:DB8:0:0::1]:8080",
		"[2001:db8::2]:8080 [2001:db8::1] 2001:db8::1:8080 [2001:db8::1%25eth0]:8080",
	},
	{
		"", "localhost:8080 LocalHost:8080 localhost.:8080 jar.localhost:8080 127.0.0.1:8080 127.9.9.9:8080 [::1]:8080 [0:0::1]:8080 [::ffff:127.0.0.1]:8080",
		"localhost localhost:80 localhost:8081 127.0.0.1 [::1]:8081 127.0.0.1:80 evil.example:8080 evil.example localhost.evil.example:8080 " +
			"127.0.0.1.evil.example:8080 evillocalhost:8080 .localhost:8080 0.0.0.0:8080 127.1:8080 2130706433:8080 0177.0.0.1:8080 10.0.0.1:8080 " +
			"[::]:8080 ::1:8080 [::1%25lo]:8080 user@localhost:8080 localhost:8080@evil.example:8080",
	},
}

// Attack browser/host: the site responds only at its own host, in any spelling, so that no
// other page is same-origin because its name resolves to this server.
func TestHost(t *testing.T) {
	for _, row := range hostRows {
		change := asLocal
		if row.public != "" {
			change = publicAt(row.public)
		}
		s := webtest.New(t, change)
		for want, hosts := range map[int]string{http.StatusOK: row.ours, http.StatusMisdirectedRequest: row.other} {
			for host := range strings.FieldsSeq(hosts) {
				if got := s.Ask(webtest.With(func(r *http.Request) { r.Host = host })); got.Code != want {
					t.Errorf("PUBLIC_URL %q, Host %q: got %d, want %d", row.public, host, got.Code, want)
				}
			}
		}
	}
}

// HTTP/1.0 allows a request without Host. In other versions an empty Host is refused.
func TestNoHost(t *testing.T) {
	s := webtest.New(t)
	for proto, want := range map[string]int{"HTTP/1.0": 200, "HTTP/1.1": 421, "HTTP/2.0": 421} {
		got := s.Ask(webtest.With(func(r *http.Request) {
			r.Host, r.Proto = "", proto
			r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(proto)
		}))
		if got.Code != want {
			t.Errorf("%s: got %d, want %d", proto, got.Code, want)
		}
	}
}

// Headers of proxies, and what a page sends besides Host, are ignored.
func TestOnlyHostCounts(t *testing.T) {
	s := webtest.New(t)
	for _, name := range []string{"X-Forwarded-Host", "X-Host", "X-Original-Host", "Forwarded"} {
		got := s.Ask(webtest.With(func(r *http.Request) {
			r.Host, r.RemoteAddr = "evil.example", "127.0.0.1:1"
			r.Header.Set(name, "jar.example")
			r.Header.Set("Forwarded", "host=jar.example")
		}))
		if got.Code != http.StatusMisdirectedRequest {
			t.Errorf("with %s: got %d, want 421", name, got.Code)
		}
	}
}

// Every route refuses another Host, with every method, except the routes that proxies and
// monitors request. The page names the site's URL, and shows nothing of the request.
func TestEveryRouteHasItsHost(t *testing.T) {
	for _, public := range []string{"http://jar.example", "https://jar.example"} {
		s := webtest.New(t, webtest.WithLab, publicAt(public), webtest.WithGate)
		s.Add(t, "bob", account.Member)
		cookie := s.Person(t, "bob").Cookies()
		open := 0
		for _, pattern := range handlers.Routes(s.Settings) {
			method, path, _ := strings.Cut(strings.NewReplacer("{$}", "", "{code}", "x", "{id}", "x", "{name}", "x", "{path...}", "x").Replace(pattern), " ")
			free := path == "/healthz" || path == "/readyz" || path == "/.well-known/jwks.json" ||
				strings.HasPrefix(path, "/gate/") || strings.HasPrefix(path, "/api/authz/")
			b := s.Browser(t).At(strings.Replace(public, "jar", "evil", 1))
			got := b.Exchange(b.Request(method, path, "", "Cookie", cookie, "Origin", b.Base, "Sec-Fetch-Site", "same-origin"))
			if free {
				open++
				if got.StatusCode == http.StatusMisdirectedRequest {
					t.Errorf("%s: got 421", pattern)
				}
				continue
			}
			got.Want(http.StatusMisdirectedRequest).Says("h1", "Not at this address").Says("a", public)
			got.WantHeaders(webtest.HeadersOf{}) // without HSTS: the host is not the site's
			if strings.Contains(got.Body, "evil") || strings.Contains(got.Body, "/static/") || got.Find("a").AttrOr("href", "") != public {
				t.Errorf("%s: the page is\n%s", pattern, got.Body)
			}
		}
		if open < 6 {
			t.Errorf("%d routes answer every host", open)
		}
	}
}
