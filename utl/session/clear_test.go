package session_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

// Attack cookie/several: Clear deletes a second cookie whatever path or domain of the site
// it was set for.
func TestClear(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t)
	good := s.signIn(t, "ada", false)
	two := []*http.Cookie{good, good}
	for _, tt := range []struct {
		name, address string
		sent          []*http.Cookie
		want          string
	}{
		{"one cookie", "/account/password", []*http.Cookie{good}, "/"},
		{"no cookie", "/account", nil, "/"},
		{"two on the first page", "http://127.0.0.1:8080/", two, "/"},
		{"two on a page", "http://[::1]/account", two, "/ /account"},
		{"two of which one is good", "http://localhost/pages/a/b.html", []*http.Cookie{good, cookiesNamed(s.Name(), "x")}, "/ /pages /pages/ /pages/a /pages/a/ /pages/a/b.html"},
		{"two in a folder", "http://jar/pages/", two, "/ /pages /pages/"},
		{"spelled as the browser does", "http://jar/pages/a%20b%0A", two, "/ /pages /pages/ /pages/a%20b%0A"},
		{"no Path holds a ;", "http://jar/pages/a;b/c", two, "/ /pages /pages/ /pages/a"},
		{"of a domain", "http://jar.lan.example:8080/", two, "/ jar.lan.example/ lan.example/"},
		{"of a domain, on a page", "http://lan.example/account", two, "/ lan.example/ /account lan.example/account"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, tt.address, http.NoBody)
			for _, c := range tt.sent {
				r.AddCookie(cookiesNamed(c.Name, c.Value))
			}
			var places []string
			for _, c := range cleared(t, s, r) {
				places = append(places, c.Domain+c.Path)
			}
			if got := strings.Join(places, " "); got != tt.want {
				t.Errorf("got the Domains and Paths %s, want %s", got, tt.want)
			}
		})
	}
}

// Attack cookie/several: the response is small enough for a proxy, however long the path.
func TestClearOnALongPath(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t)
	good := s.signIn(t, "ada", false)
	for _, path := range []string{strings.Repeat("/a", 5000), "/" + strings.Repeat("a", 10_000), "/" + strings.Repeat("a", 200) + strings.Repeat("/a", 100)} {
		r := request(good, good)
		r.URL.Path, r.Host = path, "a.jar.lan.example"
		size := 0
		for _, c := range cleared(t, s, r) {
			size += len(c.Raw)
		}
		if size > 4096 { // nginx's default buffer for headers
			t.Errorf("a long path is answered with %d bytes of cookies", size)
		}
	}
}

// cleared returns the cookies that Clear sets. Each must be empty and expired, and none
// may contain the old value.
func cleared(t *testing.T, s *site, r *http.Request) []*http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	if err := s.Clear(w, r); err != nil {
		t.Fatal(err)
	}
	for _, c := range w.Result().Cookies() {
		if c.Name != s.Name() || c.Value != "" || c.MaxAge >= 0 || !c.Expires.Before(time.Now()) || !c.HttpOnly {
			t.Errorf("got %q, want %s cleared", c.Raw, s.Name())
		}
	}
	return w.Result().Cookies()
}

// Attack cookie/several, cookie/tossed: a __Host- cookie exists for one path and host only.
func TestClearAHostCookie(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t, func(o *session.Options) { o.Secure = true })
	r := httptest.NewRequest(http.MethodGet, "https://jar.lan.example/", http.NoBody)
	r.Header["Cookie"] = []string{s.Name() + "=x; " + s.Name() + "=y"}
	if all := cleared(t, s, r); len(all) != 1 || all[0].Domain != "" || !all[0].Secure {
		t.Errorf("got %v, want one", all)
	}
}

// When the browser sent several cookies, a new one replaces all of them.
func TestSeveralAreClearedWhereOneIsSent(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about cookies")
	s := newSite(t, withGate, func(o *session.Options) { o.Secure = false })
	d := newDevices(t, false, newKey())
	sends := map[string]func(http.ResponseWriter, *http.Request) error{
		s.Name(): func(w http.ResponseWriter, r *http.Request) error {
			_, err := s.Start(w, r, verified("ada"), false, audit.Actor{})
			return err
		},
		d.Name(): func(w http.ResponseWriter, r *http.Request) error { return d.Send(w, r, verified("ada")) },
		"glassjar-gate": func(w http.ResponseWriter, r *http.Request) error {
			return s.SendGate(w, r, session.Session{SID: "x"}, onPlain)
		},
	}
	for name, send := range sends {
		for n, want := range []int{0, 0, 3} { // cleared cookies: one without Domain, two with
			r := httptest.NewRequest(http.MethodGet, "http://app.example.com/", http.NoBody)
			for range n {
				r.AddCookie(cookiesNamed(name, "x"))
			}
			w := httptest.NewRecorder()
			if err := send(w, r); err != nil {
				t.Fatal(err)
			}
			all := w.Result().Cookies()
			last := all[len(all)-1]
			if cleared := len(all) - 1; last.Value == "" || last.Domain != "" || last.Path != "/" || cleared != want {
				t.Errorf("%s, of which the request has %d: got %v", name, n, w.Header()["Set-Cookie"])
			}
		}
	}
}
