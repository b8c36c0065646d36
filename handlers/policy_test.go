package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	apps "glassjar/utl/app"
)

// Attack factors/policy: with SECOND_FACTOR=required a session of level 1 is accepted
// only by pages that add a second factor, sign-out and open pages; the gate refuses it.
func TestASecondFactorIsRequired(t *testing.T) {
	s := webtest.New(t, webtest.WithGate, webtest.WithLab, func(c *handlers.Config) { c.SecondFactor = true })
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	to := func(path string) string { return "/auth/step-up?" + webtest.Form("next", path) }
	for _, path := range []string{"/", "/account", "/account/profile", "/account/password", "/account/app-passwords", "/people", "/people/ada", "/pages/"} {
		b.Get(path).Want(http.StatusSeeOther, to(path))
	}
	before := s.State(t)
	b.Post("/account/profile", "name", "Ada").Want(http.StatusSeeOther, to("/account/profile"))
	b.Post("/people/ada/role", "role", "member").Want(http.StatusSeeOther, to("/people/ada"))
	if s.State(t) != before {
		t.Error("something changed")
	}
	step := b.Get("/auth/step-up?next=/account").Want(http.StatusOK).Says("h1", "One more step")
	step.WantPage()
	if step.Find(`a[href^="/account/passkeys"]`).Length() > 0 {
		t.Error("a passkey is offered where there can be none")
	}
	for _, path := range []string{"/account/prove", "/account/passkeys", "/lab", "/healthz", "/logout"} {
		b.Get(path).Want(http.StatusOK)
	}
	header := webtest.Asked(s.Public()+"/", "Cookie", b.Cookies(), "Sec-Fetch-Mode", "navigate")
	if got := b.Get("/gate/forward", header...); got.StatusCode == http.StatusOK {
		t.Error("it passes the gate")
	}
	app := s.AddApp(t, "ada")
	other := s.Browser(t)
	other.SignInWith(app, "ada")
	if other.Get("/account").Want(http.StatusOK).Find("#passkeys").Length() > 0 {
		t.Error("the account's page offers passkeys where there can be none")
	}
	other.Get("/").Want(http.StatusOK).Says("h1", "Hello, ada")
	if !strings.Contains(other.Cookies(), "glassjar=") {
		t.Error("it is not signed in")
	}
	wiki := s.NewApp(t, apps.App{Name: "Wiki", Host: "one.example", URL: "http://one.example/"})
	if got := other.Get("/apps/" + wiki.ID + "?url=http://one.example/&as=ada").Want(http.StatusOK); !strings.Contains(got.Find("main").Text(), "A second factor is needed") {
		t.Error("the app's page says that one factor is enough")
	}
}

// Attack factors/policy: people cannot remove their own last second factor where
// everybody needs one, and can where it is optional.
func TestTheLastSecondFactorStays(t *testing.T) {
	s := webtest.New(t, func(c *handlers.Config) { c.SecondFactor = true })
	s.Add(t, "ada", account.Owner)
	app := s.AddApp(t, "ada")
	b := s.Browser(t)
	b.SignInWith(app, "ada")
	for _, required := range []bool{true, false} {
		s.Accounts.SecondFactor = required
		status, left := http.StatusSeeOther, "0"
		if required {
			status, left = http.StatusConflict, "1"
		}
		b.Post("/account/code/remove").Want(status)
		if got := s.Texts(t, `SELECT CAST(COUNT(*) AS TEXT) FROM authenticators`); got[0] != left {
			t.Errorf("required: %t: %s are left, want %s", required, got[0], left)
		}
	}
}
