package signin_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

const notKept = "If you signed in just now, your browser did not keep the cookie"

// Somebody whose browser blocks cookies is told so when the form appears again.
func TestTheFormComesAgainWithoutItsCookie(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	for next, back := range map[string]string{"": "/", "/account": "/?next=%2Faccount"} {
		s.Browser(t).Post("/auth", "username", "ada", "password", webtest.Good, "next", next).Want(http.StatusSeeOther)
		got := s.Browser(t).Get(back).Want(http.StatusOK)
		if !strings.Contains(got.Text("#problem"), notKept) || got.Find("[aria-invalid]").Length() != 0 { // the input is not marked as wrong
			t.Errorf("next %q: the form says %q", next, got.Text("#problem"))
		}
		for what, other := range map[string]*webtest.Answer{
			"another page": s.Browser(t).Get("/?next=%2Fpages%2F"),
			"another kind": s.Browser(t).Get(back, "User-Agent", "other"),
			"a bad cookie": s.Browser(t).Get(back, "Cookie", s.Sessions.Name()+"=x"),
		} {
			if other.Find("#problem").Length() != 0 {
				t.Errorf("next %q, %s: the form says %q", next, what, other.Text("#problem"))
			}
		}
		s.Clock.Move(11 * time.Second)
		if s.Browser(t).Get(back).Find("#problem").Length() != 0 {
			t.Errorf("next %q: the form says so 11 s later", next)
		}
	}

	b := s.Browser(t)
	b.Post("/auth", "username", "ada", "password", webtest.Good, "next", "/account").Want(http.StatusSeeOther)
	b.Post("/logout").Want(http.StatusSeeOther)
	for _, path := range []string{"/", "/?next=%2Faccount"} {
		if b.Get(path).Find("#problem").Length() != 0 {
			t.Errorf("%s: who signed out is told that the browser did not keep the cookie", path)
		}
	}
}

func TestJoiningWithoutCookies(t *testing.T) {
	s := webtest.New(t)
	code, err := s.Accounts.NewFirst(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Browser(t).Post("/join/"+code, "username", "ada", "password", webtest.Good).Want(http.StatusSeeOther, "/")
	if got := s.Browser(t).Get("/").Text("#problem"); !strings.Contains(got, notKept) {
		t.Errorf("the form says %q", got)
	}
}

// Attack cookie/several: somebody who is signed out because of two valid cookies is told why.
func TestClearedCookiesAreTold(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	one, two := s.SignedIn(t, "ada"), s.SignedIn(t, "ada")
	both := one.Cookies() + "; " + two.Cookies()
	const told = "more than one cookie of this site"
	if got := s.Browser(t).Get("/", "Cookie", both).Want(http.StatusOK).Text("#problem"); !strings.Contains(got, told) {
		t.Errorf("the form says %q", got)
	}
	s.Clock.Move(time.Minute)
	s.Browser(t).Get("/account", "Cookie", both).Want(http.StatusSeeOther)
	if got := s.Browser(t).Get("/?next=%2Faccount").Text("#problem"); !strings.Contains(got, told) {
		t.Errorf("the form to which a page led says %q", got)
	}
	b := s.SignedIn(t, "ada")
	b.Post("/logout").Want(http.StatusSeeOther)
	if got := b.Get("/").Text("#problem"); got != "" {
		t.Errorf("after a good sign-in and a sign-out the form says %q", got)
	}
}

// If the site uses https, nobody can sign in over http. The form says so only if it is
// certain that the browser uses http.
func TestOverHTTP(t *testing.T) {
	s := webtest.New(t, webtest.Secure)
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
			got := plain(t, s, tt.peer, "/?next=%2Faccount", tt.header...)
			if over := strings.Contains(got, `href="https://jar.example/?next=%2Faccount"`); over != tt.want || strings.Contains(got, "<form") == tt.want {
				t.Errorf("it says to open https: %t, want %t; the page is\n%s", over, tt.want, got)
			}
		})
	}
	s.Add(t, "ada", account.Owner)
	s.Browser(t).Post("/auth", "username", "ada", "password", webtest.Good).Want(http.StatusSeeOther)
	if got := plain(t, s, "127.0.0.1:1", "/", "User-Agent", "Go-http-client/1.1"); !strings.Contains(got, "begins with http://") {
		t.Errorf("after a sign-in whose cookie was not kept, nothing is said of https:\n%s", got)
	}
	if strings.Contains(plain(t, webtest.New(t), "192.0.2.1:1", "/"), "over-http") {
		t.Error("a site on http says to open https")
	}
}

// plain returns the page that a peer gets over a connection without TLS.
func plain(t *testing.T, s *webtest.Site, peer, path string, header ...string) string {
	t.Helper()
	r := webtest.With(func(r *http.Request) {
		r.RemoteAddr, r.RequestURI = peer, path
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
	})
	r.URL = webtest.Parse(t, path)
	rec := httptest.NewRecorder()
	s.Handler.ServeHTTP(rec, r)
	return rec.Body.String()
}

// The form and the home page name both cookies.
func TestBothCookiesAreNamed(t *testing.T) {
	for _, change := range []func(*handlers.Config){func(*handlers.Config) {}, webtest.Secure} {
		s := webtest.New(t, change)
		s.Add(t, "ada", account.Owner)
		for what, got := range map[string]string{
			"the form": s.Browser(t).Get("/").Text(".see"), "home": s.SignedIn(t, "ada").Get("/").Text(".facts"),
		} {
			if !strings.Contains(got, s.Sessions.Name()+" ") || !strings.Contains(got, s.Settings.Devices.Name()+" ") {
				t.Errorf("%s says %q", what, got)
			}
		}
	}
}
