package webtest

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
	"glassjar/utl/app"
	"glassjar/utl/audit"
	"glassjar/utl/gate"
	"glassjar/utl/session"
)

// WithGate makes the site's gate answer for the hosts of World's apps.
func WithGate(c *handlers.Config) { c.Gate = gateFor(*c, "*.site.example", "wiki.example") }

// gateFor returns a gate that answers for the hosts.
func gateFor(c handlers.Config, hosts ...string) *gate.Gate {
	g, err := gate.New(gate.Options{Public: c.PublicURL, Hosts: hosts, Apps: c.Apps.Rules, Keys: [][32]byte{IdentityKey}, Now: c.Now})
	if err != nil {
		panic(err)
	}
	return g
}

// The names of gate cookies: of one host, and of COOKIE_DOMAIN.
const (
	HostCookie   = "__Host-glassjar-gate"
	DomainCookie = "__Secure-glassjar-gate"
)

// The keys of gate cookies and of identity tokens.
var (
	GateKey     = [32]byte(bytes.Repeat([]byte("3456789abcdef012"), 2))
	IdentityKey = [32]byte(bytes.Repeat([]byte("456789abcdef0123"), 2))
)

// The hosts of a World: the sign-in host, an app below the same domain, and an app
// on another domain.
const (
	Jar       = "https://jar.site.example"
	Sister    = "https://app.site.example"
	Elsewhere = "https://wiki.example:8443"
)

// World is a site, and apps behind a proxy that asks the site's gate.
type World struct {
	*Site

	Args  string // args of the proxy's question, such as ?group=dev
	Loses bool   // whether browsers lose the cookies of app hosts
}

