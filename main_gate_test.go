package main

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// apps is two apps behind a proxy that asks the gate at jar: app.localhost,
// which redirects further, and open.localhost, which asks nobody.
func apps(t *testing.T, jar string) (port string) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	proxy := func(w http.ResponseWriter, r *http.Request, path string) (passes bool) {
		ask, err := http.NewRequestWithContext(r.Context(), http.MethodGet, jar+path, http.NoBody)
		if err != nil {
			t.Error(err)
			return false
		}
		ask.Header, ask.Host = r.Header.Clone(), r.Host
		for name, value := range map[string]string{"Method": r.Method, "Proto": "http", "Host": r.Host, "Uri": r.URL.RequestURI()} {
			ask.Header.Set("X-Forwarded-"+name, value)
		}
		res, err := client.Do(ask)
		if err != nil {
			t.Error(err)
			return false
		}
		defer res.Body.Close()
		if passes = res.StatusCode == http.StatusOK; !passes {
			maps.Copy(w.Header(), res.Header)
			w.WriteHeader(res.StatusCode)
			_, _ = io.Copy(w, res.Body)
		}
		return passes
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, port, _ := strings.Cut(r.Host, ":")
		switch {
		case name == "app.localhost" && r.URL.Path == "/gate/callback":
			proxy(w, r, r.URL.RequestURI())
		case name == "app.localhost" && proxy(w, r, "/gate/forward"):
			http.Redirect(w, r, "http://open.localhost:"+port+r.URL.RequestURI(), http.StatusFound)
		case name == "open.localhost":
			fmt.Fprint(w, "<!doctype html><link rel=icon href=data:,><title>Open</title><h1>An open door</h1>")
		}
	}))
	t.Cleanup(srv.Close)
	_, port, err := net.SplitHostPort(srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// After the sign-in form the browser goes on to the app, and to where the app
// redirects it: no form-action of ours stands in the way.
func TestGateInABrowser(t *testing.T) {
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	_, own, _ := net.SplitHostPort(addr)
	s := start(t, map[string]string{"ADDR": addr, "PUBLIC_URL": "http://jar.localhost:" + own, "GATE_HOSTS": "app.localhost"})
	port := apps(t, "http://"+addr)
	p := openBrowser(t)
	p.owner(s)
	p.do(chromedp.Click(chromedp.CSS(".who button")))
	p.sees("Sign in")

	page := "http://app.localhost:" + port + "/a/%2e?b=c%20d&&e"
	p.do(chromedp.Navigate(page))
	p.sees("Sign in")
	if got := value[string](p, `document.querySelector(".head b").textContent`); got != "app.localhost:"+port {
		t.Errorf("the form says that one goes on to %q", got)
	}
	p.do(chromedp.SendKeys(chromedp.ID("username"), "ada"), chromedp.SendKeys(chromedp.ID("password"), good), chromedp.Submit(chromedp.ID("password")))
	p.sees("An open door")
	if got, err := url.Parse(value[string](p, `location.href`)); err != nil || got.RawQuery != "b=c%20d&&e" {
		t.Errorf("it ended at %s, %v", got, err)
	}
	p.quiet()
}
