package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/utl/account"
)

func TestSignInVisitSignOut(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	b := s.browser(t)

	b.get("/account").want(http.StatusSeeOther, "/?next=%2Faccount")
	form := b.get("/?next=%2Faccount").want(http.StatusOK)
	if got := form.text("h1"); got != "Sign in" {
		t.Errorf("the heading is %q, want Sign in", got)
	}
	if got := form.find("input[name=next]").AttrOr("value", ""); got != "/account" {
		t.Errorf("next is %q, want /account", got)
	}

	b.post("/auth", "username", "Ada", "password", good, "next", "/account").want(http.StatusSeeOther, "/account")
	if got := b.get("/account").want(http.StatusOK).text(".lead"); got != "You are ada, an owner of this site." {
		t.Errorf("the account page says %q", got)
	}
	before := b.cookies()

	b.post("/logout").want(http.StatusSeeOther, "/")
	if got := b.cookies(); strings.Contains(got, "glassjar=") {
		t.Errorf("after signing out the browser holds %q", got)
	}
	b.get("/account").want(http.StatusSeeOther)

	replay := s.browser(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.public()+"/account", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Cookie", before)
	replay.do(req).want(http.StatusSeeOther) // Attack cookie/replay
}

func TestSignInFails(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	s.add(t, "bob", account.Member)
	for _, test := range []struct{ name, username, password string }{
		{"a wrong password", "ada", other},
		{"an unknown name", "eve", good},
		{"a name that is none", "ö", good},
		{"an empty password", "ada", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := s.browser(t)
			got := b.post("/auth", "username", test.username, "password", test.password).want(http.StatusUnprocessableEntity)
			if text := got.text("[role=alert] p"); text != "The username or the password is not right. Check both, then try again." {
				t.Errorf("the message is %q", text)
			}
			if kept := got.find("#username").AttrOr("value", ""); kept != test.username {
				t.Errorf("the name kept is %q, want %q", kept, test.username)
			}
			if _, there := got.find("#password").Attr("value"); there {
				t.Error("the password came back")
			}
			if b.cookies() != "" {
				t.Error("a cookie was set")
			}
		})
	}
}
