package gate_test

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"time"

	"glassjar/utl/gate"
)

// seed returns the seed of a signing key; another n gives another seed.
func seed(n byte) [32]byte { return [32]byte(bytes.Repeat([]byte{n}, 32)) }

// newGate returns a gate at https://jar.example. The change functions may change its
// options first.
func newGate(tb testing.TB, change ...func(*gate.Options)) *gate.Gate {
	tb.Helper()
	o := gate.Options{
		Public: &url.URL{Scheme: "https", Host: "jar.example"}, Hosts: []string{"app.example"}, Domain: "jar.example",
		Keys: [][32]byte{seed(1)}, Now: func() time.Time { return time.Unix(1_800_000_000, 0) },
	}
	for _, fn := range change {
		fn(&o)
	}
	g, err := gate.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func target(tb testing.TB, raw string) gate.Target {
	tb.Helper()
	found, err := gate.ParseURL(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return found
}

// checkURL fails the test if ParseURL accepts raw but understands it differently
// from net/url, or does not read its own output back to the same URL.
func checkURL(t *testing.T, raw string) {
	got, err := gate.ParseURL(raw)
	if err != nil {
		return
	}
	if !strings.HasSuffix(raw, got.URI) && got.URI != "/" {
		t.Errorf("%q: the URI became %q", raw, got.URI)
	}
	again, err := gate.ParseURL(got.String())
	if err != nil || again != got {
		t.Errorf("%q: read again, %q is %+v, %v; want %+v", raw, got, again, err, got)
	}
	path, query, _ := strings.Cut(got.URI, "?")
	path, err = url.PathUnescape(path)
	if err != nil {
		t.Errorf("%q: the path of %q does not decode: %v", raw, got, err)
	}
	u, err := url.Parse(got.String())
	if err != nil || u.User != nil || u.Fragment != "" || u.Scheme != got.Scheme || u.Host != got.Host || u.Path != path || u.RawQuery != query {
		t.Errorf("%q: net/url reads %+v, %v; want %+v", raw, u, err, got)
	}
}

// Attack gate/unknown-host: an unknown host.
func TestAllows(t *testing.T) {
	hosts := []string{"app.example", "Wiki.Example.", "*.apps.example", "dev.example:8443", "[::1]"}
	for _, tt := range []struct {
		url  string
		want bool
	}{
		{"https://app.example/", true},
		{"https://app.example:8443/", true},
		{"https://APP.example.:443/", true},
		{"https://wiki.example/", true},
		{"https://a.apps.example/", true},
		{"https://a.b.apps.example:81/", true},
		{"https://dev.example:8443/", true},
		{"https://[0:0::1]/", true},
		{"http://app.example/", false}, // people sign in over https
		{"https://dev.example/", false},
		{"https://apps.example/", false},
		{"https://evilapps.example/", false},
		{"https://a.apps.example.evil.example/", false},
		{"https://sub.app.example/", false},
		{"https://xapp.example/", false},
		{"https://jar.example/", false},
		{"https://example/", false},
		{"https://127.0.0.1/", false},
	} {
		g := newGate(t, func(o *gate.Options) { o.Hosts = hosts })
		if got := g.Allows(target(t, tt.url)); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.url, got, tt.want)
		}
	}
	plain := newGate(t, func(o *gate.Options) { o.Public.Scheme = "http"; o.Hosts = hosts })
	if !plain.Allows(target(t, "http://app.example/")) || !plain.Allows(target(t, "https://app.example/")) {
		t.Error("where people sign in over http, an app is refused")
	}
}

