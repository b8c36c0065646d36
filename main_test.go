package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"glassjar/handlers"
	"glassjar/utl/anatomy"
	"glassjar/utl/gate"
	"glassjar/utl/recipe"
)

// good is a password that keeps the policy.
const good = "a jar of oat cookies"

// server is the real program, serving in a temporary folder.
type server struct {
	url  string
	join string // the first owner's link
	stop func() // as SIGTERM does; waits for the end
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

// On one core, pages are answered while a password is hashed.
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

// page is a browser's tab.
type page struct {
	t        testing.TB
	ctx      context.Context
	mu       sync.Mutex
	problems []string // what the console showed
}

// openBrowser starts Chromium, or skips the test where there is none; CI must
// have it.
func openBrowser(t testing.TB, options ...chromedp.ExecAllocatorOption) *page {
	t.Helper()
	if !slices.ContainsFunc([]string{"chromium", "chromium-browser", "google-chrome", "chrome", "headless-shell"},
		func(name string) bool { _, err := exec.LookPath(name); return err == nil }) {
		missing(t, "chromium")
	}
	options = append(append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox), options...)
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	p := &page{t: t, ctx: ctx}
	console := chromedp.Console(ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.problems = append(p.problems, fmt.Sprintf("%s: %s", m.Type, m.Text))
			p.mu.Unlock()
		}
	}()
	p.focused()
	return p
}

// focused has the page take itself for the one that a person looks at: without,
// newer Chromiums match no :focus in it.
func (p *page) focused() {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}); err != nil {
		p.t.Fatal(err)
	}
}

// missing skips the test for want of a tool; CI must have it.
func missing(t testing.TB, tool string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing", tool)
	}
	t.Skipf("%s is missing (make test gets it): the test did not run", tool)
}

// do runs the steps, and fails the test where one does.
func (p *page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// sees waits until the page's heading is this. A poll that a navigation breaks
// off is begun again on the new page.
func (p *page) sees(heading string) {
	p.t.Helper()
	ready := fmt.Sprintf(`document.readyState === "complete" && document.querySelector("h1")?.textContent === %q`, heading)
	ctx, cancel := context.WithTimeout(p.ctx, 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if _, err := chromedp.Run(ctx, chromedp.Poll[bool](ready)); err == nil {
			return
		}
	}
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
	p.t.Fatalf("the heading %q did not appear; the page says (%v):\n%s", heading, err, text)
}

// keys types into what has the focus.
func (p *page) keys(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		p.do(chromedp.KeyEvent(k))
	}
}

// press clicks the link or the button that says this, and waits for the page
// that comes.
func (p *page) press(label string) {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`document.documentElement.id = "old"`),
		chromedp.Click(chromedp.Search(fmt.Sprintf(`//main//*[self::a or self::button][normalize-space()=%q]`, label))),
		chromedp.WaitVisible(chromedp.CSS(`html:not(#old) .foot`)))
}

