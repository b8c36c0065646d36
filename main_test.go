package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
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
	if !hasChromium() {
		if os.Getenv("CI") == "true" {
			t.Fatal("chromium is missing")
		}
		t.Skip("chromium is missing: the browser test did not run")
	}
	options = append(append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox), options...)
	alloc, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
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
	return p
}

func hasChromium() bool {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome", "headless-shell"} {
			if info, err := os.Stat(filepath.Join(dir, name)); err == nil && !info.IsDir() {
				return true
			}
		}
	}
	return false
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

// path returns the path of the page's address.
func (p *page) path() string {
	p.t.Helper()
	got, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`location.pathname`))
	if err != nil {
		p.t.Fatal(err)
	}
	return got
}

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
	p.do(chromedp.Navigate(s.join))
	p.sees("Make your account")
	p.do(chromedp.SendKeys(chromedp.ID("username"), "ada"),
		chromedp.SendKeys(chromedp.ID("password"), good),
		chromedp.Submit(chromedp.ID("password")))
	p.sees("Hello, ada")
}

func TestMainJobInABrowser(t *testing.T) {
	pages := t.TempDir()
	writeFile(t, filepath.Join(pages, "notes.html"), "<!doctype html><link rel=icon href=data:,><title>Notes</title><h1>Our notes</h1>")
	s := start(t, map[string]string{"PAGES_DIR": pages})
	p := openBrowser(t)

	p.owner(s)
	p.do(chromedp.Click(chromedp.CSS(".who button")))
	p.sees("Sign in")

	p.do(chromedp.Navigate(s.url + "/pages/notes.html"))
	p.sees("Sign in")
	p.keys(kb.Tab, kb.Tab, "ada", kb.Tab, good, kb.Enter) // past the skip link
	p.sees("Our notes")
	if got := p.path(); got != "/pages/notes.html" {
		t.Errorf("signing in led to %s, want /pages/notes.html", got)
	}

	p.do(chromedp.Navigate(s.url + "/"))
	p.sees("Hello, ada")
	p.do(chromedp.Click(chromedp.CSS(".who button")))
	p.sees("Sign in")
	p.do(chromedp.NavigateBack())
	p.sees("Sign in") // ATTACKS G: Back after sign-out
	p.quiet()
}

var pictures = flag.Bool("pictures", false, "write the pages' pictures to handlers/testdata/pictures/")

// TestPages looks at every page in both schemes, on a phone and on a desk: no
// page may scroll sideways at 320 px.
func TestPages(t *testing.T) {
	folder, err := filepath.Abs("handlers/testdata/pictures")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, map[string]string{"PAGES_DIR": t.TempDir()})
	p := openBrowser(t)
	look := func(name string) {
		t.Helper()
		for _, scheme := range []string{"light", "dark"} {
			for _, width := range []int64{320, 390, 1280} {
				shot := p.picture(width, scheme)
				if *pictures && width != 320 {
					writeFile(t, filepath.Join(folder, fmt.Sprintf("%s-%s-%d.png", name, scheme, width)), string(shot))
				}
			}
		}
	}
	visit := func(name, path, heading string) {
		t.Helper()
		p.do(chromedp.Navigate(s.url + path))
		p.sees(heading)
		look(name)
	}

	visit("join", strings.TrimPrefix(s.join, s.url), "Make your account")
	p.owner(s)
	look("home")
	visit("account", "/account", "Your account")
	visit("sign-out", "/logout", "Sign out")
	p.do(chromedp.Click(chromedp.CSS("main button")))
	p.sees("Sign in")
	visit("not-found", "/nowhere", "Not found")
	visit("sign-in", "/?next=/pages/", "Sign in")
	p.do(chromedp.SendKeys(chromedp.ID("username"), "ada"),
		chromedp.SendKeys(chromedp.ID("password"), "not this one"),
		chromedp.Submit(chromedp.ID("password")), chromedp.WaitVisible(chromedp.ID("problem")))
	look("sign-in-error")

	visit("lab", "/lab", "See how a sign-in works")
	visit("lab-request", "/lab/request?username=ada&sub1=cookies", "Your request, taken apart")
	visit("lab-session", "/lab/session", "A session like a dictionary")
	visit("lab-cookie", "/lab/cookie", "A signed cookie, taken apart")
	p.press("Make me admin")
	look("lab-cookie-refused")
	p.do(chromedp.Navigate(s.url + "/lab/key"))
	p.press("Show the lab's key")
	p.press("Sign it with the key")
	look("lab-key-signed")
	p.press("Change one letter of it")
	look("lab-key-refused")
}

// press clicks the button of the label, and waits for the page that comes.
func (p *page) press(label string) {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`document.documentElement.id = "old"`),
		chromedp.Click(chromedp.Search(fmt.Sprintf(`//main//button[normalize-space()=%q]`, label))),
		chromedp.WaitVisible(chromedp.CSS(`html:not(#old) .foot`)))
}

// picture returns the whole page as a PNG at the width and in the scheme, and
// fails the test when it is wider than that.
func (p *page) picture(width int64, scheme string) []byte {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.do(chromedp.EmulateViewport(width, 800))
	wide, err := chromedp.Run(p.ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
	if err != nil || wide > width {
		p.t.Errorf("%s is %d px wide at %d px (%v)", p.path(), wide, width, err)
	}
	shot, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	return shot
}

func writeFile(t testing.TB, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
