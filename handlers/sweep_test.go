package handlers_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/utl/account"
	"glassjar/utl/audit"
)

// The three who ask.
const (
	anonymous = iota
	member
	owner
)

// by is a status for each of the three who ask.
type by [3]int

// swept is a path of the sweep: what GET and POST answer. A zero status is a
// method that the path does not take.
type swept struct {
	pattern   string // of the route, without the method
	path      string // asked for, where it is another
	get, post by
}

// The paths of the sweep. A link's path is made anew for each request.
var sweep = []swept{
	{pattern: "/{$}", path: "/", get: by{200, 200, 200}},
	{pattern: "/auth", get: by{200, 303, 303}, post: by{422, 422, 422}},
	{pattern: "/logout", get: by{303, 200, 200}, post: by{303, 303, 303}},
	{pattern: "/join/{code}", get: by{200, 200, 200}, post: by{422, 422, 422}},
	{pattern: "/join/{code}", path: "/join/none", get: by{410, 410, 410}, post: by{410, 410, 410}},
	{pattern: "/reset/{code}", get: by{200, 200, 200}, post: by{422, 422, 422}},
	{pattern: "/reset/{code}", path: "/reset/none", get: by{410, 410, 410}, post: by{410, 410, 410}},
	{pattern: "/account", get: by{303, 200, 200}},
	{pattern: "/account/events", get: by{303, 200, 200}},
	{pattern: "/account/events", path: "/account/events?before=x", get: by{303, 400, 400}},
	{pattern: "/account/password", post: by{303, 422, 422}},
	{pattern: "/account/sessions/{id}/end", path: "/account/sessions/none/end", post: by{303, 303, 303}},
	{pattern: "/account/sessions/end-others", post: by{303, 303, 303}},
	{pattern: "/account/app-passwords", post: by{303, 422, 422}},
	{pattern: "/account/app-passwords/{id}/revoke", path: "/account/app-passwords/none/revoke", post: by{303, 404, 404}},
	{pattern: "/gate/check", get: by{400, 400, 400}}, // what a browser asks says nothing of a target
	{pattern: "/gate/forward", get: by{400, 400, 400}},
	{pattern: "/api/authz/auth-request", get: by{400, 400, 400}},
	{pattern: "/api/authz/forward-auth", get: by{400, 400, 400}},
	{pattern: "/gate/callback", get: by{410, 410, 410}},
	{pattern: "/.well-known/jwks.json", get: by{200, 200, 200}},
	{pattern: "/pages/{path...}", path: "/pages/", get: by{303, 200, 200}},
	{pattern: "/pages/{path...}", path: "/pages/notes.txt", get: by{303, 200, 200}},
	{pattern: "/pages/{path...}", path: "/pages/folder", get: by{303, 303, 303}},
	{pattern: "/pages/{path...}", path: "/pages/none", get: by{303, 404, 404}},
	{pattern: "/static/{name}", get: by{200, 200, 200}},
	{pattern: "/static/{name}", path: "/static/site.css", get: by{404, 404, 404}},
	{pattern: "/healthz", get: by{200, 200, 200}},
	{pattern: "/readyz", get: by{200, 200, 200}},
	{pattern: "/.well-known/change-password", get: by{302, 302, 302}},
	{path: "/nowhere"},
	{path: "/account/x.css"}, // what a cache might take for an asset
	{path: "/static/"},
	{path: "/join/"},
	{path: "//account", get: by{307, 307, 307}, post: by{307, 307, 307}}, // the mux's own: it cleans the path
}

func TestTheSweepHasEveryRoute(t *testing.T) {
	has := map[string]bool{}
	for _, row := range sweep {
		if row.pattern != "" && row.get != (by{}) {
			has["GET "+row.pattern] = true
		}
		if row.pattern != "" && row.post != (by{}) {
			has["POST "+row.pattern] = true
		}
	}
	got, want := slices.Sorted(maps.Keys(has)), handlers.Routes(newSite(t, withGate).config)
	if !slices.Equal(got, want) {
		t.Errorf("the sweep has the routes\n%q, want\n%q\na new route needs its row in the table named sweep, in handlers/sweep_test.go", got, want)
	}
}

