// Package webtest is the harness for tests of the site: a whole site with its own stores,
// browsers that store cookies, and responses with assertions.
package webtest

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/static"
	"glassjar/templates"
	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/clocktest"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/doctor"
	"glassjar/utl/gate"
	"glassjar/utl/password"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// Good and Other are passwords that the policy accepts.
const (
	Good  = "a jar of oat cookies"
	Other = "a tin of rye crackers"
)

// The session keys, and those of the known devices and of passkeys' challenges.
var (
	Key       = [32]byte(bytes.Repeat([]byte("0123456789abcdef"), 2))
	NewKey    = [32]byte(bytes.Repeat([]byte("123456789abcdef0"), 2))
	DeviceKey = [32]byte(bytes.Repeat([]byte("fedcba9876543210"), 2))

	PasskeyKey = [32]byte(bytes.Repeat([]byte("56789abcdef01234"), 2))
)

// Tiny are parameters with which a hash takes almost no time.
var Tiny = password.Params{Memory: 64, Time: 1, Threads: 1}

// Site is the whole site with a real database, on loopback. Its client connects to it for
// every host name.
type Site struct {
	*httptest.Server

	Clock    *clocktest.Clock
	DB       *db.DB
	DbPath   string
	Accounts *account.Store
	Sessions *session.Store
	Apps     *app.Store
	Hasher   *password.Hasher
	Log      *SafeBuffer
	Pages    string // PAGES_DIR
	Handler  http.Handler
	Settings handlers.Config
}

// SafeBuffer is a log output that handlers and a test may use concurrently.
type SafeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends p to the buffer.
func (s *SafeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// String returns everything that was written so far.
func (s *SafeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Lines returns the lines that contain the text.
func (s *SafeBuffer) Lines(text string) []string {
	var all []string
	for line := range strings.Lines(s.String()) {
		if strings.Contains(line, text) {
			all = append(all, line)
		}
	}
	return all
}

// New starts a site; change modifies its configuration.
func New(tb testing.TB, change ...func(*handlers.Config)) *Site {
	tb.Helper()
	return NewAt(tb, filepath.Join(tb.TempDir(), "test.db"), change...)
}

// NewAt starts a site with the database at this path or PostgreSQL URL.
func NewAt(tb testing.TB, at string, change ...func(*handlers.Config)) *Site {
	tb.Helper()
	s := &Site{
		Clock: clocktest.New(time.Now()), DbPath: at,
		Log: &SafeBuffer{}, Pages: tb.TempDir(), Hasher: password.NewHasher(Tiny, 4, 256),
	}
	s.DB = dbtest.OpenAt(tb, s.DbPath)
	root, err := os.OpenRoot(s.Pages)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = root.Close() })
	c := handlers.Config{
		Pages: root, PublicURL: Parse(tb, "http://jar.example"),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Templates:      templates.FS, Static: static.FS, Now: s.Clock.Now,
		Log: slog.New(slog.NewMultiHandler(slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug}),
			slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelError}))), // why a page answers 500
		Throttle: &throttle.Store{DB: s.DB, Now: s.Clock.Now},
		Apps:     app.New(app.Options{DB: s.DB, Rules: &gate.Rules{}, Now: s.Clock.Now, Log: slog.New(slog.DiscardHandler)}),
	}
	c.Tests = doctor.NewRunner(doctor.Options{Most: app.MaxApps, Now: s.Clock.Now})
	for _, fn := range change {
		fn(&c)
	}
	if c.Gate == nil {
		c.Gate = gateFor(c)
	}
	c.Apps.Own, c.Apps.Secure = c.PublicURL.Hostname(), c.PublicURL.Scheme == "https"
	if err := c.Apps.Load(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	s.Apps = c.Apps
	secure := c.PublicURL.Scheme == "https"
	s.Sessions = s.NewSessions(tb, secure)
	s.Accounts = account.New(account.Options{DB: s.DB, Sessions: s.Sessions, Hasher: s.Hasher, Host: c.PublicURL.Hostname(), Now: s.Clock.Now})
	c.Accounts, c.Sessions = s.Accounts, s.Sessions
	if c.Devices, err = session.NewDevices(secure, [][32]byte{DeviceKey}); err != nil {
		tb.Fatal(err)
	}
	c.Factors = s.factors(tb)
	c.Passkeys = s.passkeys(tb, c)
	s.serve(tb, c)
	return s
}

// serve starts the server, with TLS if the site's URL is https.
func (s *Site) serve(tb testing.TB, c handlers.Config) {
	tb.Helper()
	var err error
	if s.Handler, err = handlers.New(c); err != nil {
		tb.Fatal(err)
	}
	s.Settings, s.Server = c, httptest.NewUnstartedServer(s.Handler)
	s.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(tb.Output(), nil), slog.LevelWarn)
	if c.PublicURL.Scheme == "https" {
		s.StartTLS()
	} else {
		s.Start()
	}
	tb.Cleanup(s.Close)
	wire, _ := s.Client().Transport.(*http.Transport)
	wire.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) { // connects to the site for every host name
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}
	if c.PublicURL.Scheme == "https" {
		wire.TLSClientConfig.ServerName = "example.com" // a name in the test server's certificate
	}
}

// Public returns PUBLIC_URL.
func (s *Site) Public() string { return s.Settings.PublicURL.String() }

// Again returns another site with the same stores and a modified configuration.
func (s *Site) Again(tb testing.TB, change func(*handlers.Config)) *Site {
	tb.Helper()
	twin, c := *s, s.Settings
	change(&c)
	twin.serve(tb, c)
	return &twin
}

// NewSessions returns another session store on the same database, like that of another
// server.
func (s *Site) NewSessions(tb testing.TB, secure bool) *session.Store {
	tb.Helper()
	store, err := session.New(session.Options{
		DB: s.DB, Keys: [][32]byte{Key}, Secure: secure, Idle: 24 * time.Hour, Max: 720 * time.Hour,
		Now: s.Clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		err = store.Poll(tb.Context())
	}
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

// Parse returns the URL, or fails the test.
func Parse(tb testing.TB, address string) *url.URL {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

// WithSignUp lets everybody create an account.
func WithSignUp(c *handlers.Config) {
	c.SignUp = account.ByAnybody
	c.Strangers = func(context.Context) ([]string, error) { return []string{"wiki.example", "/pages/"}, nil }
}

// WithApproval lets everybody ask for an account.
func WithApproval(c *handlers.Config) { c.SignUp = account.ByApproval }

// Secure makes the site use https.
func Secure(c *handlers.Config) { c.PublicURL = &url.URL{Scheme: "https", Host: "jar.example"} }

// ThrottleOver is after how long every counter of the throttle is reset.
const ThrottleOver = 2 * time.Hour
