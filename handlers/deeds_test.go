package handlers_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	apps "glassjar/utl/app"
	"glassjar/utl/audit"
	"glassjar/utl/mail"
	"glassjar/utl/passkey/passkeytest"
)

// deed is a POST that changes something, as a page of the site sends it.
type deed struct {
	path   string
	fields []string
	shows  bool // of the lab: the response is a page, and no store changes
	tells  bool // the response is a page that shows a secret once
}

// doer is bob, who makes the requests.
type doer struct {
	*webtest.Site

	b         *webtest.Browser
	device    *passkeytest.Device // a device with one passkey
	app       webtest.App         // his authenticator app
	next      webtest.App         // the app that he is setting up
	elsewhere string              // id of his session in the other browser
}

// deeds returns the deed of each POST route, for bob, who is signed in in b and in
// another browser, and his authenticator app.
func deeds(t *testing.T, s *webtest.Site, b *webtest.Browser) (map[string]deed, webtest.App) {
	t.Helper()
	bob := newDoer(t, s, b)
	others(t, s)
	all := map[string]deed{}
	for _, some := range []map[string]deed{labDeeds, bob.appDeeds(t), bob.peopleDeeds(t), bob.signInDeeds(t), bob.accountDeeds(t)} {
		maps.Copy(all, some)
	}
	return all, bob.app
}

// newDoer gives bob one of everything that a person can have.
func newDoer(t *testing.T, s *webtest.Site, b *webtest.Browser) *doer {
	t.Helper()
	bob := &doer{Site: s, b: b, device: s.Device(), app: b.AddApp(s)}
	b.AddPasskey(bob.device, "Laptop")
	bob.next = b.SetUpApp(s)
	s.Person(t, "bob")
	b.SignIn("bob", webtest.Good).Want(http.StatusSeeOther, "/auth/code") // begins a pending sign-in too
	s.AppPassword(t, "bob", account.AppPassword{Name: "backup"})
	live := s.Texts(t, `SELECT id FROM sessions WHERE ended_at = 0 ORDER BY started_at`)
	bob.elsewhere = live[len(live)-1]
	return bob
}

// others creates the people on whom bob acts.
func others(t *testing.T, s *webtest.Site) {
	t.Helper()
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
}

// labDeeds are the deeds of the lab's pages.
var labDeeds = map[string]deed{
	"POST /lab/request":  {path: "/lab/request", fields: []string{"sub1", "x"}, shows: true},
	"POST /lab/session":  {path: "/lab/session", fields: []string{"do", "add", "key", "a", "value", "b"}, shows: true},
	"POST /lab/cookie":   {path: "/lab/cookie", fields: []string{"name", "lab", "value", "x"}, shows: true},
	"POST /lab/key":      {path: "/lab/key", fields: []string{"do", "show"}, shows: true},
	"POST /lab/password": {path: "/lab/password", fields: []string{"password", "no real one"}, shows: true},
	"POST /lab/code":     {path: "/lab/code", fields: []string{"code", "123456"}, shows: true},
	"POST /lab/passkey":  {path: "/lab/passkey", fields: []string{"do", "soft"}, shows: true},
	"POST /lab/wire":     {path: "/lab/wire", fields: []string{"secret", "meet me at midnight"}, shows: true},
}

// appDeeds returns the deeds of the pages about apps.
func (bob *doer) appDeeds(t *testing.T) map[string]deed {
	t.Helper()
	wiki := "/apps/" + bob.NewApp(t, apps.App{Name: "Wiki", Host: "csrf.example", URL: "http://csrf.example/"}).ID
	return map[string]deed{
		"POST /apps/new":         {path: "/apps/new", fields: []string{"name", "New", "host", "new.example"}},
		"POST /apps/{id}":        {path: wiki, fields: []string{"name", "Notes", "host", "csrf.example"}},
		"POST /apps/{id}/remove": {path: wiki + "/remove"},
		"POST /apps/{id}/test":   {path: wiki + "/test"},
	}
}

// peopleDeeds returns the deeds of the pages about people.
func (bob *doer) peopleDeeds(t *testing.T) map[string]deed {
	t.Helper()
	return map[string]deed{
		"POST /people/{username}/approve":        {path: "/people/wim/approve"},
		"POST /people/{username}/reject":         {path: "/people/wim/reject"},
		"POST /people/invite":                    {path: "/people/invite", fields: []string{"role", "member", "days", "7"}, tells: true},
		"POST /people/invitations/{id}/withdraw": {path: "/people/invitations/" + invitation(t, bob.Site) + "/withdraw"},
		"POST /people/{username}/profile":        {path: "/people/una/profile", fields: []string{"name", "Una", "email", "una@site.example"}},
		"POST /people/{username}/groups":         {path: "/people/una/groups", fields: []string{"groups", "dev"}},
		"POST /people/{username}/role":           {path: "/people/una/role", fields: []string{"role", "owner"}},
		"POST /people/{username}/disable":        {path: "/people/una/disable"},
		"POST /people/{username}/enable":         {path: "/people/ulf/enable"},
		"POST /people/{username}/unlock":         {path: "/people/kim/unlock"},
		"POST /people/{username}/reset":          {path: "/people/una/reset", tells: true},
		"POST /people/{username}/end-sessions":   {path: "/people/una/end-sessions"},
		"POST /people/{username}/delete":         {path: "/people/una/delete", fields: []string{"confirm", "una"}},
		"POST /people/{username}/clear-factors":  {path: "/people/una/clear-factors"},
	}
}

