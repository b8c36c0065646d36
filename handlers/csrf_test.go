package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	apps "glassjar/utl/app"
	"glassjar/utl/audit"
	"glassjar/utl/mail"
)

// deed is a POST that changes something, as a page of ours sends it.
type deed struct {
	path   string
	fields []string
	shows  bool // the lab's: it answers with a page, and changes no store
	tells  bool // it answers with a page that shows a secret once
}

// invitation returns the id of an open invitation.
func invitation(t *testing.T, s *webtest.Site) string {
	t.Helper()
	s.Link(t, account.Member)
	all, err := s.Accounts.Invitations(t.Context(), "")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d invitations, %v", len(all), err)
	}
	return all[0].ID
}

// notice returns the id of a notice of the account's.
func notice(t *testing.T, s *webtest.Site, name string) string {
	t.Helper()
	all := s.Texts(t, `SELECT n.id FROM notices n JOIN accounts a ON a.id = n.account_id WHERE a.username = ?`, name)
	if len(all) == 0 {
		t.Fatal("no notice")
	}
	return all[0]
}

// deeds returns the deed of each POST route, for bob, who is signed in in two
// browsers, b and another, and his authenticator app.
func deeds(t *testing.T, s *webtest.Site, b *webtest.Browser) (map[string]deed, webtest.App) {
	t.Helper()
	d := s.Device()
	own := b.AddApp(s)
	b.AddPasskey(d, "Laptop")
	app := b.SetUpApp(s)
	s.Person(t, "bob")
	b.SignIn("bob", webtest.Good).Want(http.StatusSeeOther, "/auth/code") // a pending sign-in too
	passkey := "/account/passkeys/" + s.Texts(t, `SELECT id FROM passkeys`)[0]
	var elsewhere string
	s.AppPassword(t, "bob", account.AppPassword{Name: "backup"})
	for _, id := range s.Texts(t, `SELECT id FROM sessions WHERE ended_at = 0 ORDER BY started_at`) {
		elsewhere = id
	}
	wiki := "/apps/" + s.NewApp(t, apps.App{Name: "Wiki", Host: "csrf.example", URL: "http://csrf.example/"}).ID
	s.Add(t, "una", account.Member)
	s.SignedIn(t, "una").AddApp(s)
	s.Add(t, "ulf", account.Member)
	s.Disable(t, "ulf")
	s.Asks(t, "wim")
	s.Add(t, "kim", account.Member)
	s.Lock(t, "kim")
	s.WithMail(t)
	if err := s.Accounts.SetEmail(t.Context(), "una", "una@home.example", false, audit.Command()); err != nil {
		t.Fatal(err)
	}
	return map[string]deed{
		"POST /join":                             {path: "/join", fields: []string{"username", "eva", "password", webtest.Other, "email", "eva@site.example"}},
		"POST /apps/new":                         {path: "/apps/new", fields: []string{"name", "New", "host", "new.example"}},
		"POST /apps/{id}":                        {path: wiki, fields: []string{"name", "Notes", "host", "csrf.example"}},
		"POST /apps/{id}/remove":                 {path: wiki + "/remove"},
		"POST /apps/{id}/test":                   {path: wiki + "/test"},
		"POST /people/{username}/approve":        {path: "/people/wim/approve"},
		"POST /people/{username}/reject":         {path: "/people/wim/reject"},
		"POST /people/invite":                    {path: "/people/invite", fields: []string{"role", "member", "days", "7"}, tells: true},
		"POST /people/invitations/{id}/withdraw": {path: "/people/invitations/" + invitation(t, s) + "/withdraw"},
		"POST /people/{username}/profile":        {path: "/people/una/profile", fields: []string{"name", "Una", "email", "una@site.example"}},
		"POST /people/{username}/groups":         {path: "/people/una/groups", fields: []string{"groups", "dev"}},
		"POST /people/{username}/role":           {path: "/people/una/role", fields: []string{"role", "owner"}},
		"POST /people/{username}/disable":        {path: "/people/una/disable"},
		"POST /people/{username}/enable":         {path: "/people/ulf/enable"},
		"POST /people/{username}/unlock":         {path: "/people/kim/unlock"},
		"POST /forgot":                           {path: "/forgot", fields: []string{"username", "una"}},
		"POST /confirm/{code}":                   {path: s.MailedLink(t, mail.Confirm, "una")},
		"POST /signup/{code}":                    {path: s.SignUpLink(t, "sue")},
		"POST /lock/{code}":                      {path: s.MailedLink(t, mail.NewBrowser, "una")},
		"POST /account/lock":                     {path: "/account/lock"},
		"POST /account/notices/{id}/seen":        {path: "/account/notices/" + notice(t, s, "bob") + "/seen"},
		"POST /people/{username}/reset":          {path: "/people/una/reset", tells: true},
		"POST /people/{username}/end-sessions":   {path: "/people/una/end-sessions"},
		"POST /people/{username}/delete":         {path: "/people/una/delete", fields: []string{"confirm", "una"}},
		"POST /auth":                             {path: "/auth", fields: []string{"username", "bob", "password", webtest.Good}},
		"POST /auth/code":                        {path: "/auth/code", fields: []string{"code", "123456"}},
		"POST /logout":                           {path: "/logout"},
		"POST /join/{code}":                      {path: s.Link(t, account.Member), fields: []string{"username", "eve", "password", webtest.Other}},
		"POST /reset/{code}":                     {path: s.Link(t, "bob"), fields: []string{"password", webtest.Other}},
		"POST /account/password":                 {path: "/account/password", fields: []string{"current", webtest.Good, "password", webtest.Other}},
		"POST /account/sessions/{id}/end":        {path: "/account/sessions/" + elsewhere + "/end"},
		"POST /account/sessions/end-others":      {path: "/account/sessions/end-others"},
		"POST /lab/request":                      {path: "/lab/request", fields: []string{"sub1", "x"}, shows: true},
		"POST /lab/session":                      {path: "/lab/session", fields: []string{"do", "add", "key", "a", "value", "b"}, shows: true},
		"POST /lab/cookie":                       {path: "/lab/cookie", fields: []string{"name", "lab", "value", "x"}, shows: true},
		"POST /lab/key":                          {path: "/lab/key", fields: []string{"do", "show"}, shows: true},
		"POST /lab/password":                     {path: "/lab/password", fields: []string{"password", "no real one"}, shows: true},
		"POST /lab/code":                         {path: "/lab/code", fields: []string{"code", "123456"}, shows: true},
		"POST /lab/passkey":                      {path: "/lab/passkey", fields: []string{"do", "soft"}, shows: true},
		"POST /lab/wire":                         {path: "/lab/wire", fields: []string{"secret", "meet me at midnight"}, shows: true},
		"POST /account/profile":                  {path: "/account/profile", fields: []string{"name", "Bob", "email", "bob@site.example"}},
		"POST /account/data":                     {path: "/account/data", shows: true},
		"POST /account/delete":                   {path: "/account/delete", fields: []string{"confirm", "bob"}},
		"POST /auth/passkey":                     {path: "/auth/passkey", fields: []string{"answer", d.Get(t, b.Get("/auth?other").Options("/auth/passkey"))}},
		"POST /account/code":                     {path: "/account/code", fields: []string{"code", app.Code(t)}},
		"POST /account/code/remove":              {path: "/account/code/remove"},
		"POST /account/recovery":                 {path: "/account/recovery", tells: true},
		"POST /account/recovery/file":            {path: "/account/recovery/file", fields: []string{"codes", strings.Join(own.Recovery, " ")}, shows: true},
		"POST /account/recovery/saved":           {path: "/account/recovery/saved"},
		"POST /people/{username}/clear-factors":  {path: "/people/una/clear-factors"},
		"POST /account/passkeys": {
			path: "/account/passkeys", fields: []string{"name", "Phone", "answer", d.Create(t, b.Get("/account/passkeys").Options("/account/passkeys"))},
		},
		"POST /account/passkeys/{id}/rename": {path: passkey + "/rename", fields: []string{"name", "Phone"}},
		"POST /account/passkeys/{id}/remove": {path: passkey + "/remove"},
		"POST /account/app-passwords": {
			path: "/account/app-passwords", fields: []string{"name", "sync"}, tells: true,
		},
		"POST /account/prove": {path: "/account/prove", fields: []string{"password", webtest.Good, "code", own.Code(t)}},
		"POST /account/app-passwords/{id}/revoke": {
			path: "/account/app-passwords/" + s.Texts(t, `SELECT id FROM app_passwords`)[0] + "/revoke",
		},
	}, own
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
	for _, pattern := range handlers.Routes(webtest.New(t, webtest.WithLab, webtest.WithGate, webtest.WithSignUp).Settings) {
		if strings.HasPrefix(pattern, http.MethodPost) {
			t.Run(pattern, func(t *testing.T) {
				t.Parallel()
				s := webtest.New(t, webtest.WithLab, webtest.WithGate, webtest.WithPasskeys, webtest.WithSignUp)
				s.Add(t, "bob", account.Member)
				if strings.Contains(pattern, "/people/") || strings.Contains(pattern, "/apps/") {
					if err := s.Accounts.SetRole(t.Context(), "bob", account.Owner, audit.Command()); err != nil {
						t.Fatal(err)
					}
				}
				b := s.SignedIn(t, "bob")
				all, _ := deeds(t, s, b)
				d, ok := all[pattern]
				if !ok {
					t.Fatal("the matrix has no deed for this route")
				}
				matrix(t, s, b, d, false)
				before, got := s.State(t), b.Clone().Post(d.path, d.fields...)
				if (s.State(t) == before) != d.shows || (got.StatusCode == http.StatusOK) != (d.shows || d.tells) {
					t.Errorf("allowed, it answers %s and changes something: %t", got.Status, s.State(t) != before)
				}
				matrix(t, s, b, d, true)
			})
		}
	}
}

