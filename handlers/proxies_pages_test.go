package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"

	"glassjar/utl/audit"
	"glassjar/utl/proxytest"
)

// Attack gate/pages: a browser sees a refusal as a page of glassjar's that needs no other
// file, with a policy that allows its style; a program gets JSON. The refusal is counted
// once, although nginx asks twice.
func (c check) showsOurPages() {
	b := c.in(c.t)
	site := c.site(c.t, "app.site.example")
	site.Group = "dev"
	dev := c.at(c.t, c.proxy.Start(c.t, site))
	dev.Jar = b.Jar
	if err := c.Accounts.SetGroups(c.t.Context(), "ada", []string{"ops"}, audit.Command()); err != nil {
		c.t.Fatal(err)
	}
	dev.Exchange(dev.Request(http.MethodHead, "/a", "", "Sec-Fetch-Mode", "navigate")).Want(http.StatusForbidden)
	before := c.refused()
	c.shut(c.t, func() {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			r := dev.Request(method, "/a?b=c", "", "Sec-Fetch-Mode", "navigate", "Referer", plainApp+"/a?b=c")
			got := dev.Exchange(r).Want(http.StatusForbidden).Says("h1", "Not for ada").WantHeader("Content-Type", "text/html; charset=utf-8")
			got.WantHeader("Cache-Control", "no-store").WantHeader("Remote-User", "").WantHeader("Remote-Identity", "").WantGatePage()
			if to := got.Find("nav p:last-child a").AttrOr("href", ""); to != plainJar+"/auth?other=1&next="+url.QueryEscape(plainApp+"/a?b=c") {
				c.t.Errorf("to sign in as another one goes to %s", to)
			}
		}
		got := dev.Get("/a", "Accept", "*/*").Want(http.StatusForbidden).WantHeader("Content-Type", "application/json")
		if want := `{"error":"You are signed in as ada, who is in none of the groups that may open app.site.example."}` + "\n"; got.Body != want {
			c.t.Errorf("a program is told %s", got.Body)
		}
	})
	if n := c.refused() - before; n != 3 {
		c.t.Errorf("%d refusals were counted, want 3", n)
	}
}

// refused returns how many refusals the gate has counted.
func (f *front) refused() (n int) {
	for _, rule := range f.Settings.Gate.Listed() {
		for _, one := range rule.Tally.Refused(f.Clock.Now()) {
			n += one.N
		}
	}
	return n
}

// Somebody who may pass only when nginx asks again for a refusal's page still gets the
// refusal, without the identity headers for the app.
func TestNginxTellsNobodyTheIdentity(t *testing.T) {
	p := proxytest.Nginx
	p.Needed(t)
	c := check{newFront(t, p), t}
	b := c.in(t)
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1); r.Header.Get("X-Original-Status") == "403" {
			if err := c.Accounts.SetGroups(r.Context(), "ada", []string{"dev"}, audit.Command()); err != nil {
				t.Error(err)
			}
		}
		c.Handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	site := c.site(t, "app.site.example")
	site.Group, site.Address = "dev", server.Listener.Addr().String()
	dev := c.at(t, p.Start(t, site))
	dev.Jar = b.Jar
	c.shut(t, func() {
		got := dev.Get("/", "Sec-Fetch-Mode", "navigate", "Authorization", "Bearer the-app's-own").Want(http.StatusForbidden)
		for _, name := range []string{"Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "Remote-Identity", "Authorization"} {
			if got.Header[name] != nil {
				t.Errorf("the client got %s: %q", name, got.Header[name])
			}
		}
	})
	if n := asked.Load(); n != 2 {
		t.Errorf("nginx asked %d times", n)
	}
	dev.Get("/").Want(http.StatusOK)
}
