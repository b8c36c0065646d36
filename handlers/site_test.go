package handlers_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers"
	"glassjar/static"
	"glassjar/templates"
	"glassjar/utl/account"
	"glassjar/utl/audit"
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

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// testSite is the whole site over a real database, on loopback.
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

// newSite starts a site; change, where given, changes its configuration.
func newSite(t testing.TB, change ...func(*handlers.Config)) *testSite {
	t.Helper()
	s := &testSite{
		clock: &clock{t: time.Now()}, db: dbtest.Open(t), log: &safeBuffer{}, pages: t.TempDir(),
		hasher: password.NewHasher(password.Params{Memory: 64, Time: 1, Threads: 1}, 4, 256),
	}
	root, err := os.OpenRoot(s.pages)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	public, err := url.Parse("http://jar.example")
	if err != nil {
		t.Fatal(err)
	}
	c := handlers.Config{
		Pages: root, PublicURL: public, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Templates: templates.FS, Static: static.FS, Now: s.clock.now,
		Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, fn := range change {
		fn(&c)
	}
	s.sessions, err = session.New(session.Options{
		DB: s.db, Keys: [][]byte{bytes.Repeat([]byte("0123456789abcdef"), 2)}, Secure: c.PublicURL.Scheme == "https",
		Idle: 24 * time.Hour, Max: 720 * time.Hour, Now: s.clock.now, Log: c.Log,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sessions.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.accounts = account.New(account.Options{DB: s.db, Sessions: s.sessions, Hasher: s.hasher, Now: s.clock.now})
	c.Accounts, c.Sessions = s.accounts, s.sessions
	c.Throttle = &throttle.Store{DB: s.db, Now: s.clock.now}
	if c.Devices, err = session.NewDevices(c.PublicURL.Scheme == "https", [][]byte{bytes.Repeat([]byte("fedcba9876543210"), 2)}); err != nil {
		t.Fatal(err)
	}
	if s.handler, err = handlers.New(c); err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(s.handler)
	t.Cleanup(s.Close)
	return s
}

// write puts a file under PAGES_DIR.
func (s *testSite) write(t testing.TB, name, content string) {
	t.Helper()
	name = filepath.Join(s.pages, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// add makes an account with the password good.
func (s *testSite) add(t testing.TB, username, role string) account.Account {
	t.Helper()
	a, err := s.accounts.Add(t.Context(), account.Wanted{Username: username, Password: good, Role: role}, audit.Command())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// browser keeps cookies and follows no redirect.
type browser struct {
	http.Client

	t    testing.TB
	base string
}

func (s *testSite) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{http.Client{Jar: jar, CheckRedirect: stay}, t, s.URL}
}

// signedIn returns a browser in which username, whose password is good, is
// signed in.
func (s *testSite) signedIn(t testing.TB, username string) *browser {
	t.Helper()
	b := s.browser(t)
	b.post("/auth", "username", username, "password", good).want(http.StatusSeeOther)
	return b
}

// answer is what came back, read whole.
type answer struct {
	*http.Response

	t    testing.TB
	body string
}

func (b *browser) get(path string) *answer {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, b.base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

// post sends a form as a browser does from our own page.
func (b *browser) post(path string, fields ...string) *answer {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", b.base)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(req)
}

func (b *browser) do(req *http.Request) *answer {
	b.t.Helper()
	res, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return &answer{res, b.t, string(body)}
}

// want fails the test unless the status, and the Location where given, is
// this.
func (a *answer) want(status int, location ...string) *answer {
	a.t.Helper()
	if a.StatusCode != status {
		a.t.Fatalf("%s %s: got %s, want %d\n%s", a.Request.Method, a.Request.URL.Path, a.Status, status, a.body)
	}
	if len(location) > 0 && a.Header.Get("Location") != location[0] {
		a.t.Fatalf("%s %s: got Location %q, want %q", a.Request.Method, a.Request.URL.Path, a.Header.Get("Location"), location[0])
	}
	return a
}

// text returns the text of the elements that the CSS selector finds.
func (a *answer) text(selector string) string {
	a.t.Helper()
	return strings.TrimSpace(a.find(selector).Text())
}

func (a *answer) find(selector string) *goquery.Selection {
	a.t.Helper()
	doc, err := goquery.NewDocumentFromReader(strings.NewReader(a.body))
	if err != nil {
		a.t.Fatal(err)
	}
	return doc.Find(selector)
}

// cookies returns the browser's cookies for the site, as one header.
func (b *browser) cookies() string {
	u, err := url.Parse(b.base)
	if err != nil {
		b.t.Fatal(err)
	}
	var all []string
	for _, c := range b.Jar.Cookies(u) {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}