// signInDeeds returns the deeds of signing in and out.
func (bob *doer) signInDeeds(t *testing.T) map[string]deed {
	t.Helper()
	return map[string]deed{
		"POST /join":           {path: "/join", fields: []string{"username", "eva", "password", webtest.Other, "email", "eva@site.example"}},
		"POST /forgot":         {path: "/forgot", fields: []string{"username", "una"}},
		"POST /confirm/{code}": {path: bob.MailedLink(t, mail.Confirm, "una")},
		"POST /signup/{code}":  {path: bob.SignUpLink(t, "sue")},
		"POST /lock/{code}":    {path: bob.MailedLink(t, mail.NewBrowser, "una")},
		"POST /auth":           {path: "/auth", fields: []string{"username", "bob", "password", webtest.Good}},
		"POST /auth/code":      {path: "/auth/code", fields: []string{"code", "123456"}},
		"POST /logout":         {path: "/logout"},
		"POST /join/{code}":    {path: bob.Link(t, account.Member), fields: []string{"username", "eve", "password", webtest.Other}},
		"POST /reset/{code}":   {path: bob.Link(t, "bob"), fields: []string{"password", webtest.Other}},
		"POST /auth/passkey":   {path: "/auth/passkey", fields: []string{"answer", bob.device.Get(t, bob.b.Get("/auth?other").Options("/auth/passkey"))}},
	}
}

// accountDeeds returns the deeds of the pages of a person's own account.
func (bob *doer) accountDeeds(t *testing.T) map[string]deed {
	t.Helper()
	passkey := "/account/passkeys/" + bob.Texts(t, `SELECT id FROM passkeys`)[0]
	appPassword := "/account/app-passwords/" + bob.Texts(t, `SELECT id FROM app_passwords`)[0]
	return map[string]deed{
		"POST /account/lock":                      {path: "/account/lock"},
		"POST /account/notices/{id}/seen":         {path: "/account/notices/" + notice(t, bob.Site, "bob") + "/seen"},
		"POST /account/password":                  {path: "/account/password", fields: []string{"current", webtest.Good, "password", webtest.Other}},
		"POST /account/sessions/{id}/end":         {path: "/account/sessions/" + bob.elsewhere + "/end"},
		"POST /account/sessions/end-others":       {path: "/account/sessions/end-others"},
		"POST /account/profile":                   {path: "/account/profile", fields: []string{"name", "Bob", "email", "bob@site.example"}},
		"POST /account/data":                      {path: "/account/data", shows: true},
		"POST /account/delete":                    {path: "/account/delete", fields: []string{"confirm", "bob"}},
		"POST /account/code":                      {path: "/account/code", fields: []string{"code", bob.next.Code(t)}},
		"POST /account/code/remove":               {path: "/account/code/remove"},
		"POST /account/recovery":                  {path: "/account/recovery", tells: true},
		"POST /account/recovery/file":             {path: "/account/recovery/file", fields: []string{"codes", strings.Join(bob.app.Recovery, " ")}, shows: true},
		"POST /account/recovery/saved":            {path: "/account/recovery/saved"},
		"POST /account/passkeys":                  {path: "/account/passkeys", fields: []string{"name", "Phone", "answer", bob.device.Create(t, bob.b.Get("/account/passkeys").Options("/account/passkeys"))}},
		"POST /account/passkeys/{id}/rename":      {path: passkey + "/rename", fields: []string{"name", "Phone"}},
		"POST /account/passkeys/{id}/remove":      {path: passkey + "/remove"},
		"POST /account/app-passwords":             {path: "/account/app-passwords", fields: []string{"name", "sync"}, tells: true},
		"POST /account/prove":                     {path: "/account/prove", fields: []string{"password", webtest.Good, "code", bob.app.Code(t)}},
		"POST /account/app-passwords/{id}/revoke": {path: appPassword + "/revoke"},
	}
}

// invitation returns the id of an unused invitation.
func invitation(t *testing.T, s *webtest.Site) string {
	t.Helper()
	s.Link(t, account.Member)
	all, err := s.Accounts.Invitations(t.Context(), "")
	if err != nil || len(all) == 0 {
		t.Fatalf("%d invitations, %v", len(all), err)
	}
	return all[0].ID
}

// notice returns the id of one of the account's notices.
func notice(t *testing.T, s *webtest.Site, name string) string {
	t.Helper()
	all := s.Texts(t, `SELECT n.id FROM notices n JOIN accounts a ON a.id = n.account_id WHERE a.username = ?`, name)
	if len(all) == 0 {
		t.Fatal("no notice")
	}
	return all[0]
}
