package apps_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/audit"
	"glassjar/utl/session"
)

// behindGate is an app behind a good proxy with a gate, all in one server. bad may
// respond instead, and reports whether it did.
func behindGate(t *testing.T, bad func(http.ResponseWriter, *http.Request) bool) (host string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if bad(w, r) {
			return
		}
		back, status := "http://"+r.Host+r.RequestURI, http.StatusFound
		switch {
		case r.Header.Get("Sec-Fetch-Mode") != "navigate":
			status = http.StatusUnauthorized
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			back = "http://" + r.Host + "/"
		}
		w.Header().Set("Location", "https://jar.example/?next="+url.QueryEscape(back))
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	return "wiki.localhost:" + port
}

func good(http.ResponseWriter, *http.Request) bool { return false }

// tested is a site whose server tests apps, with an owner, whose browser is b.
func tested(t *testing.T) (s *webtest.Site, b *webtest.Browser) {
	t.Helper()
	s, b = site(t)
	testsApps(t, s)
	return s, b
}

// testsApps runs the site's tests of apps until the test ends.
func testsApps(t *testing.T, s *webtest.Site) {
	t.Helper()
	ended := make(chan struct{})
	go func() { defer close(ended); s.Settings.Tests.Run(t.Context()) }()
	t.Cleanup(func() { <-ended })
}

// newApp adds an app with the host and returns its page.
func newApp(t *testing.T, s *webtest.Site, host string) string {
	t.Helper()
	return "/apps/" + s.NewApp(t, app.App{Name: "Wiki", Host: host, URL: "http://" + host + "/"}).ID
}

// result starts a test and reloads the page until the test has ended.
func result(t *testing.T, b *webtest.Browser, at string) *webtest.Answer {
	t.Helper()
	b.Post(at+"/test").Want(http.StatusSeeOther, at+"/test")
	for {
		got := b.Get(at + "/test").Want(http.StatusOK)
		if got.Header.Get("Refresh") == "" {
			return got
		}
		if t.Context().Err() != nil {
			t.Fatal("the test does not end")
		}
	}
}

func TestAppThatHolds(t *testing.T) {
	s, b := tested(t)
	host := behindGate(t, good)
	at := newApp(t, s, host)
	wants(t, "before", b.Get(at+"/test").Want(http.StatusOK), "Not tested yet", "http://"+host+"/")
	got := result(t, b, at)
	wants(t, "after", got, "This server attacked http://"+host+"/ from outside, just now", "What was stopped", "pass: Remote_User and the like, forged 302 to the sign-in page")
	if n := got.Find(".rows .good").Length(); n != got.Find(".rows li").Length() || n < 40 {
		t.Errorf("%d attacks were stopped of %d", n, got.Find(".rows li").Length())
	}
	got.Says(".row .good b", "46 pass")
	wants(t, "the app's page", b.Get(at), "What the last test has shown")
	if rows := s.Texts(t, `SELECT event || ' ' || actor FROM audit WHERE event = 'app.tested'`); len(rows) != 1 || rows[0] != "app.tested ada" {
		t.Errorf("the audit log has %q", rows)
	}
}

// If the owner may open the app, it is also tested with the owner's own gate cookie, and
// with no other credential.
func TestAppAsItsOwner(t *testing.T) {
	for name, tt := range map[string]struct {
		groups []string
		level  int
		enters bool
	}{
		"everybody":                {nil, 1, true},
		"a group of the owner":     {[]string{"dev"}, 1, true},
		"another group":            {[]string{"ops"}, 1, false},
		"more than the session is": {nil, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := webtest.NewWorld(t, "http://jar.site.example", "")
			w.Add(t, "ada", account.Owner)
			if err := w.Accounts.SetGroups(t.Context(), "ada", []string{"dev"}, audit.Command()); err != nil {
				t.Fatal(err)
			}
			testsApps(t, w.Site)
			entered := atomic.Int64{}
			host := behindGate(t, letsAdaIn(t, w.Sessions, &entered))
			at := w.NewApp(t, app.App{Name: "Wiki", Host: host, URL: "http://" + host + "/", Groups: tt.groups, Level: tt.level})
			got := result(t, w.SignedIn(t, "ada"), "/apps/"+at.ID)
			if (entered.Load() > 0) != tt.enters {
				t.Errorf("%d requests came as the owner: %t is wanted", entered.Load(), tt.enters)
			}
			if strings.Contains(got.Text("main"), "signed in") != tt.enters {
				t.Errorf("it says %q", got.Text("main"))
			}
		})
	}
}

