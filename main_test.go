package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"glassjar/utl/browsertest"
	"glassjar/utl/proxytest"
	"glassjar/utl/recipe"
)

// good is a password that the policy accepts.
const good = "a jar of oat cookies"

// server is the real program, serving in a temporary folder.
type server struct {
	url  string
	join string // the first owner's link
	stop func() // stops it as SIGTERM does, and waits for the end
}

// start runs the real run() on port 0 in a new folder with the given settings.
func start(t testing.TB, settings map[string]string) server {
	t.Helper()
	t.Chdir(t.TempDir())
	getenv := func(name string) string {
		if name == "ADDR" && settings[name] == "" {
			return "127.0.0.1:0"
		}
		return settings[name]
	}
	ctx, cancel := context.WithCancel(context.Background())
	out, w := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, nil, getenv, w, t.Output())
		_ = w.Close()
	}()
	s := server{stop: sync.OnceFunc(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("run returned %d, want 0", code)
		}
	})}
	t.Cleanup(s.stop)
	lines := bufio.NewScanner(out)
	for s.join == "" && lines.Scan() {
		if u, ok := strings.CutPrefix(lines.Text(), "glassjar is at "); ok {
			s.url = u
		}
		if _, u, ok := strings.Cut(lines.Text(), "within 24 hours at "); ok {
			s.join = u
		}
	}
	if s.join == "" {
		t.Fatal("the program did not say where it is")
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return s
}

// On one core, pages are served while a password is hashed.
func TestOneCoreHasTwoProcessors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s := start(t, nil)
	if res, err := http.Get(s.url + "/healthz"); err != nil || res.Body.Close() != nil {
		t.Fatal(err)
	}
	if got := runtime.GOMAXPROCS(0); got != 2 {
		t.Errorf("%d processors, want 2", got)
	}
	s.stop()
	if got := runtime.GOMAXPROCS(0); got != 1 {
		t.Errorf("afterwards %d processors, want 1", got)
	}
}

func TestMainJobInABrowser(t *testing.T) {
	pages := t.TempDir()
	notes := "<!doctype html><link rel=icon href=data:,><title>Notes</title><h1>Our notes</h1>"
	if err := os.WriteFile(filepath.Join(pages, "notes.html"), []byte(notes), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, map[string]string{"PAGES_DIR": pages, "LAB": "off"})
	p := browsertest.Open(t)

	p.MakeAccount(s.join, "ada", good)
	p.SignOut()

	p.Open(s.url + "/pages/notes.html")
	p.Sees("Sign in")
	p.Keys(kb.Tab, kb.Tab, "ada", kb.Tab, good, kb.Enter) // past the skip link
	p.Sees("Our notes")
	if got := p.Path(); got != "/pages/notes.html" {
		t.Errorf("signing in led to %s, want /pages/notes.html", got)
	}

	p.Open(s.url + "/")
	p.Sees("Hello, ada")
	p.SignOut()
	p.Do(chromedp.NavigateBack())
	p.Sees("Sign in") // Attack browser/back: Back after sign-out
	p.Quiet()
	p.Open(s.url + "/lab")
	p.Sees("Not found") // with LAB=off
}

// TestPlainHTTPInABrowser sends every form of the site over http, on a host name that is not
// localhost: not a secure context, so the browser sends no Sec-Fetch headers, and Origin only
// if the page's Referrer-Policy allows it.
func TestPlainHTTPInABrowser(t *testing.T) {
	at := proxytest.Free(t)
	_, port, _ := net.SplitHostPort(at)
	s := start(t, map[string]string{"ADDR": at, "PUBLIC_URL": "http://jar.example:" + port, "LAB": "on", "GATE_HOSTS": "app.example"})
	p := browsertest.Open(t, chromedp.Flag("host-resolver-rules", "MAP jar.example 127.0.0.1"))
	p.Open(s.join)
	p.Do(chromedp.Click(chromedp.CSS(".foot a")))
	p.Sees("See how a sign-in works")
	if got, want := browsertest.Value[string](p, `document.referrer`), "http://jar.example:"+port+"/"; got != want {
		t.Errorf("the Referer after a link's page is %q, want %q", got, want) // Attack browser/link-codes: no link code in it
	}
	p.MakeAccount(s.join, "ada", good)
	p.SignOut()
	other := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	signIn := url.Values{"username": {"ada"}, "password": {good}}
	if res, err := other.Do(formFor(t, "http://"+at+"/auth", "jar.example:"+port, signIn)); err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the other browser: got %v, error %v", res, err)
	}
	p.Fill("username", "ada")
	p.Fill("password", good)
	p.Press("Sign in")
	p.Sees("Hello, ada")
	accountForms(t, s, p)
	labForms(s, p)
}