// NewWorld starts a World whose site has the URL public; domain is COOKIE_DOMAIN, or empty.
func NewWorld(tb testing.TB, public, domain string) *World {
	tb.Helper()
	s := New(tb, func(c *handlers.Config) { c.PublicURL = Parse(tb, public) })
	var err error
	s.Sessions, err = session.New(session.Options{
		DB: s.DB, Keys: [][32]byte{Key}, GateKeys: [][32]byte{GateKey}, GateDomain: domain,
		Secure: s.Settings.PublicURL.Scheme == "https", Idle: 24 * time.Hour, Max: 720 * time.Hour,
		Now: s.Clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		err = s.Sessions.Poll(tb.Context())
	}
	if err != nil {
		tb.Fatal(err)
	}
	s.Accounts = account.New(account.Options{DB: s.DB, Sessions: s.Sessions, Hasher: s.Hasher, Now: s.Clock.Now})
	g, err := gate.New(gate.Options{
		Public: s.Settings.PublicURL, Hosts: []string{"*.site.example", "wiki.example", "localhost"}, Domain: domain, Apps: s.Apps.Rules,
		Keys: [][32]byte{IdentityKey}, Now: s.Clock.Now,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return &World{Site: s.Again(tb, func(c *handlers.Config) {
		c.Sessions, c.Accounts, c.Gate, c.Factors = s.Sessions, s.Accounts, g, s.factors(tb)
		c.Passkeys = s.passkeys(tb, *c)
	})}
}

// NewApp adds an app.
func (s *Site) NewApp(tb testing.TB, wanted app.App) app.App {
	tb.Helper()
	if wanted.Level == 0 {
		wanted.Level = 1
	}
	made, err := s.Apps.Add(tb.Context(), wanted, audit.Command())
	if err != nil {
		tb.Fatal(err)
	}
	return made
}

// RoundTrip is the network: it sends requests to the site, or through the proxy to the
// apps, as README's recipes do.
func (w *World) RoundTrip(r *http.Request) (*http.Response, error) {
	host := r.URL.Host
	if r.URL.Scheme+"://"+host == w.Settings.PublicURL.String() || r.URL.Path == "/gate/callback" {
		return w.jar(r.Method, r.URL.RequestURI(), r), nil
	}
	if w.Loses {
		r.Header.Del("Cookie")
	}
	ask := r.Clone(r.Context())
	ask.Body = http.NoBody
	for name, value := range map[string]string{
		"X-Forwarded-Method": r.Method, "X-Forwarded-Proto": r.URL.Scheme, "X-Forwarded-Host": host, "X-Forwarded-Uri": r.URL.RequestURI(),
	} {
		ask.Header.Set(name, value)
	}
	got := w.jar(http.MethodGet, "/gate/forward"+w.Args, ask)
	if got.StatusCode != http.StatusOK {
		return got, nil
	}
	behind := httptest.NewRecorder()
	_, _ = behind.WriteString(r.Method + " " + r.URL.String() + " as " + got.Header.Get("Remote-User"))
	return w.result(behind, r), nil
}

// jar passes the request to the site, through a proxy on loopback.
func (w *World) jar(method, uri string, r *http.Request) *http.Response {
	inner := httptest.NewRequestWithContext(r.Context(), method, uri, r.Body)
	inner.Header, inner.Host, inner.RemoteAddr = r.Header, r.URL.Host, "127.0.0.1:1"
	rec := httptest.NewRecorder()
	w.Handler.ServeHTTP(rec, inner)
	return w.result(rec, r)
}

func (w *World) result(rec *httptest.ResponseRecorder, r *http.Request) *http.Response {
	res := rec.Result()
	res.Request = r
	return res
}

// Browser returns a browser in this World, on the site.
func (w *World) Browser(tb testing.TB) *Browser {
	tb.Helper()
	b := w.Site.Browser(tb)
	b.Transport, b.Base = w, w.Settings.PublicURL.String()
	return b
}

// SignedIn returns a browser in which username is signed in.
func (w *World) SignedIn(tb testing.TB, username string) *Browser {
	tb.Helper()
	b := w.Browser(tb)
	b.SignIn(username, Good).Want(http.StatusSeeOther)
	return b
}

// Visit opens the page at the URL and follows at most n redirects.
func (b *Browser) Visit(address string, n int) *Answer {
	b.T.Helper()
	for {
		got := b.At(address).Get("", "Accept", "text/html")
		if n--; got.StatusCode < 300 || got.StatusCode > 399 || n < 0 {
			return got
		}
		to, err := got.Location()
		if err != nil {
			b.T.Fatal(err)
		}
		address = to.String()
	}
}

// At returns the same browser, for paths relative to the address.
func (b *Browser) At(address string) *Browser {
	other := *b
	other.Base = address
	return &other
}

// Holds returns the value of the browser's cookie with the name at the address.
func (b *Browser) Holds(address, name string) string {
	b.T.Helper()
	for _, c := range b.Jar.Cookies(Parse(b.T, address)) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// Asked returns the X-Forwarded headers of a proxy's question about the URL; more has
// alternating names and values.
func Asked(address string, more ...string) []string {
	scheme, rest, _ := strings.Cut(address, "://")
	host, uri, _ := strings.Cut(rest, "/")
	return append([]string{
		"X-Forwarded-Method", "GET", "X-Forwarded-Proto", scheme, "X-Forwarded-Host", host, "X-Forwarded-Uri", "/" + uri,
	}, more...)
}

// Ask asks the gate from loopback, as a proxy that passes on the cookies.
func (w *World) Ask(tb testing.TB, path string, header []string) *Answer {
	tb.Helper()
	return w.Browser(tb).Get(path, header...)
}

// In signs ada in on the site and on the app at Elsewhere, and returns the Cookie header
// that her browser sends to that app.
func (w *World) In(tb testing.TB) (b *Browser, cookie string) {
	tb.Helper()
	w.Add(tb, "ada", account.Member)
	b = w.SignedIn(tb, "ada")
	b.Visit(Elsewhere+"/", 5).Want(http.StatusOK)
	return b, HostCookie + "=" + b.Holds(Elsewhere, HostCookie)
}
