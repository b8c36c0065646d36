package handlers_test

import (
	"crypto/rand"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/mail"
)

func TestTheLabHasEveryRoute(t *testing.T) {
	all := webtest.By{200, 200, 200}
	for name, change := range map[string]func(*handlers.Config){"over http": webtest.WithLab, "over https": func(c *handlers.Config) { webtest.Secure(c); webtest.WithLab(c) }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := webtest.New(t, change)
			s.Add(t, "bob", account.Member)
			s.Add(t, "ada", account.Owner)
			for _, path := range webtest.LabPaths {
				row := webtest.Swept{Pattern: path, Get: all, Post: all}
				if slices.Contains(webtest.LabReads, path) {
					row.Post = webtest.By{}
				}
				for who, as := range []string{webtest.Anonymous: "", webtest.Member: "bob", webtest.Owner: "ada"} {
					b := s.Person(t, as)
					for _, method := range webtest.SweptMethods {
						sweepOne(t, s, row, method, who, b)
					}
				}
			}
		})
	}
}

// sweep has the paths of the sweep. A link's path is created for each request.
var sweep = []webtest.Swept{
	{Pattern: "/{$}", Path: "/", Get: webtest.By{200, 200, 200}},
	{Pattern: "/auth", Get: webtest.By{200, 303, 303}, Post: webtest.By{422, 422, 422}},
	{Pattern: "/auth/passkey", Post: webtest.By{422, 422, 422}},
	{Pattern: "/auth/code", Get: webtest.By{303, 303, 303}, Post: webtest.By{303, 303, 303}},
	{Pattern: "/auth/step-up", Get: webtest.By{303, 303, 303}},
	{Pattern: "/logout", Get: webtest.By{303, 200, 200}, Post: webtest.By{303, 303, 303}},
	{Pattern: "/join/{code}", Get: webtest.By{200, 200, 200}, Post: webtest.By{422, 422, 422}},
	{Pattern: "/join/{code}", Path: "/join/none", Get: webtest.By{410, 410, 410}, Post: webtest.By{410, 410, 410}},
	{Pattern: "/join", Get: webtest.By{200, 200, 200}, Post: webtest.By{422, 422, 422}},
	{Pattern: "/reset/{code}", Get: webtest.By{200, 200, 200}, Post: webtest.By{422, 422, 422}},
	{Pattern: "/reset/{code}", Path: "/reset/none", Get: webtest.By{410, 410, 410}, Post: webtest.By{410, 410, 410}},
	{Pattern: "/forgot", Get: webtest.By{200, 200, 200}, Post: webtest.By{303, 303, 303}}, // mail is not set up
	{Pattern: "/confirm/{code}", Get: webtest.By{200, 200, 200}, Post: webtest.By{303, 303, 303}},
	{Pattern: "/confirm/{code}", Path: "/confirm/none", Get: webtest.By{410, 410, 410}, Post: webtest.By{410, 410, 410}},
	{Pattern: "/lock/{code}", Get: webtest.By{200, 200, 200}, Post: webtest.By{303, 303, 303}},
	{Pattern: "/lock/{code}", Path: "/lock/none", Get: webtest.By{410, 410, 410}, Post: webtest.By{410, 410, 410}},
	{Pattern: "/signup/{code}", Get: webtest.By{200, 200, 200}, Post: webtest.By{303, 303, 303}},
	{Pattern: "/signup/{code}", Path: "/signup/none", Get: webtest.By{410, 410, 410}, Post: webtest.By{410, 410, 410}},
	{Pattern: "/account", Get: webtest.By{303, 200, 200}},
	{Pattern: "/account/events", Get: webtest.By{303, 200, 200}},
	{Pattern: "/account/events", Path: "/account/events?before=x", Get: webtest.By{303, 400, 400}},
	{Pattern: "/account/prove", Get: webtest.By{303, 200, 200}, Post: webtest.By{303, 422, 422}},
	{Pattern: "/account/profile", Get: webtest.By{303, 200, 200}, Post: webtest.By{303, 303, 303}},
	{Pattern: "/account/data", Get: webtest.By{303, 200, 200}, Post: webtest.By{303, 200, 200}},
	{Pattern: "/account/delete", Get: webtest.By{303, 200, 200}, Post: webtest.By{303, 422, 422}},
	{Pattern: "/account/password", Get: webtest.By{303, 200, 200}, Post: webtest.By{303, 422, 422}},
	{Pattern: "/account/code", Get: webtest.By{303, 200, 200}, Post: webtest.By{303, 422, 422}},
	{Pattern: "/account/code/qr.png", Get: webtest.By{303, 404, 404}},
	{Pattern: "/account/code/remove", Post: webtest.By{303, 303, 303}},
	{Pattern: "/account/recovery", Get: webtest.By{303, 200, 200}, Post: webtest.By{303, 422, 422}},
	{Pattern: "/account/recovery/file", Post: webtest.By{303, 400, 400}},
	{Pattern: "/account/recovery/saved", Post: webtest.By{303, 303, 303}},
	{Pattern: "/account/notices/{id}/seen", Path: "/account/notices/none/seen", Post: webtest.By{303, 303, 303}},
	{Pattern: "/account/lock", Post: webtest.By{303, 303, 303}},
	{Pattern: "/account/sessions/{id}/end", Path: "/account/sessions/none/end", Post: webtest.By{303, 303, 303}},
	{Pattern: "/account/sessions/end-others", Post: webtest.By{303, 303, 303}},
	{Pattern: "/account/app-passwords", Get: webtest.By{303, 200, 200}, Post: webtest.By{303, 422, 422}},
	{Pattern: "/account/app-passwords/{id}/revoke", Path: "/account/app-passwords/none/revoke", Post: webtest.By{303, 404, 404}},
	{Pattern: "/account/passkeys", Get: webtest.By{303, 200, 200}, Post: webtest.By{303, 422, 422}},
	{Pattern: "/account/passkeys", Path: "/account/passkeys?rename=none", Get: webtest.By{303, 404, 404}, Post: webtest.By{303, 422, 422}},
	{Pattern: "/account/passkeys/{id}/rename", Path: "/account/passkeys/none/rename", Post: webtest.By{303, 404, 404}},
	{Pattern: "/account/passkeys/{id}/remove", Path: "/account/passkeys/none/remove", Post: webtest.By{303, 404, 404}},
	{Pattern: "/apps", Get: webtest.By{303, 403, 200}},
	{Pattern: "/apps/new", Get: webtest.By{303, 403, 200}, Post: webtest.By{303, 403, 422}},
	{Pattern: "/apps/{id}", Path: "/apps/none", Get: webtest.By{303, 403, 404}, Post: webtest.By{303, 403, 404}},
	{Pattern: "/apps/{id}/remove", Path: "/apps/none/remove", Post: webtest.By{303, 403, 404}},
	{Pattern: "/apps/{id}/test", Path: "/apps/none/test", Get: webtest.By{303, 403, 404}, Post: webtest.By{303, 403, 404}},
	{Pattern: "/apps/{id}/recipe/{proxy}", Path: "/apps/none/recipe/nginx", Get: webtest.By{303, 403, 404}},
	{Pattern: "/people", Get: webtest.By{303, 403, 200}},
	{Pattern: "/people/invite", Get: webtest.By{303, 403, 200}, Post: webtest.By{303, 403, 422}},
	{Pattern: "/people/invitations/{id}/withdraw", Path: "/people/invitations/none/withdraw", Post: webtest.By{303, 403, 410}},
	{Pattern: "/people/audit", Get: webtest.By{303, 403, 200}},
	{Pattern: "/people/audit", Path: "/people/audit?day=x", Get: webtest.By{303, 403, 400}},
	{Pattern: "/people/audit.csv", Get: webtest.By{303, 403, 200}},
	{Pattern: "/people/{username}", Path: "/people/una", Get: webtest.By{303, 403, 200}},
	{Pattern: "/people/{username}", Path: "/people/nobody", Get: webtest.By{303, 403, 404}},
	{Pattern: "/people/{username}/profile", Path: "/people/una/profile", Post: webtest.By{303, 403, 303}},
	{Pattern: "/people/{username}/groups", Path: "/people/una/groups", Post: webtest.By{303, 403, 303}},
	{Pattern: "/people/{username}/role", Path: "/people/una/role", Post: webtest.By{303, 403, 422}},
	{Pattern: "/people/{username}/reset", Path: "/people/una/reset", Post: webtest.By{303, 403, 200}},
	{Pattern: "/people/{username}/clear-factors", Path: "/people/una/clear-factors", Post: webtest.By{303, 403, 422}},
	{Pattern: "/people/{username}/end-sessions", Path: "/people/una/end-sessions", Post: webtest.By{303, 403, 303}},
	{Pattern: "/people/{username}/disable", Path: "/people/una/disable", Post: webtest.By{303, 403, 303}},
	{Pattern: "/people/{username}/enable", Path: "/people/una/enable", Post: webtest.By{303, 403, 303}},
	{Pattern: "/people/{username}/approve", Path: "/people/una/approve", Post: webtest.By{303, 403, 422}},
	{Pattern: "/people/{username}/reject", Path: "/people/una/reject", Post: webtest.By{303, 403, 422}},
	{Pattern: "/people/{username}/unlock", Path: "/people/una/unlock", Post: webtest.By{303, 403, 303}},
	{Pattern: "/people/{username}/delete", Path: "/people/una/delete", Get: webtest.By{303, 403, 200}, Post: webtest.By{303, 403, 422}},
	{Pattern: "/gate/check", Get: webtest.By{400, 400, 400}}, // a browser's request does not name a target
	{Pattern: "/gate/forward", Get: webtest.By{400, 400, 400}},
	{Pattern: "/api/authz/auth-request", Get: webtest.By{400, 400, 400}},
	{Pattern: "/api/authz/forward-auth", Get: webtest.By{400, 400, 400}},
	{Pattern: "/gate/callback", Get: webtest.By{410, 410, 410}},
	{Pattern: "/.well-known/jwks.json", Get: webtest.By{200, 200, 200}},
	{Pattern: "/pages/{path...}", Path: "/pages/", Get: webtest.By{303, 200, 200}},
	{Pattern: "/pages/{path...}", Path: "/pages/notes.txt", Get: webtest.By{303, 200, 200}},
	{Pattern: "/pages/{path...}", Path: "/pages/folder", Get: webtest.By{303, 303, 303}},
	{Pattern: "/pages/{path...}", Path: "/pages/none", Get: webtest.By{303, 404, 404}},
	{Pattern: "/static/{name}", Get: webtest.By{200, 200, 200}},
	{Pattern: "/static/{name}", Path: "/static/site.css", Get: webtest.By{404, 404, 404}},
	{Pattern: "/healthz", Get: webtest.By{200, 200, 200}},
	{Pattern: "/readyz", Get: webtest.By{200, 200, 200}},
	{Pattern: "/.well-known/passkey-endpoints", Get: webtest.By{200, 200, 200}},
	{Pattern: "/.well-known/change-password", Get: webtest.By{302, 302, 302}},
	{Path: "/nowhere"},
	{Path: "/account/x.css"}, // a path that a cache might take for a static file
	{Path: "/static/"},
	{Path: "/join/"},
	{Path: "//account", Get: webtest.By{307, 307, 307}, Post: webtest.By{307, 307, 307}}, // the mux redirects to the clean path
}

