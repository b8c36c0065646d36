package handlers_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/proxytest"
	"glassjar/utl/recipe"
)

// URLs of the hosts in the recipes, over http.
const (
	plainJar = "http://jar.site.example"
	plainApp = "http://app.site.example"
)

// front is glassjar and an app behind a proxy, which the tests' browsers reach under
// every host name.
type front struct {
	*webtest.World

	proxy  proxytest.Proxy
	ada    account.Account
	server *httptest.Server // glassjar
	app    *httptest.Server
	wiki   *httptest.Server // another app, on wiki.site.example
	addr   string           // address of the proxy
	came   atomic.Int64     // number of requests to the app
	asked  atomic.Int64     // bytes of bodies that the gate received
}

// heard is what the app received of a request.
type heard struct {
	Method, Host, URI, Body string
	Header                  http.Header
}

func newFront(t *testing.T, p proxytest.Proxy) *front {
	t.Helper()
	f := &front{World: webtest.NewWorld(t, plainJar, ""), proxy: p}
	f.ada = f.Add(t, "ada", account.Member)
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/gate/") {
			n, _ := io.Copy(io.Discard, r.Body)
			f.asked.Add(n)
		}
		f.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(f.server.Close)
	f.app = httptest.NewServer(http.HandlerFunc(f.echo))
	t.Cleanup(f.app.Close)
	f.wiki = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = json.NewEncoder(w).Encode(heard{Host: "the wiki, as " + r.Host})
	}))
	t.Cleanup(f.wiki.Close)
	f.addr = p.Start(t, f.site(t, "app.site.example"))
	return f
}

// site returns the recipe's values, with the app on this host.
func (f *front) site(t *testing.T, app string) recipe.Site {
	t.Helper()
	return recipe.Site{
		PublicURL: webtest.Parse(t, plainJar), Address: f.server.Listener.Addr().String(),
		Apps: []recipe.App{
			{Host: app, Address: f.app.Listener.Addr().String()},
			{Host: "wiki.site.example", Address: f.wiki.Listener.Addr().String()},
		},
	}
}

// echo is the app: it responds with what it received, and switches to every requested
// protocol.
func (f *front) echo(w http.ResponseWriter, r *http.Request) {
	f.came.Add(1)
	if to := r.Header["Upgrade"]; to != nil {
		c, rw, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+strings.Join(to, ", ")+
				"\r\nHeard: "+strings.Join(r.Header["Connection"], ", ")+"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
			_, _ = io.CopyN(c, rw, 4)
			_ = c.Close()
		}
		return
	}
	body, _ := io.ReadAll(r.Body)
	_ = json.NewEncoder(w).Encode(heard{r.Method, r.Host, r.RequestURI, brief(string(body)), r.Header})
}

// brief returns the text, or its hash if it is long.
func brief(text string) string {
	if len(text) > 1000 {
		return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
	}
	return text
}

// at returns a browser with this client address behind the proxy.
func (f *front) at(t *testing.T, proxy string) *webtest.Browser {
	t.Helper()
	b := f.Browser(t)
	network := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", proxy)
	}}
	t.Cleanup(network.CloseIdleConnections)
	b.Transport, b.Base = network, plainApp
	return b
}

// in returns a browser in which ada is signed in, on the app.
func (f *front) in(t *testing.T) *webtest.Browser {
	t.Helper()
	b := f.at(t, f.addr)
	opens(b, plainApp+"/")
	return b
}

// opens opens the app's page by way of the sign-in, and returns what the app received.
func opens(b *webtest.Browser, page string) heard {
	b.T.Helper()
	form := b.Visit(page, 1).Want(http.StatusOK).Says("h1", "Sign in")
	next := form.Find("input[name=next]").AttrOr("value", "")
	sent := b.At(plainJar).Post("/auth", "username", "ada", "password", webtest.Good, "next", next).Want(http.StatusSeeOther)
	to := b.Visit(sent.Header.Get("Location"), 2).Want(http.StatusSeeOther, page)
	return hears(b.Visit(to.Header.Get("Location"), 0).Want(http.StatusOK))
}

// hears returns what the app received; the response must be the app's.
func hears(a *webtest.Answer) (saw heard) {
	a.T.Helper()
	if err := json.Unmarshal([]byte(a.Body), &saw); err != nil {
		a.T.Fatalf("%s %s: the answer is not the app's: %v\n%s", a.Request.Method, a.Request.URL, err, a.Body)
	}
	return saw
}

// shut fails the test if the app receives a request while do runs.
func (f *front) shut(t *testing.T, do func()) {
	t.Helper()
	before := f.came.Load()
	do()
	if n := f.came.Load() - before; n != 0 {
		t.Errorf("the app got %d requests", n)
	}
}
