package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
)

// The CSRF matrix: the values of Origin that a browser or a script may send with a POST.
// The second is PUBLIC_URL, to which the request is sent, and the third is the same in
// another spelling.
var origins = []string{"", "http://jar.example:80", "http://jar.example", "https://evil.example", "null"}

var csrf = []struct {
	site    string // value of Sec-Fetch-Site
	allowed [5]bool
	without [5]bool // whether it is allowed without a cookie of the site
}{
	{"none", [5]bool{true, true, true, true, true}, [5]bool{true, true, true, true, true}},
	{"same-origin", [5]bool{true, true, true, true, true}, [5]bool{true, true, true, true, true}},
	{"same-site", [5]bool{false, false, true, false, false}, [5]bool{false, false, true, false, false}},
	{"cross-site", [5]bool{false, false, true, false, false}, [5]bool{false, false, true, false, false}},
	{"", [5]bool{false, true, true, false, false}, [5]bool{true, true, true, false, false}},
}

// Attack browser/csrf: the CSRF matrix on every POST.
func TestPostsFromElsewhereAreRefused(t *testing.T) {
	s, b := withBob(t)
	all, _ := deeds(t, s, b)
	for _, pattern := range handlers.Routes(s.Settings) {
		if _, ok := all[pattern]; !ok && strings.HasPrefix(pattern, http.MethodPost) {
			t.Errorf("%s has no deed: add it in handlers/deeds_test.go", pattern)
		}
	}
	if testing.Short() {
		t.Skip("each deed is done from everywhere without -short")
	}
	for pattern := range all {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			s, b := withBob(t)
			all, _ := deeds(t, s, b)
			d := all[pattern]
			matrix(t, s, b, d, false)
			before, got := s.State(t), b.Clone().Post(d.path, d.fields...)
			if (s.State(t) == before) != d.shows || (got.StatusCode == http.StatusOK) != (d.shows || d.tells) {
				t.Errorf("allowed, it answers %s and changes something: %t, want what its deed says (handlers/deeds_test.go)", got.Status, s.State(t) != before)
			}
			matrix(t, s, b, d, true)
		})
	}
}

// matrix sends the deed in every way that must be allowed, or in every way that must be
// refused.
func matrix(t *testing.T, s *webtest.Site, b *webtest.Browser, d deed, allowed bool) {
	t.Helper()
	before := s.State(t)
	for _, row := range csrf {
		for i, origin := range origins {
			for _, as := range []struct {
				who     *webtest.Browser
				allowed bool
			}{{b, row.allowed[i]}, {s.Browser(t), row.without[i]}} {
				if as.allowed == allowed {
					got := postFrom(t, as.who, d, row.site, origin, allowed)
					if !allowed && (s.State(t) != before || len(got.Cookies()) > 0) {
						t.Errorf("Sec-Fetch-Site %q, Origin %q, cookies %q: refused, yet something changed", row.site, origin, as.who.Cookies())
					}
				}
			}
		}
	}
}

func postFrom(t *testing.T, b *webtest.Browser, d deed, site, origin string, allowed bool) *webtest.Answer {
	t.Helper()
	got := b.Clone().At(origins[1]).Send(d.path, webtest.Form(d.fields...), "Sec-Fetch-Site", site, "Origin", origin)
	if allowed {
		if got.StatusCode == http.StatusForbidden {
			t.Errorf("Sec-Fetch-Site %q, Origin %q, cookies %q: got %s, want it allowed", site, origin, b.Cookies(), got.Status)
		}
		return got
	}
	if got.StatusCode != http.StatusForbidden || got.Text("h1") != "Refused" {
		t.Errorf("Sec-Fetch-Site %q, Origin %q, cookies %q: got %s, want 403", site, origin, b.Cookies(), got.Status)
	}
	got.WantHeaders(webtest.HeadersOf{})
	got.WantPage()
	return got
}

// Attack browser/csrf: a POST with any one of the site's cookies needs a header that says
// where it came from.
func TestAPostWithACookieMustTellItsOrigin(t *testing.T) {
	s := webtest.New(t)
	for _, row := range []struct {
		name, cookie string
		want         int
	}{
		{"a session cookie, even a bad one", "glassjar=x", http.StatusForbidden},
		{"a known device's cookie", "glassjar-device=x", http.StatusForbidden},
		{"a pending sign-in's cookie", "glassjar-pending=x", http.StatusForbidden},
		{"somebody else's cookie", "theirs=x", http.StatusUnprocessableEntity},
		{"no cookie", "", http.StatusUnprocessableEntity},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := s.Browser(t).Send("/auth", "", "Sec-Fetch-Site", "", "Origin", "", "Cookie", row.cookie)
			got.Want(row.want)
		})
	}
	secured := webtest.New(t, webtest.Secure)
	secured.Browser(t).Send("/auth", "", "Sec-Fetch-Site", "", "Origin", "", "Cookie", "__Host-glassjar=x").Want(http.StatusForbidden)
	secured.Browser(t).Send("/auth", "", "Sec-Fetch-Site", "", "Origin", "", "Cookie", "__Host-glassjar-device=x").Want(http.StatusForbidden)
}

// Attack browser/csrf: methods without a route are refused too if another site sends them.
func TestOtherMethodsFromElsewhereAreRefused(t *testing.T) {
	s := webtest.New(t)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, "BREW"} {
		b := s.Browser(t)
		b.Exchange(b.Request(method, "/account", "", "Sec-Fetch-Site", "cross-site")).Want(http.StatusForbidden)
	}
}