// reads fails the test unless the elements of the selector say this.
func (p *page) reads(selector, want string) {
	p.t.Helper()
	if got := value[string](p, fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.textContent).join(" ")`, selector)); got != want {
		p.t.Errorf("%s: %s reads %q, want %q", p.path(), selector, got, want)
	}
}

// value returns what the expression has for its value in the page.
func value[T any](p *page, expression string) T {
	p.t.Helper()
	return again(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// open goes to the address.
func (p *page) open(address string) {
	p.t.Helper()
	again(p, chromedp.Navigate(address))
}

// again runs an action that may be run twice, and does so when Chromium does
// not answer in time: once, on a busy machine, a step of TestPages never came
// back. Why is not known.
func again[T any](p *page, action chromedp.Action[T]) (got T) {
	p.t.Helper()
	err := context.DeadlineExceeded
	for try := 0; try < 4 && errors.Is(err, context.DeadlineExceeded); try++ {
		ctx, cancel := context.WithTimeout(p.ctx, 30*time.Second)
		got, err = chromedp.Run(ctx, action)
		cancel()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

// path returns the path of the page's address.
func (p *page) path() string { return value[string](p, `location.pathname`) }

func (p *page) quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.problems) > 0 {
		p.t.Errorf("the browser's console shows %q", p.problems)
	}
}

// owner makes the owner's account ada through the printed link.
func (p *page) owner(s server) {
	p.t.Helper()
	p.open(s.join)
	p.sees("Make your account")
	p.do(chromedp.SendKeys(chromedp.ID("username"), "ada"),
		chromedp.SendKeys(chromedp.ID("password"), good),
		chromedp.Submit(chromedp.ID("password")))
	p.sees("Hello, ada")
}

func TestMainJobInABrowser(t *testing.T) {
	pages := t.TempDir()
	notes := "<!doctype html><link rel=icon href=data:,><title>Notes</title><h1>Our notes</h1>"
	if err := os.WriteFile(filepath.Join(pages, "notes.html"), []byte(notes), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, map[string]string{"PAGES_DIR": pages, "LAB": "off"})
	p := openBrowser(t)

	p.owner(s)
	p.do(chromedp.Click(chromedp.CSS(".who button")))
	p.sees("Sign in")

	p.open(s.url + "/pages/notes.html")
	p.sees("Sign in")
	p.keys(kb.Tab, kb.Tab, "ada", kb.Tab, good, kb.Enter) // past the skip link
	p.sees("Our notes")
	if got := p.path(); got != "/pages/notes.html" {
		t.Errorf("signing in led to %s, want /pages/notes.html", got)
	}

	p.open(s.url + "/")
	p.sees("Hello, ada")
	p.do(chromedp.Click(chromedp.CSS(".who button")))
	p.sees("Sign in")
	p.do(chromedp.NavigateBack())
	p.sees("Sign in") // Attack browser/back: Back after sign-out
	p.quiet()
	p.open(s.url + "/lab")
	p.sees("Not found") // with LAB=off
}

// TestPlainHTTPInABrowser sends every form of the site over http, on a name that
// is not localhost: no secure context, so that the browser sends no Sec-Fetch
// headers, and its Origin only where the page's Referrer-Policy lets it.
func TestPlainHTTPInABrowser(t *testing.T) {
	at := free(t)
	_, port, _ := net.SplitHostPort(at)
	s := start(t, map[string]string{"ADDR": at, "PUBLIC_URL": "http://jar.example:" + port, "LAB": "on", "GATE_HOSTS": "app.example"})
	p := openBrowser(t, chromedp.Flag("host-resolver-rules", "MAP jar.example 127.0.0.1"))
	fill := func(id, text string) { t.Helper(); p.do(chromedp.SetValue(chromedp.ID(id), text)) }
	p.open(s.join)
	p.do(chromedp.Click(chromedp.CSS(".foot a")))
	p.sees("See how a sign-in works")
	if got, want := value[string](p, `document.referrer`), "http://jar.example:"+port+"/"; got != want {
		t.Errorf("the Referer after a link's page is %q, want %q", got, want) // Attack browser/link-codes: no link code in it
	}
	p.owner(s)
	p.do(chromedp.Click(chromedp.CSS(".who button")))
	p.sees("Sign in")
	other := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	signIn := url.Values{"username": {"ada"}, "password": {good}}
	if res, err := other.Do(formFor(t, "http://"+at+"/auth", "jar.example:"+port, signIn)); err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusSeeOther {
		t.Fatalf("the other browser: got %v, error %v", res, err)
	}
	fill("username", "ada")
	fill("password", good)
	p.press("Sign in")
	p.sees("Hello, ada")

	p.open(s.url + "/account")
	p.do(chromedp.Click(chromedp.CSS("li:not(:has(.tag)) button")), chromedp.WaitNotPresent(chromedp.CSS("li:not(:has(.tag)) button")))
	fill("name", "backup")
	fill("prove", good)
	p.press("Make an app password")
	p.press("Revoke")
	fill("current", good)
	fill("password", good+" and more")
	p.press("Change password")
	p.reads(".notice", "Your password is changed. You were signed out everywhere else.")
	p.open(s.url + "/logout")
	p.do(chromedp.Click(chromedp.CSS("main button")))
	p.sees("Sign in")
	var link strings.Builder
	if code := run(t.Context(), []string{"link", "reset", "ada"}, func(string) string { return "" }, &link, t.Output()); code != 0 {
		t.Fatal("no link")
	}
	_, code, _ := strings.Cut(link.String(), "/reset/")
	p.open(s.url + "/reset/" + strings.TrimSpace(code))
	fill("password", good)
	p.press("Set the password")
	p.sees("Hello, ada")

	p.open(s.url + "/lab/request")
	p.press("Send with POST")
	p.reads("#form + table td", "username ada sub1 cookies")
	p.open(s.url + "/lab/session")
	p.press("Clear")
	p.reads(".entries li div", "")
	p.open(s.url + "/lab/cookie")
	p.press("Make me admin")
	p.reads("#verdict h3", "Refused")
	p.open(s.url + "/lab/key")
	p.press("Show the lab's key")
	p.reads("h1", "The key is the secret") // the console is not quiet: it tells that COOP needs https
}

// formFor returns a POST of the form to the address, sent from a page of the
// host.
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

// TestLabInABrowser goes the way through the lab, with the mouse, and sees
// each sentence of the lesson happen.
func TestLabInABrowser(t *testing.T) {
	s := start(t, nil)
	p := openBrowser(t)
	p.owner(s)
	walk := func(steps ...[3]string) { // press this; there, that is to be read
		t.Helper()
		for _, step := range steps {
			if step[0] != "" {
				p.press(step[0])
			}
			p.reads(step[1], step[2])
		}
	}
	// The colour at the end of its transition.
	const lit = `(getComputedStyle(document.querySelector(".raw .p")).color,
		Promise.all(document.getAnimations().map(a => a.finished)).then(() => getComputedStyle(document.querySelector(".raw .p")).backgroundColor))`
	const args, form, invalid = "#args + table td", "#form + table td", "securecookie: the value is not valid"

	p.open(s.url + "/lab")
	walk([3]string{"A form arrives", "h1", "Your request, taken apart"},
		[3]string{"Send with GET", args, "username ada sub1 cookies"}, [3]string{"", form, ""})
	if got := value[string](p, `location.search`); got != "?username=ada&sub1=cookies" {
		t.Errorf("after GET the address ends in %q", got)
	}
	walk([3]string{"Send with POST", form, "username ada sub1 cookies"}, [3]string{"", args, ""})
	if got := value[string](p, `location.search`); got != "" {
		t.Errorf("after POST the address ends in %q", got)
	}
	walk([3]string{"Send without method", args, "username ada sub1 cookies"},
		[3]string{"", "#forgives", `""`}, [3]string{"", "#strict", "400 Bad Request: there is no colour"},
		[3]string{"Ask again with colour=green", "#strict", `"green"`},
		[3]string{"Next: the session", ".entries li div", "rolereader visits1"})

	p.do(chromedp.SendKeys(chromedp.ID("key"), "colour"), chromedp.SendKeys(chromedp.ID("value"), "green"))
	walk([3]string{"Add or change", "#said", "colour is now green."}, [3]string{"", ".entries li div", "colourgreen rolereader visits1"},
		[3]string{"Pop", "#said", "colour is gone. Its value was green."},
		[3]string{"Add 3,000 letters", "#problem h2", "There is a problem"}, [3]string{"", ".entries li div", "rolereader visits1"})
	p.open(s.url + "/lab/session")
	walk([3]string{"", ".entries li div", "rolereader visits2"}, [3]string{"Clear", ".entries li div", ""},
		[3]string{"Next: the cookie, taken apart", "h1", "A signed cookie, taken apart"})

	if p.do(chromedp.Focus(chromedp.CSS(".part.p"))); value[string](p, lit) == "rgba(0, 0, 0, 0)" {
		t.Error("a part has the focus, and its twin in the value does not light up")
	}
	walk([3]string{"Make me admin", "#verdict h3", "Refused"}, [3]string{"", "#verdict code", invalid},
		[3]string{"Make it a year old", "#verdict h3", "Refused"}, [3]string{"", "#verdict code", "securecookie: expired timestamp"},
		[3]string{"Swap its name", "#verdict h3", "Refused"}, [3]string{"", "#verdict code", invalid},
		[3]string{"Start over", "#verdict h3", "Accepted"}, [3]string{"", "#verdict code", ""})
	p.do(chromedp.SendKeys(chromedp.ID("value"), kb.Home+"A"))
	walk([3]string{"Ask the server", "#verdict h3", "Refused"}, [3]string{"Next: the key", "#lab-key", ""},
		[3]string{"Sign it with the key", "#lab-key", ""},
		[3]string{"Ask the server about it", "#verdict h3", "Accepted"}, [3]string{"", "#verdict code", ""},
		[3]string{"Next: the key", "#plain-payload", `{"role":"reader","visits":1}`})
	if got := value[string](p, `document.querySelector("#sealed-payload").textContent`); strings.Trim(got, "0123456789abcdef ") != "" {
		t.Errorf("the encrypted payload reads %q", got)
	}
	walk([3]string{"Change one letter of it", "#verdict h3", "Refused"}, [3]string{"", "#verdict code", invalid})
	p.forges(s)
	p.quiet()

	if code := run(t.Context(), []string{"keys", "rotate"}, func(string) string { return "" }, t.Output(), t.Output()); code != 0 {
		t.Fatal("rotating the keys failed")
	}
	for deadline := time.Now().Add(20 * time.Second); value[bool](p, `!document.querySelector(".notice")`); { // the lab's key changes too
		if p.open(s.url + "/lab/cookie"); time.Now().After(deadline) {
			t.Fatal("the lab takes what an old key signed")
		}
	}
}

// forges fails the test if the lab signs ada's own session anew and the site
// takes it, or if the lab takes ada's session cookie.
func (p *page) forges(s server) {
	p.t.Helper()
	all, err := chromedp.Call(p.ctx, network.GetCookies, network.GetCookiesParams{})
	if err != nil {
		p.t.Fatal(err)
	}
	i := slices.IndexFunc(all.Cookies, func(c *network.Cookie) bool { return c.Name == "glassjar" })
	session, err := anatomy.Parse("glassjar", all.Cookies[i].Value)
	says, err2 := session.JSON()
	if err := errors.Join(err, err2); err != nil {
		p.t.Fatal(err)
	}
	p.do(chromedp.SetValue(chromedp.ID("name"), "glassjar"), chromedp.SetValue(chromedp.ID("payload"), says))
	p.press("Sign it with the key")
	forged := network.SetCookieParams{Name: "glassjar", Value: value[string](p, `document.querySelector("#signed").textContent`), URL: s.url}
	p.press("Ask the server about it")
	p.reads("#verdict h3", "Accepted")
	p.do(chromedp.SetValue(chromedp.ID("value"), session.Value))
	p.press("Ask the server")
	p.reads("#verdict h3", "Refused")
	p.open(s.url + "/account")
	p.sees("Your account")
	if _, err := chromedp.Call(p.ctx, network.SetCookie, forged); err != nil {
		p.t.Fatal(err)
	}
	p.open(s.url + "/account")
	p.sees("Sign in")
}

var pictures = flag.Bool("pictures", false, "write the pages' pictures to .pictures/")

// TestPages looks at every page in both schemes, on a phone and on a desk: no
// page may scroll sideways at 320 px, and axe-core finds nothing wrong.
func TestPages(t *testing.T) {
	axe := axeCore(t)
	folder, err := filepath.Abs(".pictures")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, map[string]string{"PAGES_DIR": t.TempDir(), "GATE_HOSTS": "*.apps.localhost,localhost"})
	p := openBrowser(t)
	seen := newSeen()
	look := func(name string) {
		t.Helper()
		seen.look(p.path())
		for _, scheme := range []string{"light", "dark"} {
			p.scheme(scheme)
			for _, width := range []int64{320, 390, 1280} {
				p.fits(width)
				if *pictures && width != 320 {
					p.picture(filepath.Join(folder, fmt.Sprintf("%s-%s-%d.png", name, scheme, width)))
				}
			}
			if scheme == "light" || name != "gate-denied" { // which has no sheet: axe takes it for white
				p.judge(axe)
			}
		}
	}
	visit := func(name, path, heading string) {
		t.Helper()
		p.open(s.url + path)
		p.sees(heading)
		look(name)
	}

	visit("join", strings.TrimPrefix(s.join, s.url), "Make your account")
	p.owner(s)
	look("home")
	visit("account-events", "/account/events", "What happened")
	visit("account", "/account", "Your account")
	p.do(chromedp.SendKeys(chromedp.ID("name"), "backup"), chromedp.SendKeys(chromedp.ID("prove"), good),
		chromedp.Submit(chromedp.ID("prove")), chromedp.WaitVisible(chromedp.ID("secret")))
	look("app-password")
	p.denied(s)
	look("gate-denied")
	p.tells(nil)
	visit("sign-out", "/logout", "Sign out")
	p.do(chromedp.Click(chromedp.CSS("main button")))
	p.sees("Sign in")
	visit("not-found", "/nowhere", "Not found")
	visit("sign-in", "/?next=/pages/", "Sign in")
	p.do(chromedp.SendKeys(chromedp.ID("username"), "ada"),
		chromedp.SendKeys(chromedp.ID("password"), "not this one"),
		chromedp.Submit(chromedp.ID("password")), chromedp.WaitVisible(chromedp.ID("problem")))
	look("sign-in-error")

	var link, complaints strings.Builder
	if code := run(t.Context(), []string{"link", "reset", "ada"}, func(string) string { return "" }, &link, &complaints); code != 0 {
		t.Fatal(complaints.String())
	}
	_, code, _ := strings.Cut(link.String(), "/reset/")
	visit("reset", "/reset/"+strings.TrimSpace(code), "Set a new password")

	visit("lab", "/lab", "See how a sign-in works")
	visit("lab-request", "/lab/request?username=ada&sub1=cookies", "Your request, taken apart")
	visit("lab-session", "/lab/session", "A session like a dictionary")
	visit("lab-cookie", "/lab/cookie", "A signed cookie, taken apart")
	p.press("Make me admin")
	look("lab-cookie-refused")
	p.open(s.url + "/lab/key")
	p.press("Show the lab's key")
	p.press("Sign it with the key")
	look("lab-key-signed")
	p.press("Change one letter of it")
	look("lab-key-refused")
	visit("lab-wire", "/lab/wire", "What a listener sees")
	p.press("Send it both ways")
	look("lab-wire-sent")
	seen.all(t)
}

// notPages are the routes that show a person no page of ours.
var notPages = []string{
	"GET /static/{name}", "GET /pages/{path...}", "GET /healthz", "GET /readyz", "GET /.well-known/change-password", "GET /.well-known/jwks.json",
	"GET /gate/check", "GET /gate/callback", "GET /api/authz/auth-request", "GET /api/authz/forward-auth",
	"GET /auth", // the same form as /
}

// seen notes which routes' pages were looked at.
type seen struct {
	mux    *http.ServeMux
	routes []string
	looked map[string]bool
}

func newSeen() seen {
	s := seen{http.NewServeMux(), handlers.Routes(handlers.Config{Pages: new(os.Root), Lab: new(anatomy.Lab), Gate: new(gate.Gate)}), map[string]bool{}}
	for _, pattern := range s.routes {
		s.mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
	}
	return s
}

// look notes the page at the path.
func (s seen) look(path string) {
	_, pattern := s.mux.Handler(httptest.NewRequest(http.MethodGet, path, http.NoBody))
	s.looked[pattern] = true
}

// all fails the test for every page that nobody looked at.
func (s seen) all(t *testing.T) {
	t.Helper()
	for _, pattern := range s.routes {
		if strings.HasPrefix(pattern, "GET ") && !s.looked[pattern] && !slices.Contains(notPages, pattern) {
			t.Errorf("nobody looked at %s: visit it in TestPages, or name it in notPages (main_test.go)", pattern)
		}
	}
}

// denied opens the page that the gate shows to somebody in no group.
func (p *page) denied(s server) {
	p.t.Helper()
	p.tells(network.Headers{
		"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http", "X-Forwarded-Host": strings.TrimPrefix(s.url, "http://"), "X-Forwarded-Uri": "/a",
	})
	p.open(s.url + "/gate/forward?group=dev")
	p.sees("Not for ada")
}

// tells makes the browser send the headers from now on.
func (p *page) tells(header network.Headers) {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: header}); err != nil {
		p.t.Fatal(err)
	}
}

// scheme makes the page light or dark, at once.
func (p *page) scheme(name string) {
	p.t.Helper()
	want := []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}, {Name: "prefers-reduced-motion", Value: "reduce"}}
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: want})
	if err != nil {
		p.t.Fatal(err)
	}
}

// fits makes the window this wide, and fails the test when the page is wider.
func (p *page) fits(width int64) {
	p.t.Helper()
	again(p, chromedp.EmulateViewport(width, 800))
	if wide := value[int64](p, `document.documentElement.scrollWidth`); wide > width {
		p.t.Errorf("%s is %d px wide at %d px", p.path(), wide, width)
	}
}

// picture writes the whole page to the file, as a PNG.
func (p *page) picture(file string) {
	p.t.Helper()
	shot, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err := errors.Join(err, os.WriteFile(file, shot, 0o644)); err != nil {
		p.t.Fatal(err)
	}
}

// axeCore returns axe-core's script, which .ci/tools fetches, or "".
func axeCore(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob(".tools/axe-core-*.min.js") // the pattern is right
	script, err := os.ReadFile(strings.Join(found, ""))
	if err != nil {
		t.Run("axe-core", func(t *testing.T) { missing(t, "axe-core") })
	}
	return string(script)
}

// judge fails the test for everything that axe-core finds wrong with the page.
func (p *page) judge(axe string) {
	p.t.Helper()
	if axe == "" {
		return
	}
	again(p, chromedp.Evaluate[chromedp.Void](axe+";0"))
	const run = `axe.run().then(r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html + "\n" + n.failureSummary)))`
	for _, wrong := range value[[]string](p, run) {
		p.t.Errorf("%s: %s", p.path(), wrong)
	}
}

// free returns an address on loopback where nobody listens.
func free(t *testing.T) string {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// nginx runs its recipe until the test ends, with the hosts below localhost, in
// front of glassjar and the app at these addresses.
func nginx(t *testing.T, at, glassjar, app string) {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin") // where Debian has it
	if _, err := exec.LookPath("nginx"); err != nil {
		missing(t, "nginx")
	}
	dir := t.TempDir()
	var conf strings.Builder
	conf.WriteString(strings.ReplaceAll("events {} pid DIR/pid; http { access_log off; client_body_temp_path DIR/b; proxy_temp_path DIR/p; "+
		"fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;\n", "DIR", dir))
	err := recipe.Write(&conf, "nginx", recipe.Site{
		PublicURL: &url.URL{Scheme: "http", Host: "jar.localhost"}, Address: glassjar, Listen: at,
		Apps: []recipe.App{{Host: "app.localhost", Address: app}},
	})
	if err != nil {
		t.Fatal(err)
	}
	conf.WriteString("}\n")
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(conf.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	cmd := exec.CommandContext(ctx, "nginx", "-e", "stderr", "-p", dir, "-c", "nginx.conf", "-g", "daemon off; master_process off; error_log stderr;")
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() }) // it was killed
	for deadline := time.Now().Add(20 * time.Second); ; {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", at)
		if err == nil {
			_ = c.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nginx does not listen: %v", err)
		}
	}
}

// After the sign-in form the browser goes on to the app, through nginx, and to
// where the app redirects it: no form-action of ours stands in the way.
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
	at, own := free(t), free(t)
	nginx(t, at, own, app.Listener.Addr().String())
	_, port, _ := net.SplitHostPort(at)
	jar := "http://jar.localhost:" + port
	s := start(t, map[string]string{"ADDR": own, "PUBLIC_URL": jar, "GATE_HOSTS": "app.localhost"})
	p := openBrowser(t)
	p.owner(s)
	p.do(chromedp.Click(chromedp.CSS(".who button")))
	p.sees("Sign in")

	p.open("http://app.localhost:" + port + "/a/%2e?b=c%20d&&e#L10")
	p.sees("Sign in")
	if got := value[string](p, `document.querySelector(".head b").textContent`); got != "app.localhost:"+port {
		t.Errorf("the form says that one goes on to %q", got)
	}
	p.do(chromedp.SendKeys(chromedp.ID("username"), "ada"), chromedp.SendKeys(chromedp.ID("password"), good), chromedp.Submit(chromedp.ID("password")))
	p.sees("An open door")
	if got, err := url.Parse(value[string](p, `location.href`)); err != nil || got.RawQuery != "b=c%20d&&e&as=ada" || got.Fragment != "L10" {
		t.Errorf("it ended at %s, %v", got, err)
	}
	p.open(jar + "/account")
	p.sees("Your account")
	p.do(chromedp.Click(chromedp.CSS(".who button")))
	p.sees("Sign in")
	p.open("http://app.localhost:" + port + "/a?b")
	p.sees("Sign in") // for the app's host too
	p.quiet()
}