// letsAdaIn responds with a page to a request with ada's gate cookie, and counts it; a
// gate cookie of anybody else fails the test.
func letsAdaIn(t *testing.T, sessions *session.Store, entered *atomic.Int64) func(http.ResponseWriter, *http.Request) bool {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) bool {
		cookie, err := r.Cookie("glassjar-gate")
		if err != nil || len(cookie.Value) < 100 {
			return false
		}
		found, err := sessions.FindGate(r, session.CookieScope{Host: "wiki.localhost"})
		if err != nil || found.Username != "ada" {
			t.Errorf("with %s: %v, %v", cookie, found.Username, err)
		}
		entered.Add(1)
		_, _ = io.WriteString(w, "a page")
		return true
	}
}

// A hole is shown first, with what to change, and without anything that the app sent.
func TestAppWithAHole(t *testing.T) {
	s, b := tested(t)
	at := newApp(t, s, behindGate(t, func(w http.ResponseWriter, r *http.Request) bool {
		hole := r.Header.Get("Remote~User")+r.Header.Get("Remote^User") != ""
		if hole {
			_, _ = io.WriteString(w, "the app's canary")
		}
		return hole
	}))
	got := result(t, b, at)
	wants(t, "the hole", got, "2 FAIL 44 pass", "To change", "FAIL: Remote^User and the like, forged 200: it got through. Anybody who sends this header gets in", "FAIL: Remote~User and the like, forged 200: it got through What was stopped")
	if strings.Contains(got.Body, "canary") {
		t.Error("what the app sent is shown")
	}
}

// If nothing can be tested, a sentence says why, whatever listens there.
func TestNothingToTest(t *testing.T) {
	selfSigned := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(selfSigned.Close)
	ssh, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ssh.Close() })
	go func() {
		for {
			c, err := ssh.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "SSH-2.0-canary\r\n")
			_ = c.Close()
		}
	}()
	for _, tt := range []struct{ row, link, want string }{
		{"a certificate of its own", strings.Replace(selfSigned.URL, "127.0.0.1", "wiki.localhost", 1), "Nothing was tested: this machine does not trust the page's certificate (x509:"},
		{"no web server", "http://wiki.localhost:" + port(ssh), "Nothing was tested: "},
		{"nobody listens", "http://wiki.localhost:1/", "Nothing was tested: dial tcp 127.0.0.1:1:"},
		{"no gate", "http://" + behindGate(t, func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true }), "Nothing was tested: the page answers 502"},
	} {
		t.Run(tt.row, func(t *testing.T) {
			s, b := tested(t)
			got := result(t, b, "/apps/"+s.NewApp(t, app.App{Name: "Wiki", Host: "wiki.localhost", URL: tt.link}).ID)
			wants(t, tt.row, got, tt.want)
			if strings.Contains(got.Body, "canary") {
				t.Errorf("what came is shown: %s", got.Find("main").Text())
			}
		})
	}
}

func port(ln net.Listener) string {
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// Attack apps/test-elsewhere: a page that redirects the test to another server, a link in
// the database to another host than the app's, and somebody who is not an owner.
func TestReachesTheAppAlone(t *testing.T) {
	var asked atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(other.Close)
	s, b := tested(t)
	at := newApp(t, s, behindGate(t, func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, other.URL+"/?next="+url.QueryEscape("http://"+r.Host+r.RequestURI), http.StatusFound)
		return true
	}))
	result(t, b, at)

	s.Exec(t, `UPDATE apps SET url = ?`, other.URL)
	got := b.Post(at + "/test").Want(http.StatusUnprocessableEntity)
	wants(t, "a link that leaves the app", got, "There is no page to test.")

	s.Exec(t, `UPDATE apps SET url = ?`, "http://wiki.localhost:1/")
	s.Add(t, "bob", account.Member)
	bob := s.SignedIn(t, "bob")
	bob.Get(at + "/test").Want(http.StatusForbidden)
	bob.Post(at + "/test").Want(http.StatusForbidden)
	if _, busy := s.Settings.Tests.Busy(); busy || asked.Load() != 0 {
		t.Errorf("the other server was asked %d times", asked.Load())
	}
}
