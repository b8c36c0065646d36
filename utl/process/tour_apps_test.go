package process

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"glassjar/utl/browsertest"
	"glassjar/utl/proxytest"
	"glassjar/utl/recipe"
)

// apps visits an owner's pages about apps.
func (p tour) apps() {
	p.visit("apps-none", "/apps", "Apps")
	p.visit("app-new", "/apps/new", "Add an app")
	p.Fill("name", "The wiki")
	p.Fill("host", "wiki.site.example")
	p.Fill("groups", "dev ops")
	p.Press("Add it")
	p.look("app")
	p.visit("home-apps-none", "/", "Hello, ada")
	for i, name := range []string{"Photos", "files, and a name that is far too long for one line of a phone", "Calendar", "Tickets", "Éire"} { // the server reads them within half a second
		p.s.must("", "app", "add", fmt.Sprintf("a%d.example", i), "--name", name)
	}
	p.Open(p.s.url + "/apps")
	p.Press("The wiki")
	p.Fill("ask-url", "https://wiki.site.example/")
	p.Fill("ask-as", "bob")
	p.Press("Ask")
	p.look("app-explained")
	p.visit("apps", "/apps", "Apps")
	p.visit("home-apps", "/", "Hello, ada")
	p.appTest()
}

// appTest visits an owner's pages of the test of an app: before, during and after it.
func (p tour) appTest() {
	goOn, asked := make(chan struct{}), atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 20 { // so late that the page shows some findings
			<-goOn
		}
		switch {
		case r.Header.Get("Remote~user") != "": // makes a hole
		case r.Method == http.MethodPost: // makes an unclear result
			w.WriteHeader(http.StatusNotFound)
		default:
			http.Redirect(w, r, p.s.url+"/?next="+url.QueryEscape("http://"+r.Host+r.RequestURI), http.StatusFound)
		}
	}))
	p.t.Cleanup(server.Close)
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
	p.s.must("", "app", "add", "*.tested.localhost", "--name", "Many")
	p.s.must("", "app", "add", "app.localhost:"+port, "--name", "Tested")
	for _, name := range []string{"Many", "Tested"} {
		p.Open(p.s.url + "/apps")
		p.Press(name)
		p.Sees(name)
		p.Open(p.s.url + p.Path() + "/test")
		p.Sees("Test of " + name)
		p.look("app-test-none-" + strings.ToLower(name))
	}
	p.Press("Test it")
	p.Sees("Testing Tested")
	p.s.eventually("the 20th attack waits", func() bool { return asked.Load() == 20 })
	p.Open(p.s.url + p.Path())
	p.Do(chromedp.Evaluate[chromedp.Void](`window.stop()`)) // stops the page from reloading itself
	p.look("app-test-running")
	close(goOn)
	p.Open(p.s.url + p.Path())
	p.Sees("Test of Tested") // after reloading itself
	p.look("app-test")
}

// gate visits the pages for somebody on an app's host who may not pass: through nginx,
// which requests the page separately, and as other proxies pass it on.
func (p tour) gate() {
	p.t.Run("behind nginx", p.behindNginx)
	asked := network.Headers{
		"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "wiki.apps.localhost", "X-Forwarded-Uri": "/a", "Authorization": "Bearer gj_x",
	}
	p.Sends(asked)
	p.visit("gate-app-password", "/gate/forward", "This app password is not right")
	asked["X-Forwarded-Host"] = "a-host-of-a-very-long-name-that-nobody-listed.site.example"
	p.Sends(asked)
	p.visit("gate-unlisted", "/gate/forward", "Host not listed")
	p.Sends(nil)
}

func (p tour) behindNginx(t *testing.T) {
	public, err := url.Parse(p.s.url)
	if err != nil {
		t.Fatal(err)
	}
	app := "wiki.apps.localhost"
	addr := proxytest.Nginx.Start(t, recipe.Site{
		PublicURL: public, Address: strings.Replace(public.Host, "localhost", "127.0.0.1", 1), Group: "dev",
		Apps: []recipe.App{{Host: app, Address: proxytest.Free(t)}},
	})
	_, port, _ := net.SplitHostPort(addr)
	p.Open("http://" + app + ":" + port + "/some/page")
	p.Sees("Not for ada")
	if got := browsertest.Value[string](p.Page, `location.host + " " + getComputedStyle(document.querySelector("main")).borderRadius`); got != app+":"+port+" 14px" {
		t.Errorf("the page and its style are %s", got)
	}
	p.look("gate-denied")
}
