package signin_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

func TestSignInVisitSignOut(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.Browser(t)

	b.Get("/account").Want(http.StatusSeeOther, "/?next=%2Faccount")
	form := b.Get("/?next=%2Faccount").Want(http.StatusOK)
	if got := form.Text("h1"); got != "Sign in" {
		t.Errorf("the heading is %q, want Sign in", got)
	}
	if got := form.Find("input[name=next]").AttrOr("value", ""); got != "/account" {
		t.Errorf("next is %q, want /account", got)
	}

	b.Post("/auth", "username", "Ada", "password", webtest.Good, "next", "/account").Want(http.StatusSeeOther, "/account")
	if got := b.Get("/account").Want(http.StatusOK).Text(".lead"); got != "You are ada, an owner of this site." {
		t.Errorf("the account page says %q", got)
	}
	before := b.Cookies()

	b.Post("/logout").Want(http.StatusSeeOther, "/")
	if got := b.Cookies(); strings.Contains(got, "glassjar=") {
		t.Errorf("after signing out the browser holds %q", got)
	}
	b.Get("/account").Want(http.StatusSeeOther)

	replay := s.Browser(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.Public()+"/account", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", before)
	replay.Exchange(req).Want(http.StatusSeeOther) // Attack cookie/replay
}

func TestSignInFails(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	for _, test := range []struct{ name, username, password string }{
		{"a wrong password", "ada", webtest.Other},
		{"an unknown name", "eve", webtest.Good},
		{"a name that is none", "ö", webtest.Good},
		{"an empty password", "ada", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := s.Browser(t)
			got := b.Post("/auth", "username", test.username, "password", test.password).Want(http.StatusUnprocessableEntity)
			if text := got.Text("[role=alert] p"); text != "The username or the password is not right. Check both, then try again." {
				t.Errorf("the message is %q", text)
			}
			if kept := got.Find("#username").AttrOr("value", ""); kept != test.username {
				t.Errorf("the name kept is %q, want %q", kept, test.username)
			}
			if _, there := got.Find("#password").Attr("value"); there {
				t.Error("the password came back")
			}
			if b.Cookies() != "" {
				t.Error("a cookie was set")
			}
		})
	}
}
