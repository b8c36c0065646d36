package handlers_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/utl/account"
)

// deed is a POST that changes something, as a page of ours sends it.
type deed struct {
	path   string
	fields []string
	shows  bool // the lab's: it answers with a page, and changes no store
	tells  bool // it answers with a page that shows a secret once
}

// deeds returns the deed of each POST route, for bob, who is signed in in two
// browsers.
func (s *testSite) deeds(t *testing.T) map[string]deed {
	t.Helper()
	var elsewhere string
	s.appPassword(t, "bob", account.AppPassword{Name: "backup"})
	for _, id := range s.texts(t, `SELECT id FROM sessions WHERE ended_at = 0 ORDER BY started_at`) {
		elsewhere = id
	}
	return map[string]deed{
		"POST /auth":                        {path: "/auth", fields: []string{"username", "bob", "password", good}},
		"POST /logout":                      {path: "/logout"},
		"POST /join/{code}":                 {path: s.link(t, account.Member), fields: []string{"username", "eve", "password", other}},
		"POST /reset/{code}":                {path: s.link(t, "bob"), fields: []string{"password", other}},
		"POST /account/password":            {path: "/account/password", fields: []string{"current", good, "password", other}},
		"POST /account/sessions/{id}/end":   {path: "/account/sessions/" + elsewhere + "/end"},
		"POST /account/sessions/end-others": {path: "/account/sessions/end-others"},
		"POST /lab/request":                 {path: "/lab/request", fields: []string{"sub1", "x"}, shows: true},
		"POST /lab/session":                 {path: "/lab/session", fields: []string{"do", "add", "key", "a", "value", "b"}, shows: true},
		"POST /lab/cookie":                  {path: "/lab/cookie", fields: []string{"name", "lab", "value", "x"}, shows: true},
		"POST /lab/key":                     {path: "/lab/key", fields: []string{"do", "show"}, shows: true},
		"POST /lab/wire":                    {path: "/lab/wire", fields: []string{"secret", "meet me at midnight"}, shows: true},
		"POST /account/app-passwords": {
			path: "/account/app-passwords", fields: []string{"current", good, "name", "sync"}, tells: true,
		},
		"POST /account/app-passwords/{id}/revoke": {
			path: "/account/app-passwords/" + s.texts(t, `SELECT id FROM app_passwords`)[0] + "/revoke",
		},
	}
}

// state is everything that a POST could change.
func (s *testSite) state(t *testing.T) string {
	t.Helper()
	var all []string
	for _, query := range []string{
		`SELECT id || username || password || epoch || disabled_at FROM accounts`,
		`SELECT sid || ended_at || epoch FROM sessions`,
		`SELECT code_hash || used_at FROM links`,
		`SELECT id || secret_hash || used_at FROM app_passwords`,
		`SELECT at || event || account_id FROM audit`,
		`SELECT key_hash || failures FROM throttle`,
	} {
		all = append(all, s.texts(t, query+" ORDER BY 1")...)
	}
	return strings.Join(all, "\n")
}

// The CSRF matrix: what a browser, or somebody's script, may say of where a
// POST came from. The second is the address that the request went to: PUBLIC_URL,
// the third, in another spelling.
var origins = []string{"", "http://jar.example:80", "http://jar.example", "https://evil.example", "null"}

var csrf = []struct {
	site    string // Sec-Fetch-Site
	allowed [5]bool
	without [5]bool // without a cookie of ours
}{
	{"none", [5]bool{true, true, true, true, true}, [5]bool{true, true, true, true, true}},
	{"same-origin", [5]bool{true, true, true, true, true}, [5]bool{true, true, true, true, true}},
	{"same-site", [5]bool{false, false, true, false, false}, [5]bool{false, false, true, false, false}},
	{"cross-site", [5]bool{false, false, true, false, false}, [5]bool{false, false, true, false, false}},
	{"", [5]bool{false, true, true, false, false}, [5]bool{true, true, true, false, false}},
}

