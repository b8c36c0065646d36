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

// unguarded takes out of nginx's file what keeps the gate's question to nginx alone: the
// client's headers reach the gate, and clients ask it themselves.
var unguarded = []string{"\t\tinternal;\n", "", "\t\tproxy_pass_request_headers off; # the gate reads these alone\n", ""}

// stripLines are the lines of nginx's file that keep Remote-User and the like of the
// client from the app.
var stripLines = regexp.MustCompile(`(?m)^\tproxy_set_header Remote.*\n`)

// front is nginx in front of glassjar and of an app.
type front struct {
	t    *testing.T
	addr string
	stop func()
}

// runs has nginx run by the text from now on, on loopback alone.
func (f *front) runs(text string) {
	f.t.Helper()
	if f.stop != nil {
		f.stop()
	}
	_, port, _ := net.SplitHostPort(f.addr)
	f.stop = proxytest.Nginx.Run(f.t, strings.ReplaceAll(text, "listen *:"+port, "listen "+f.addr), f.addr)
}

// From nothing to a protected app in the browser: an owner adds the app, saves the file
// that its page offers, and nginx runs by it. The app opens after a sign-in, for people
// of its groups alone; the test of the app finds nothing, and a hole once the file has
// one; without the app its host's cookie opens nothing.
func TestAppFromNothing(t *testing.T) {
	t.Parallel()
	addr, own := proxytest.Free(t), proxytest.Free(t)
	f := &front{t: t, addr: addr}
	_, port, _ := net.SplitHostPort(addr)
	jar, wiki := "http://jar.localhost:"+port, "http://wiki.localhost:"+port
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "<!doctype html><link rel=icon href=data:,><title>Wiki</title><h1>%s for %s</h1><pre>%s</pre>",
			html.EscapeString(r.RequestURI), html.EscapeString(r.Header.Get("Remote-User")), html.EscapeString(fmt.Sprint(r.Header)))
	}))
	t.Cleanup(app.Close)
	public, err := url.Parse(jar)
	if err != nil {
		t.Fatal(err)
	}
	var signIn strings.Builder // glassjar alone, as it is before there is an app
	if err := recipe.Write(&signIn, "nginx", recipe.Site{PublicURL: public, Address: own, Listen: addr}); err != nil {
		t.Fatal(err)
	}
	f.runs(signIn.String())
	s := start(t, t.TempDir(), "ADDR="+own, "PUBLIC_URL="+jar)
	p := browsertest.Open(t)
	p.MakeAccount(jar+s.firstLink(), "ada", good)
	s.must("", "user", "group", "ada", "dev")

	p.Open(jar + "/apps/new")
	for id, text := range map[string]string{"name": "Wiki", "host": "wiki.localhost:" + port, "upstream": app.Listener.Addr().String(), "groups": "dev"} {
		p.Fill(id, text)
	}
	p.Press("Add it")
	p.Sees("Wiki")
	at := jar + p.Path()
	text := downloaded(t, s, p)
	f.runs(text)

	p.SignOut()
	p.Open(wiki + "/some/page?a=b")
	p.Sees("Sign in")
	p.Submit("ada", good)
	p.Sees("/some/page?a=b for ada")

	allowed(p, at, "ops")
	p.Open(wiki + "/")
	p.Sees("Not for ada")
	allowed(p, at, "dev")
	p.Open(wiki + "/")
	p.Sees("/ for ada")

	p.Open(at)
	p.Press("Test it")
	p.Sees("Test of Wiki") // the page loads itself again until then
	p.Reads("main > .row .state", "68 pass")

	f.runs(stripLines.ReplaceAllString(text, ""))
	p.Press("Test again")
	p.Sees("Test of Wiki")
	p.Reads("main .state.bad b", "4 FAIL FAIL: Remote-User and the like, forged, signed in FAIL: REMOTE-User and the like, forged, signed in "+
		"FAIL: RemoteUser and the like, forged, signed in FAIL: Remote-User, forged and named in Connection, signed in")

	f.runs(strings.NewReplacer(unguarded...).Replace(text))
	p.Press("Test again")
	p.Sees("Test of Wiki")
	p.Reads("main .state.bad b", "1 FAIL FAIL: the gate itself, /gate/check")

	f.runs(text)
	p.Open(wiki + "/")
	p.Sees("/ for ada")
	p.Open(at)
	p.Press("Remove the app")
	p.Sees("Apps")
	p.Open(wiki + "/")
	p.Sees("Host not listed")
}

// allowed has the app's page let people of the group alone open it.
func allowed(p *browsertest.Page, at, group string) {
	p.Open(at)
	p.Fill("groups", group)
	p.Press("Save")
}

// downloaded presses Download on the app's page and returns the file that comes, which
// is what the page shows.
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
		files, _ := filepath.Glob(filepath.Join(dir, "nginx*")) // the pattern is right
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
