package handlers_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/utl/account"
	"glassjar/utl/gate"
	"glassjar/utl/session"
)

var (
	gateKey     = bytes.Repeat([]byte("3456789abcdef012"), 2)
	identityKey = bytes.Repeat([]byte("456789abcdef0123"), 2)
)

// The hosts of the tests' world: the jar, an app below the same domain, and an
// app on another one.
const (
	jar       = "https://jar.site.example"
	sister    = "https://app.site.example"
	elsewhere = "https://wiki.example:8443"
)

// world is a site, and apps behind a proxy that asks the site's gate.
type world struct {
	*testSite

	args  string // of the proxy's question, such as ?group=dev
	loses bool   // browsers lose the cookies of app hosts
}

// newWorld starts one whose jar is at the URL public; domain is COOKIE_DOMAIN,
// or empty.
func newWorld(tb testing.TB, public, domain string) *world {
	tb.Helper()
	s := newSite(tb, func(c *handlers.Config) { c.PublicURL = parse(tb, public) })
	var err error
	s.sessions, err = session.New(session.Options{
		DB: s.db, Keys: [][]byte{key}, GateKeys: [][]byte{gateKey}, GateDomain: domain,
		Secure: s.config.PublicURL.Scheme == "https", Idle: 24 * time.Hour, Max: 720 * time.Hour,
		Now: s.clock.now, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		err = s.sessions.Poll(tb.Context())
	}
	if err != nil {
		tb.Fatal(err)
	}
	s.accounts = account.New(account.Options{DB: s.db, Sessions: s.sessions, Hasher: s.hasher, Now: s.clock.now})
	g, err := gate.New(gate.Options{
		Public: s.config.PublicURL, Hosts: []string{"*.site.example", "wiki.example", "localhost"}, Domain: domain,
		Keys: [][]byte{identityKey}, Now: s.clock.now,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return &world{testSite: s.again(tb, func(c *handlers.Config) { c.Sessions, c.Accounts, c.Gate = s.sessions, s.accounts, g })}
}

// RoundTrip is the network: the jar, and the proxy in front of the apps, which
// does what the README's do.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	host := r.URL.Host
	if r.URL.Scheme+"://"+host == w.config.PublicURL.String() || r.URL.Path == "/gate/callback" {
		return w.jar(r.Method, r.URL.RequestURI(), r), nil
	}
	if w.loses {
		r.Header.Del("Cookie")
	}
	ask := r.Clone(r.Context())
	ask.Body = http.NoBody
	for name, value := range map[string]string{
		"X-Forwarded-Method": r.Method, "X-Forwarded-Proto": r.URL.Scheme, "X-Forwarded-Host": host, "X-Forwarded-Uri": r.URL.RequestURI(),
	} {
		ask.Header.Set(name, value)
	}
	got := w.jar(http.MethodGet, "/gate/forward"+w.args, ask)
	if got.StatusCode != http.StatusOK {
		return got, nil
	}
	app := httptest.NewRecorder()
	_, _ = app.WriteString(r.Method + " " + r.URL.String() + " as " + got.Header.Get("Remote-User"))
	return w.result(app, r), nil
}

// jar has the site answer the request, which a proxy on loopback hands on.
func (w *world) jar(method, uri string, r *http.Request) *http.Response {
	inner := httptest.NewRequestWithContext(r.Context(), method, uri, r.Body)
	inner.Header, inner.Host, inner.RemoteAddr = r.Header, r.URL.Host, "127.0.0.1:1"
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, inner)
	return w.result(rec, r)
}

func (w *world) result(rec *httptest.ResponseRecorder, r *http.Request) *http.Response {
	res := rec.Result()
	res.Request = r
	return res
}

// browser returns a browser in this world, at the jar.
func (w *world) browser(tb testing.TB) *browser {
	tb.Helper()
	b := w.testSite.browser(tb)
	b.Transport, b.base = w, w.config.PublicURL.String()
	return b
}

// signedIn returns one in which username is signed in.
func (w *world) signedIn(tb testing.TB, username string) *browser {
	tb.Helper()
	b := w.browser(tb)
	b.signIn(username, good).want(http.StatusSeeOther)
	return b
}

// visit opens the page at the URL and follows at most n redirects.
func (b *browser) visit(address string, n int) *answer {
	b.t.Helper()
	for {
		got := b.at(address).get("", "Accept", "text/html")
		if n--; got.StatusCode < 300 || got.StatusCode > 399 || n < 0 {
			return got
		}
		to, err := got.Location()
		if err != nil {
			b.t.Fatal(err)
		}
		address = to.String()
	}
}

// at returns the same browser, for paths that start with the address.
func (b *browser) at(address string) *browser {
	other := *b
	other.base = address
	return &other
}

// holds returns the value of the browser's cookie of the name at the address.
func (b *browser) holds(address, name string) string {
	b.t.Helper()
	for _, c := range b.Jar.Cookies(parse(b.t, address)) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// asked returns the headers of a question of the X-Forwarded kind about the
// URL; more holds names and values in turn.
func asked(address string, more ...string) []string {
	scheme, rest, _ := strings.Cut(address, "://")
	host, uri, _ := strings.Cut(rest, "/")
	return append([]string{
		"X-Forwarded-Method", "GET", "X-Forwarded-Proto", scheme, "X-Forwarded-Host", host, "X-Forwarded-Uri", "/" + uri,
	}, more...)
}

// ask asks the gate, from loopback, as a proxy does that passes the cookies on.
func (w *world) ask(tb testing.TB, path string, header []string) *answer {
	tb.Helper()
	return w.browser(tb).get(path, header...)
}