// Attack browser/csrf: the CSRF matrix on every POST.
func TestPostsFromElsewhereAreRefused(t *testing.T) {
	for _, pattern := range handlers.Routes(newSite(t, withLab, withGate).config) {
		if strings.HasPrefix(pattern, http.MethodPost) {
			t.Run(pattern, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, withLab, withGate)
				s.add(t, "bob", account.Member)
				b := s.signedIn(t, "bob")
				s.clock.move(time.Second)
				s.signedIn(t, "bob")
				d, ok := s.deeds(t)[pattern]
				if !ok {
					t.Fatal("the matrix has no deed for this route")
				}
				s.matrix(t, b, d, false)
				before, got := s.state(t), b.clone().post(d.path, d.fields...)
				if (s.state(t) == before) != d.shows || (got.StatusCode == http.StatusOK) != (d.shows || d.tells) {
					t.Errorf("allowed, it answers %s and changes something: %t", got.Status, s.state(t) != before)
				}
				s.matrix(t, b, d, true)
			})
		}
	}
}

// matrix sends the deed in every way that is to be allowed, or refused.
func (s *testSite) matrix(t *testing.T, b *browser, d deed, allowed bool) {
	t.Helper()
	for _, row := range csrf {
		for i, origin := range origins {
			for _, as := range []struct {
				who     *browser
				allowed bool
			}{{b, row.allowed[i]}, {s.browser(t), row.without[i]}} {
				if as.allowed == allowed {
					s.postFrom(t, as.who, d, row.site, origin, allowed)
				}
			}
		}
	}
}

func (s *testSite) postFrom(t *testing.T, b *browser, d deed, site, origin string, allowed bool) {
	t.Helper()
	before := s.state(t)
	got := b.clone().at(origins[1]).send(d.path, form(d.fields...), "Sec-Fetch-Site", site, "Origin", origin)
	if allowed {
		if got.StatusCode == http.StatusForbidden {
			t.Errorf("Sec-Fetch-Site %q, Origin %q, cookies %q: got %s, want it allowed", site, origin, b.cookies(), got.Status)
		}
		return
	}
	if got.StatusCode != http.StatusForbidden || got.text("h1") != "Refused" {
		t.Errorf("Sec-Fetch-Site %q, Origin %q, cookies %q: got %s, want 403", site, origin, b.cookies(), got.Status)
	}
	if s.state(t) != before || len(got.Cookies()) > 0 {
		t.Errorf("Sec-Fetch-Site %q, Origin %q, cookies %q: refused, yet something changed", site, origin, b.cookies())
	}
	got.wantHeaders(headersOf{})
	got.wantPage()
}

// Attack browser/csrf: a cookie of ours alone is enough to ask where a POST came from.
func TestAPostWithACookieMustTellItsOrigin(t *testing.T) {
	s := newSite(t)
	for _, row := range []struct {
		name, cookie string
		want         int
	}{
		{"a session cookie, even a bad one", "glassjar=x", http.StatusForbidden},
		{"a known device's cookie", "glassjar-device=x", http.StatusForbidden},
		{"somebody else's cookie", "theirs=x", http.StatusUnprocessableEntity},
		{"no cookie", "", http.StatusUnprocessableEntity},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := s.browser(t).send("/auth", "", "Sec-Fetch-Site", "", "Origin", "", "Cookie", row.cookie)
			got.want(row.want)
		})
	}
	secured := newSite(t, secure)
	secured.browser(t).send("/auth", "", "Sec-Fetch-Site", "", "Origin", "", "Cookie", "__Host-glassjar=x").want(http.StatusForbidden)
	secured.browser(t).send("/auth", "", "Sec-Fetch-Site", "", "Origin", "", "Cookie", "__Host-glassjar-device=x").want(http.StatusForbidden)
}

// Attack browser/csrf: methods that no route takes are refused as other sites' too.
func TestOtherMethodsFromElsewhereAreRefused(t *testing.T) {
	s := newSite(t)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, "BREW"} {
		b := s.browser(t)
		b.do(b.request(method, "/account", "", "Sec-Fetch-Site", "cross-site")).want(http.StatusForbidden)
	}
}