func TestTheSweepHasEveryRoute(t *testing.T) {
	has := map[string]bool{}
	for _, row := range sweep {
		if row.Pattern != "" && row.Get != (webtest.By{}) {
			has["GET "+row.Pattern] = true
		}
		if row.Pattern != "" && row.Post != (webtest.By{}) {
			has["POST "+row.Pattern] = true
		}
	}
	for _, route := range handlers.Routes(webtest.New(t, webtest.WithGate, webtest.WithSignUp).Settings) {
		if !has[route] {
			t.Errorf("%s has no row in the table named sweep (handlers/sweep_test.go)", route)
		}
		delete(has, route)
	}
	if len(has) > 0 {
		t.Errorf("the table named sweep (handlers/sweep_test.go) has rows of no route: %q", slices.Sorted(maps.Keys(has)))
	}
}

// want returns the status that the request must get.
func want(row webtest.Swept, method string, who int) int {
	switch {
	case row.Get == webtest.By{307, 307, 307}:
		return http.StatusTemporaryRedirect
	case row.Pattern == "":
		return http.StatusNotFound
	case (method == http.MethodGet || method == http.MethodHead) && row.Get[who] != 0:
		return row.Get[who]
	case method == http.MethodPost && row.Post[who] != 0:
		return row.Post[who]
	}
	return http.StatusMethodNotAllowed
}