// accountForms sends the forms of the pages for signed-in people, with two sessions.
func accountForms(t *testing.T, s server, p *browsertest.Page) {
	t.Helper()
	p.Open(s.url + "/account")
	p.Do(chromedp.Click(chromedp.CSS("[aria-labelledby=devices] li:not(:has(.tag)) button")), chromedp.WaitNotPresent(chromedp.CSS("[aria-labelledby=devices] li:not(:has(.tag)) button")))
	p.Open(s.url + "/account/app-passwords")
	p.Fill("name", "backup")
	p.Press("Make an app password")
	p.Press("I have kept it")
	p.Press("Revoke")
	p.Open(s.url + "/account/password")
	p.Fill("current", good)
	p.Fill("password", good+" and more")
	p.Press("Change password")
	p.Reads(".notice", "Your password is changed. You were signed out everywhere else.")
	p.Open(s.url + "/logout")
	p.Do(chromedp.Click(chromedp.CSS("main button")))
	p.Sees("Sign in")
	var link strings.Builder
	if code := run(t.Context(), []string{"link", "reset", "ada"}, func(string) string { return "" }, &link, t.Output()); code != 0 {
		t.Fatal("no link")
	}
	_, code, _ := strings.Cut(link.String(), "/reset/")
	p.Open(s.url + "/reset/" + strings.TrimSpace(code))
	p.Fill("password", good)
	p.Press("Set the password")
	p.Sees("Hello, ada")
}

func labForms(s server, p *browsertest.Page) {
	p.Open(s.url + "/lab/request")
	p.Press("Send with POST")
	p.Reads("#form + table td", "username ada sub1 cookies")
	p.Open(s.url + "/lab/session")
	p.Press("Clear")
	p.Reads(".entries li div", "")
	p.Open(s.url + "/lab/cookie")
	p.Press("Make me admin")
	p.Reads("#verdict h3", "Refused")
	p.Open(s.url + "/lab/key")
	p.Press("Show the lab's key")
	p.Reads("h1", "The key is the secret") // the console has a message: COOP needs https
}

// formFor returns a POST of the form to the address, sent from a page on the host.
func formFor(t *testing.T, address, host string, form url.Values) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {"http://" + host}}
	return r
}

// After the sign-in form the browser is redirected to the app, through nginx, and to
// where the app redirects: the site's form-action allows it.
func TestGateInABrowser(t *testing.T) {
	open := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<!doctype html><link rel=icon href=data:,><title>Open</title><h1>An open door</h1>")
	}))
	t.Cleanup(open.Close)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := strings.Replace(open.URL, "127.0.0.1", "open.localhost", 1) + r.RequestURI + "&as=" + r.Header.Get("Remote-User")
		http.Redirect(w, r, to, http.StatusFound)
	}))
	t.Cleanup(app.Close)
	own := proxytest.Free(t)
	_, port, _ := net.SplitHostPort(proxytest.Nginx.Start(t, recipe.Site{
		PublicURL: &url.URL{Scheme: "http", Host: "jar.localhost"}, Address: own,
		Apps: []recipe.App{{Host: "app.localhost", Address: app.Listener.Addr().String()}},
	}))
	jar := "http://jar.localhost:" + port
	s := start(t, map[string]string{"ADDR": own, "PUBLIC_URL": jar, "GATE_HOSTS": "app.localhost"})
	p := browsertest.Open(t)
	p.MakeAccount(s.join, "ada", good)
	p.SignOut()

	p.Open("http://app.localhost:" + port + "/a/%2e?b=c%20d&&e#L10")
	p.Sees("Sign in")
	if got := browsertest.Value[string](p, `document.querySelector(".head b").textContent`); got != "app.localhost:"+port {
		t.Errorf("the form says that one goes on to %q", got)
	}
	p.Submit("ada", good)
	p.Sees("An open door")
	if got, err := url.Parse(browsertest.Value[string](p, `location.href`)); err != nil || got.RawQuery != "b=c%20d&&e&as=ada" || got.Fragment != "L10" {
		t.Errorf("it ended at %s, %v", got, err)
	}
	p.Open(jar + "/account")
	p.Sees("Your account")
	p.SignOut()
	p.Open("http://app.localhost:" + port + "/a?b")
	p.Sees("Sign in") // for the app's host too
	p.Quiet()
}
