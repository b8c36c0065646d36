package handlers_test

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
	"sync/atomic"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/static"
	"glassjar/templates"
	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/password"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// good is a password that keeps the policy; other is another.
const (
	good  = "a jar of oat cookies"
	other = "a tin of rye crackers"
)

// The session keys and the key of the known devices.
var (
	key       = bytes.Repeat([]byte("0123456789abcdef"), 2)
	newKey    = bytes.Repeat([]byte("123456789abcdef0"), 2)
	deviceKey = bytes.Repeat([]byte("fedcba9876543210"), 2)
)

// tiny is the cost of a hash that takes no time.
var tiny = password.Params{Memory: 64, Time: 1, Threads: 1}

// clock is a clock that tests move, one at a time. Reading it takes no lock:
// benchmarks read it on every core.
type clock struct{ t atomic.Pointer[time.Time] }

func newClock(t time.Time) *clock {
	c := &clock{}
	c.t.Store(&t)
	return c
}

func (c *clock) now() time.Time { return *c.t.Load() }

func (c *clock) move(d time.Duration) {
	moved := c.now().Add(d)
	c.t.Store(&moved)
}

// testSite is the whole site over a real database, on loopback. Its client
// reaches it by every host's name.
type testSite struct {
	*httptest.Server

	clock    *clock
	db       *db.DB
	dbPath   string
	accounts *account.Store
	sessions *session.Store
	hasher   *password.Hasher
	log      *safeBuffer
	pages    string // PAGES_DIR
	handler  http.Handler
	config   handlers.Config
}

// safeBuffer is a log that handlers and a test may use at once.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// lines returns the lines that hold the text.
func (s *safeBuffer) lines(text string) []string {
	var all []string
	for line := range strings.Lines(s.String()) {
		if strings.Contains(line, text) {
			all = append(all, line)
		}
	}
	return all
}

// newSite starts a site; change, where given, changes its configuration.
func newSite(tb testing.TB, change ...func(*handlers.Config)) *testSite {
	tb.Helper()
	s := &testSite{
		clock: newClock(time.Now()), dbPath: filepath.Join(tb.TempDir(), "test.db"),
		log: &safeBuffer{}, pages: tb.TempDir(), hasher: password.NewHasher(tiny, 4, 256),
	}
	s.db = dbtest.OpenAt(tb, s.dbPath)
	root, err := os.OpenRoot(s.pages)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = root.Close() })
	c := handlers.Config{
		Pages: root, PublicURL: parse(tb, "http://jar.example"),
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Templates:      templates.FS, Static: static.FS, Now: s.clock.now,
		Log:      slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Throttle: &throttle.Store{DB: s.db, Now: s.clock.now},
	}
	for _, fn := range change {
		fn(&c)
	}
	if c.Gate == nil {
		c.Gate = gateFor(c)
	}
	secure := c.PublicURL.Scheme == "https"
	s.sessions = s.newSessions(tb, secure)
	s.accounts = account.New(account.Options{DB: s.db, Sessions: s.sessions, Hasher: s.hasher, Host: c.PublicURL.Hostname(), Now: s.clock.now})
	c.Accounts, c.Sessions = s.accounts, s.sessions
	if c.Devices, err = session.NewDevices(secure, [][]byte{deviceKey}); err != nil {
		tb.Fatal(err)
	}
	s.serve(tb, c)
	return s
}

// serve starts the server, over TLS if the site is reached so.
func (s *testSite) serve(tb testing.TB, c handlers.Config) {
	tb.Helper()
	var err error
	if s.handler, err = handlers.New(c); err != nil {
		tb.Fatal(err)
	}
	s.config, s.Server = c, httptest.NewUnstartedServer(s.handler)
	s.Config.ErrorLog = slog.NewLogLogger(slog.NewTextHandler(tb.Output(), nil), slog.LevelWarn)
	if c.PublicURL.Scheme == "https" {
		s.StartTLS()
	} else {
		s.Start()
	}
	tb.Cleanup(s.Close)
	wire, _ := s.Client().Transport.(*http.Transport)
	wire.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) { // whatever the host's name
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}
	if c.PublicURL.Scheme == "https" {
		wire.TLSClientConfig.ServerName = "example.com" // the test server's certificate
	}
}

// public returns PUBLIC_URL.
func (s *testSite) public() string { return s.config.PublicURL.String() }

// again returns one more site over the same stores, changed.
func (s *testSite) again(tb testing.TB, change func(*handlers.Config)) *testSite {
	tb.Helper()
	twin, c := *s, s.config
	change(&c)
	twin.serve(tb, c)
	return &twin
}

// newSessions returns one more session store on the database, as another
// server has it.
func (s *testSite) newSessions(tb testing.TB, secure bool) *session.Store {
	tb.Helper()
	store, err := session.New(session.Options{
		DB: s.db, Keys: [][]byte{key}, Secure: secure, Idle: 24 * time.Hour, Max: 720 * time.Hour,
		Now: s.clock.now, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		err = store.Poll(tb.Context())
	}
	if err != nil {
		tb.Fatal(err)
	}
	return store
}

func parse(tb testing.TB, address string) *url.URL {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

// secure makes the site one that is reached over https.
func secure(c *handlers.Config) { c.PublicURL = &url.URL{Scheme: "https", Host: "jar.example"} }