// Attack http/methods, browser/frame: every route with every kind of visitor and every
// method has the expected status and all headers, with http and with https.
func TestSweep(t *testing.T) {
	for name, change := range map[string]func(*handlers.Config){
		"over http": func(*handlers.Config) {}, "over https": webtest.Secure,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := webtest.New(t, change, webtest.WithGate, webtest.WithSignUp)
			s.Write(t, "index.html", "<!doctype html><title>Notes</title>")
			s.Write(t, "notes.txt", "notes")
			s.Write(t, "folder/index.html", "<!doctype html>")
			s.Add(t, "bob", account.Member)
			s.Add(t, "ada", account.Owner)
			for _, name := range []string{"una", "kim", "ken"} {
				s.Add(t, name, account.Member)
			}
			for _, row := range sweep {
				for who, as := range []string{webtest.Anonymous: "", webtest.Member: "bob", webtest.Owner: "ada"} {
					for b, i := s.Person(t, as), 0; i < len(webtest.SweptMethods); i++ {
						sweepOne(t, s, row, webtest.SweptMethods[i], who, b)
					}
				}
			}
		})
	}
}

// sweepOne sends one request and checks the response.
func sweepOne(t *testing.T, s *webtest.Site, row webtest.Swept, method string, who int, b *webtest.Browser) {
	t.Helper()
	path := row.Path
	if path == "" {
		path = example(t, s, row.Pattern)
	}
	got := b.Exchange(b.Request(method, path, "", "Sec-Fetch-Site", "same-origin", "Origin", b.Base, "Accept-Encoding", "identity",
		"Content-Type", "application/x-www-form-urlencoded"))
	if want := want(row, method, who); got.StatusCode != want {
		t.Errorf("%s %s as %d: got %s, want %d", method, path, who, got.Status, want)
	}
	signedOut := path == "/logout" && method == http.MethodPost && who != webtest.Anonymous
	got.WantHeaders(webtest.HeadersOf{Row: row, SignedOut: signedOut, HTTPS: s.Settings.PublicURL.Scheme == "https"})
	if strings.HasPrefix(got.Body, "<!doctype html>\n<html") {
		got.WantPage()
	}
}

// example returns a path that the pattern matches, of something that exists.
func example(t *testing.T, s *webtest.Site, pattern string) string {
	t.Helper()
	switch pattern {
	case "/join/{code}":
		return s.Link(t, account.Member)
	case "/reset/{code}":
		return s.Link(t, "bob")
	case "/confirm/{code}":
		if err := s.Accounts.SetEmail(t.Context(), "kim", "kim@site.example", false, audit.Command()); err != nil {
			t.Fatal(err)
		}
		return s.MailedLink(t, mail.Confirm, "kim")
	case "/signup/{code}":
		return s.SignUpLink(t, strings.ToLower(rand.Text()))
	case "/lock/{code}":
		return s.MailedLink(t, mail.NewBrowser, "ken")
	case "/static/{name}":
		path, ok := s.Browser(t).Get("/").Find("link[rel=stylesheet]").Attr("href")
		if !ok {
			t.Fatal("no stylesheet")
		}
		return path
	}
	return pattern
}