// allow returns the Allow header of a 405 at the path, or "" where every
// method gets another answer.
func (row swept) allow() string {
	var all []string
	if row.get != (by{}) {
		all = append(all, http.MethodGet, http.MethodHead)
	}
	if row.post != (by{}) {
		all = append(all, http.MethodPost)
	}
	return strings.Join(all, ", ")
}

// want returns the status that the request must get.
func (row swept) want(method string, who int) int {
	switch {
	case row.get == by{307, 307, 307}:
		return http.StatusTemporaryRedirect
	case row.pattern == "":
		return http.StatusNotFound
	case (method == http.MethodGet || method == http.MethodHead) && row.get[who] != 0:
		return row.get[who]
	case method == http.MethodPost && row.post[who] != 0:
		return row.post[who]
	}
	return http.StatusMethodNotAllowed
}

var sweptMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPut, http.MethodTrace, http.MethodOptions, "PROPFIND", "BREW",
	http.MethodPost, // the last one: it may end the session
}

// Attack http/methods, browser/frame: every route × who asks × method has its status and its whole
// header set, with http and with https.
func TestSweep(t *testing.T) {
	for name, change := range map[string]func(*handlers.Config){
		"over http": func(*handlers.Config) {}, "over https": secure,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, change, withGate)
			s.write(t, "index.html", "<!doctype html><title>Notes</title>")
			s.write(t, "notes.txt", "notes")
			s.write(t, "folder/index.html", "<!doctype html>")
			s.add(t, "bob", account.Member)
			s.add(t, "ada", account.Owner)
			for _, row := range sweep {
				for who, as := range []string{anonymous: "", member: "bob", owner: "ada"} {
					for b, i := s.person(t, as), 0; i < len(sweptMethods); i++ {
						s.sweep(t, row, sweptMethods[i], who, b)
					}
				}
			}
		})
	}
}

// sweep asks for one path in one way and checks the answer.
func (s *testSite) sweep(t *testing.T, row swept, method string, who int, b *browser) {
	t.Helper()
	path := row.path
	if path == "" {
		path = s.example(t, row.pattern)
	}
	got := b.do(b.request(method, path, "", "Sec-Fetch-Site", "same-origin", "Origin", b.base, "Accept-Encoding", "identity",
		"Content-Type", "application/x-www-form-urlencoded"))
	if want := row.want(method, who); got.StatusCode != want {
		t.Errorf("%s %s as %d: got %s, want %d", method, path, who, got.Status, want)
	}
	signedOut := path == "/logout" && method == http.MethodPost && who != anonymous
	got.wantHeaders(headersOf{row, signedOut, s.config.PublicURL.Scheme == "https"})
	if strings.HasPrefix(got.body, "<!doctype html>\n<html") {
		got.wantPage()
	}
}

// example returns a path that the pattern matches, where something is.
func (s *testSite) example(t *testing.T, pattern string) string {
	t.Helper()
	switch pattern {
	case "/join/{code}":
		return s.link(t, account.Member)
	case "/reset/{code}":
		return s.link(t, "bob")
	case "/static/{name}":
		path, ok := s.browser(t).get("/").find("link[rel=stylesheet]").Attr("href")
		if !ok {
			t.Fatal("no stylesheet")
		}
		return path
	}
	return pattern
}

// person returns a browser in which username, if any, is signed in without a
// sign-in: the session is started in the store.
func (s *testSite) person(tb testing.TB, username string) *browser {
	tb.Helper()
	if username == "" {
		return s.browser(tb)
	}
	found, err := s.accounts.Find(tb.Context(), username)
	if err != nil {
		tb.Fatal(err)
	}
	b, w := s.browser(tb), httptest.NewRecorder()
	if _, err := s.sessions.Start(w, b.request(http.MethodPost, "/", ""), found.Verified(), false, audit.Actor{}); err != nil {
		tb.Fatal(err)
	}
	b.Jar.SetCookies(parse(tb, s.public()), w.Result().Cookies())
	return b
}
