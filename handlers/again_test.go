package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/utl/account"
)

const notKept = "If you signed in just now, your browser did not keep the cookie"

// Whoever blocks cookies is told so when the form comes again.
func TestTheFormComesAgainWithoutItsCookie(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	for next, back := range map[string]string{"": "/", "/account": "/?next=%2Faccount"} {
		s.browser(t).post("/auth", "username", "ada", "password", good, "next", next).want(http.StatusSeeOther)
		got := s.browser(t).get(back).want(http.StatusOK)
		if !strings.Contains(got.text("#problem"), notKept) || got.find("[aria-invalid]").Length() != 0 { // what was typed is right
			t.Errorf("next %q: the form says %q", next, got.text("#problem"))
		}
		for what, other := range map[string]*answer{
			"another page": s.browser(t).get("/?next=%2Fpages%2F"),
			"another kind": s.browser(t).get(back, "User-Agent", "other"),
			"a bad cookie": s.browser(t).get(back, "Cookie", s.sessions.Name()+"=x"),
		} {
			if other.find("#problem").Length() != 0 {
				t.Errorf("next %q, %s: the form says %q", next, what, other.text("#problem"))
			}
		}
		s.clock.move(11 * time.Second)
		if s.browser(t).get(back).find("#problem").Length() != 0 {
			t.Errorf("next %q: the form says so 11 s later", next)
		}
	}

	b := s.browser(t)
	b.post("/auth", "username", "ada", "password", good, "next", "/account").want(http.StatusSeeOther)
	b.post("/logout").want(http.StatusSeeOther)
	for _, path := range []string{"/", "/?next=%2Faccount"} {
		if b.get(path).find("#problem").Length() != 0 {
			t.Errorf("%s: who signed out is told that the browser did not keep the cookie", path)
		}
	}
}

func TestJoiningWithoutCookies(t *testing.T) {
	s := newSite(t)
	code, err := s.accounts.NewFirst(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.browser(t).post("/join/"+code, "username", "ada", "password", good).want(http.StatusSeeOther, "/")
	if got := s.browser(t).get("/").text("#problem"); !strings.Contains(got, notKept) {
		t.Errorf("the form says %q", got)
	}
}

// Attack cookie/several: who is signed out by two good cookies reads why.
func TestClearedCookiesAreTold(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	one, two := s.signedIn(t, "ada"), s.signedIn(t, "ada")
	both := one.cookies() + "; " + two.cookies()
	const told = "more than one cookie of this site"
	if got := s.browser(t).get("/", "Cookie", both).want(http.StatusOK).text("#problem"); !strings.Contains(got, told) {
		t.Errorf("the form says %q", got)
	}
	s.clock.move(time.Minute)
	s.browser(t).get("/account", "Cookie", both).want(http.StatusSeeOther)
	if got := s.browser(t).get("/?next=%2Faccount").text("#problem"); !strings.Contains(got, told) {
		t.Errorf("the form to which a page led says %q", got)
	}
	b := s.signedIn(t, "ada")
	b.post("/logout").want(http.StatusSeeOther)
	if got := b.get("/").text("#problem"); got != "" {
		t.Errorf("after a good sign-in and a sign-out the form says %q", got)
	}
}

// Over http nobody can sign in where PUBLIC_URL is https. It is said only where
// it is certain.
func TestOverHTTP(t *testing.T) {
	s := newSite(t, secure)
	for _, tt := range []struct {
		name   string
		peer   string
		header []string
		want   bool
	}{
		{"a peer that is not trusted: perhaps a proxy that speaks https", "192.0.2.1:1", nil, false},
		{"one that says http", "192.0.2.1:1", []string{"X-Forwarded-Proto", "http"}, false},
		{"a browser on https behind an unknown proxy", "192.0.2.1:1", []string{"Sec-Fetch-Mode", "navigate"}, false},
		{"an unknown proxy", "192.0.2.1:1", []string{"X-Forwarded-For", "192.0.2.7"}, false},
		{"a trusted proxy that says so", "127.0.0.1:1", []string{"X-Forwarded-Proto", "http"}, true},
		{"a trusted proxy that says https", "127.0.0.1:1", []string{"X-Forwarded-Proto", "https"}, false},
		{"a trusted proxy that says nothing", "127.0.0.1:1", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := s.plain(t, tt.peer, "/?next=%2Faccount", tt.header...)
			if over := strings.Contains(got, `href="https://jar.example/?next=%2Faccount"`); over != tt.want || strings.Contains(got, "<form") == tt.want {
				t.Errorf("it says to open https: %t, want %t; the page is\n%s", over, tt.want, got)
			}
		})
	}
	s.add(t, "ada", account.Owner)
	s.browser(t).post("/auth", "username", "ada", "password", good).want(http.StatusSeeOther)
	if got := s.plain(t, "127.0.0.1:1", "/", "User-Agent", "Go-http-client/1.1"); !strings.Contains(got, "begins with http://") {
		t.Errorf("after a sign-in whose cookie was not kept, nothing is said of https:\n%s", got)
	}
	if strings.Contains(newSite(t).plain(t, "192.0.2.1:1", "/"), "over-http") {
		t.Error("a site on http says to open https")
	}
}

// plain returns the page that a peer gets over a connection without TLS.
func (s *testSite) plain(t *testing.T, peer, path string, header ...string) string {
	t.Helper()
	r := with(func(r *http.Request) {
		r.RemoteAddr, r.RequestURI = peer, path
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
	})
	r.URL = parse(t, path)
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, r)
	return rec.Body.String()
}

// The form and the page say both cookies.
func TestBothCookiesAreNamed(t *testing.T) {
	for _, change := range []func(*handlers.Config){func(*handlers.Config) {}, secure} {
		s := newSite(t, change)
		s.add(t, "ada", account.Owner)
		for what, got := range map[string]string{
			"the form": s.browser(t).get("/").text(".see"), "home": s.signedIn(t, "ada").get("/").text(".facts"),
		} {
			if !strings.Contains(got, s.sessions.Name()+" ") || !strings.Contains(got, s.config.Devices.Name()+" ") {
				t.Errorf("%s says %q", what, got)
			}
		}
	}
}