func TestHostsThatPeopleType(t *testing.T) {
	g := newGate(t, func(o *gate.Options) { o.Hosts = []string{"app.example", "*.apps.example:8443"} })
	for typed, want := range map[string]string{
		"app.example": "app.example", "App.Example.": "app.example", "a.apps.example": "a.apps.example", "app.example:443": "",
		"app.example:": "", "a.apps.example:8443": "", "apps.example": "", "*.apps.example": "", "evil.example": "",
		"": "", "app.example/": "", "https://app.example": "", "app.example,evil.example": "", "app.example app.example": "",
	} {
		if name, ok := g.ParseHost(typed); ok != (want != "") || ok && name != want {
			t.Errorf("%q: got %q, %t, want %q", typed, name, ok, want)
		}
	}
	if none := newGate(t, func(o *gate.Options) { o.Hosts = nil }); !g.Enabled() || none.Enabled() {
		t.Error("a gate does not know whether it answers for any host")
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*gate.Options){
		"a host that is none": func(o *gate.Options) { o.Hosts = []string{"https://app.example"} },
		"a star alone":        func(o *gate.Options) { o.Hosts = []string{"*"} },
		"a star inside":       func(o *gate.Options) { o.Hosts = []string{"a.*.example"} },
		"no key":              func(o *gate.Options) { o.Keys = nil },
	} {
		o := gate.Options{Public: &url.URL{Scheme: "http", Host: "jar.example"}, Keys: [][32]byte{seed(1)}, Now: time.Now}
		change(&o)
		if _, err := gate.New(o); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestOwnAndShares(t *testing.T) {
	g := newGate(t, func(o *gate.Options) { o.Public.Host = "jar.example:8443" })
	for _, tt := range []struct {
		url         string
		own, shares bool
	}{
		{"https://jar.example/", true, true},
		{"http://jar.example:81/", true, false},
		{"https://a.jar.example/", false, true},
		{"https://a.b.jar.example:81/", false, true},
		{"https://ajar.example/", false, false},
		{"https://example/", false, false},
	} {
		u := target(t, tt.url)
		shares := g.CookieScope(u).Domain
		if own := g.IsSignInHost(u); own != tt.own || shares != tt.shares {
			t.Errorf("%s: got own %t, shares %t; want %t, %t", tt.url, own, shares, tt.own, tt.shares)
		}
	}
	if newGate(t, func(o *gate.Options) { o.Domain = "" }).CookieScope(target(t, "https://a.jar.example/")).Domain {
		t.Error("without COOKIE_DOMAIN, a host shares one")
	}
	if !newGate(t, func(o *gate.Options) { o.Public.Host = "[::1]:8080" }).IsSignInHost(target(t, "https://[::1]/")) {
		t.Error("an IPv6 host is not its own")
	}
}

// Attack gate/odd-targets: `..`, `%2e`, `%2f`, `%5c`, `//`, `;` in a target.
func TestSignInComesBack(t *testing.T) {
	const root = "https://app.example/"
	long := "/" + strings.Repeat("a", 2900)
	for _, tt := range []struct{ name, method, uri, referer, want string }{
		{"a page", "GET", "/a?b=c&d=%C3%A4+e", "", "https://app.example/a?b=c&d=%C3%A4+e"},
		{"HEAD", "HEAD", "/a", "", "https://app.example/a"},
		{"odd paths", "GET", "/../%2e%2e/%2f%5c//;a=b", "", "https://app.example/../%2e%2e/%2f%5c//;a=b"},
		{"a query with a URL", "GET", "/?u=https://evil.example/?x&y", "", "https://app.example/?u=https://evil.example/?x&y"},
		{"POST from a page", "POST", "/save", "https://app.example/edit?id=1", "https://app.example/edit?id=1"},
		{"POST from nowhere", "POST", "/save", "", root},
		{"POST from elsewhere", "POST", "/save", "https://evil.example/app.example", root},
		{"POST from a user name", "POST", "/save", "https://app.example@evil.example/", root},
		{"PUT", "PUT", "/save", "https://app.example/x", "https://app.example/x"},
		{"long", "GET", long, "", "https://app.example" + long},
		{"too long", "GET", long + strings.Repeat("a", 100), "", root},
		{"long, with slashes", "GET", strings.Repeat("/a", 1450), "", "https://app.example" + strings.Repeat("/a", 1450)},
		{"long, of letters", "GET", "/?" + strings.Repeat("%E3%81%82", 300), "", "https://app.example/?" + strings.Repeat("%E3%81%82", 300)},
		{"long, of raw letters", "GET", "/?" + strings.Repeat("あ", 300), "", "https://app.example/?" + strings.Repeat("%E3%81%82", 300)},
		{"long, of signs", "GET", "/?%41&+;%2f=%ff" + strings.Repeat("/a", 1400), "", "https://app.example/?%41&+;%2f=%ff" + strings.Repeat("/a", 1400)},
		{"too long, of small letters", "GET", "/?" + strings.Repeat("%e3%81%82", 300), "", root},
		{"too long, of half a letter", "GET", "/?" + strings.Repeat("%E3%81", 400), "", root},
		{"too long from a page", "POST", "/", "https://app.example" + long + strings.Repeat("a", 100), root},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := with("X-Forwarded-Uri", tt.uri)
			h.Set("X-Forwarded-Method", tt.method)
			h.Set("Referer", tt.referer)
			a, err := gate.ParseRequest(gate.Forward, h)
			if err != nil {
				t.Fatal(err)
			}
			to, query, _ := strings.Cut(newGate(t).SignIn(a), "?")
			args, err := url.ParseQuery(query)
			cut := strings.HasPrefix(tt.name, "too long") && tt.method == "GET"
			if got := args.Get("next"); err != nil || to != "https://jar.example/" || len(query) > 3100 || args.Has("cut") != cut {
				t.Errorf("got %s and %q, %v; cut %t, want %t", to, query, err, args.Has("cut"), cut)
			} else if back, ok := newGate(t).ReturnTarget(got); !ok || back.String() != tt.want {
				t.Errorf("it leads back to %s, %t; want %s", back, ok, tt.want)
			}
		})
	}
}
