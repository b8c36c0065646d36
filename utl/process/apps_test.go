package process

import (
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	chromium "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"glassjar/utl/browsertest"
	"glassjar/utl/proxytest"
	"glassjar/utl/recipe"
)

// unguarded are replacements that remove from nginx's file what protects the gate: then the
// client's headers reach the gate, and clients can ask it themselves.
var unguarded = []string{"\t\tinternal;\n", "", "\t\tproxy_pass_request_headers off; # the gate reads these alone\n", ""}

// stripLines matches the lines of nginx's file that replace the client's Remote-User and the
// like.
var stripLines = regexp.MustCompile(`(?m)^\tproxy_set_header Remote.*\n`)

// front is nginx in front of glassjar and an app, with a file that the test modifies, and an
// owner, ada, in the group dev, who is signed in in the browser.
type front struct {
	*browsertest.Page

	t         *testing.T
	addr      string
	jar, wiki string // public URLs
	app       *httptest.Server
	glassjar  *program
	stop      func()
}

func newFront(t *testing.T) *front {
	t.Helper()
	own := proxytest.Free(t)
	f := &front{t: t, addr: proxytest.Free(t), app: newEcho(t)}
	_, port, _ := net.SplitHostPort(f.addr)
	f.jar, f.wiki = "http://jar.localhost:"+port, "http://wiki.localhost:"+port
	public, err := url.Parse(f.jar)
	if err != nil {
		t.Fatal(err)
	}
	var signIn strings.Builder // only glassjar, before there is an app
	if err := recipe.Write(&signIn, "nginx", recipe.Site{PublicURL: public, Address: own, Listen: f.addr}); err != nil {
		t.Fatal(err)
	}
	f.runs(signIn.String())
	f.glassjar = start(t, t.TempDir(), "ADDR="+own, "PUBLIC_URL="+f.jar)
	f.Page = browsertest.Open(t)
	f.MakeAccount(f.jar+f.glassjar.firstLink(), "ada", good)
	f.glassjar.must("", "user", "group", "ada", "dev")
	return f
}

// newEcho starts an app whose pages show the request, its user and its headers.
func newEcho(t *testing.T) *httptest.Server {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<!doctype html><link rel=icon href=data:,><title>Wiki</title><h1>%s for %s</h1><pre>%s</pre>",
			html.EscapeString(r.RequestURI), html.EscapeString(r.Header.Get("Remote-User")), html.EscapeString(fmt.Sprint(r.Header)))
	}))
	t.Cleanup(app.Close)
	return app
}

// runs restarts nginx with the text as its file, only on loopback.
func (f *front) runs(text string) {
	f.t.Helper()
	if f.stop != nil {
		f.stop()
	}
	_, port, _ := net.SplitHostPort(f.addr)
	f.stop = proxytest.Nginx.Run(f.t, strings.ReplaceAll(text, "listen *:"+port, "listen "+f.addr), f.addr)
}

// addsWiki adds the app, and returns its page.
func (f *front) addsWiki() (at string) {
	f.t.Helper()
	f.Open(f.jar + "/apps/new")
	for id, text := range map[string]string{"name": "Wiki", "host": strings.TrimPrefix(f.wiki, "http://"), "upstream": f.app.Listener.Addr().String(), "groups": "dev"} {
		f.Fill(id, text)
	}
	f.Press("Add it")
	f.Sees("Wiki")
	return f.jar + f.Path()
}

// shows opens the app's first page, and waits for this heading, of the app or of the gate's
// page.
func (f *front) shows(heading string) {
	f.t.Helper()
	f.Open(f.wiki + "/")
	f.Sees(heading)
}

// tests presses the button that tests the app, and waits until the selector reads the text.
func (f *front) tests(button, selector, text string) {
	f.t.Helper()
	f.Press(button)
	f.Sees("Test of Wiki") // the page reloads itself until then
	f.Reads(selector, text)
}

// From nothing to a protected app in the browser: an owner adds the app, downloads the
// file that its page offers, and runs nginx with it. The app opens after a sign-in, only
// for people of its groups. The test of the app finds no hole, and finds one once the
// file has one. When the app is removed, its host's cookie is refused.
func TestAppFromNothing(t *testing.T) {
	t.Parallel()
	f := newFront(t)
	at := f.addsWiki()
	text := downloaded(t, f.glassjar, f.Page)
	f.runs(text)

	f.SignOut()
	f.Open(f.wiki + "/some/page?a=b")
	f.Sees("Sign in")
	f.Submit("ada", good)
	f.Sees("/some/page?a=b for ada")

	allowed(f.Page, at, "ops")
	f.shows("Not for ada")
	allowed(f.Page, at, "dev")
	f.shows("/ for ada")

	f.Open(at)
	f.tests("Test it", "main > .row .state", "68 pass")
	f.runs(stripLines.ReplaceAllString(text, ""))
	f.tests("Test again", "main .state.bad b", "4 FAIL FAIL: Remote-User and the like, forged, signed in FAIL: REMOTE-User and the like, forged, signed in "+
		"FAIL: RemoteUser and the like, forged, signed in FAIL: Remote-User, forged and named in Connection, signed in")
	f.runs(strings.NewReplacer(unguarded...).Replace(text))
	f.tests("Test again", "main .state.bad b", "1 FAIL FAIL: the gate itself, /gate/check")

	f.runs(text)
	f.shows("/ for ada")
	f.Open(at)
	f.Press("Remove the app")
	f.Sees("Apps")
	f.shows("Host not listed")
}

// allowed limits the app to people of the group, on its page.
func allowed(p *browsertest.Page, at, group string) {
	p.Open(at)
	p.Fill("groups", group)
	p.Press("Save")
}

// downloaded presses Download on the app's page and returns the downloaded file, which
// must be what the page shows.
func downloaded(t *testing.T, s *program, p *browsertest.Page) string {
	t.Helper()
	dir := t.TempDir()
	if _, err := chromedp.Call(p.Ctx, chromium.SetDownloadBehavior, chromium.SetDownloadBehaviorParams{
		Behavior: chromium.SetDownloadBehaviorBehaviorAllow, DownloadPath: dir,
	}); err != nil {
		t.Fatal(err)
	}
	p.Do(chromedp.Click(chromedp.CSS("a[download][href$='/nginx']")))
	text := ""
	s.eventually("the file is there", func() bool {
		files, _ := filepath.Glob(filepath.Join(dir, "nginx*")) // the pattern is valid
		for _, file := range files {
			if whole, err := os.ReadFile(file); err == nil && !strings.HasSuffix(file, ".crdownload") {
				text = string(whole)
			}
		}
		return text != ""
	})
	if shown := browsertest.Value[string](p, `document.querySelector("pre.recipe").textContent`); text != shown {
		t.Fatalf("the file is\n%s\nand the page shows\n%s", text, shown)
	}
	return text
}