// matrix sends the deed in every way that is to be allowed, or refused.
func matrix(t *testing.T, s *webtest.Site, b *webtest.Browser, d deed, allowed bool) {
	t.Helper()
	for _, row := range csrf {
		for i, origin := range origins {
			for _, as := range []struct {
				who     *webtest.Browser
				allowed bool
			}{{b, row.allowed[i]}, {s.Browser(t), row.without[i]}} {
				if as.allowed == allowed {
					postFrom(t, s, as.who, d, row.site, origin, allowed)
				}
			}
		}
	}
}

func postFrom(t *testing.T, s *webtest.Site, b *webtest.Browser, d deed, site, origin string, allowed bool) {
	t.Helper()
	before := s.State(t)
	got := b.Clone().At(origins[1]).Send(d.path, webtest.Form(d.fields...), "Sec-Fetch-Site", site, "Origin", origin)
	if allowed {
		if got.StatusCode == http.StatusForbidden {
			t.Errorf("Sec-Fetch-Site %q, Origin %q, cookies %q: got %s, want it allowed", site, origin, b.Cookies(), got.Status)
		}
		return
	}
	if got.StatusCode != http.StatusForbidden || got.Text("h1") != "Refused" {
		t.Errorf("Sec-Fetch-Site %q, Origin %q, cookies %q: got %s, want 403", site, origin, b.Cookies(), got.Status)
	}
	if s.State(t) != before || len(got.Cookies()) > 0 {
		t.Errorf("Sec-Fetch-Site %q, Origin %q, cookies %q: refused, yet something changed", site, origin, b.Cookies())
	}
	got.WantHeaders(webtest.HeadersOf{})
	got.WantPage()
}

// Attack browser/csrf: a cookie of ours alone is enough to ask where a POST came from.
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

// Attack browser/csrf: methods that no route takes are refused as other sites' too.
func TestOtherMethodsFromElsewhereAreRefused(t *testing.T) {
	s := webtest.New(t)
	for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, "BREW"} {
		b := s.Browser(t)
		b.Exchange(b.Request(method, "/account", "", "Sec-Fetch-Site", "cross-site")).Want(http.StatusForbidden)
	}
}
