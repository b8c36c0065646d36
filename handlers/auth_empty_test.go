package handlers_test

import (
	"net/http"
	"testing"

	"glassjar/utl/account"
)

// Before there is an account, the sign-in form says what to do instead, however
// one comes to it, and also when somebody tries. Then it never says it again.
func TestNoAccountYet(t *testing.T) {
	s := newSite(t)
	const words = "Open the link that the server printed when it started, and make the owner’s account. " +
		"If the link is lost, or older than 24 hours, start the server again: it prints a new one."
	b := s.browser(t)
	b.get("/").want(http.StatusOK).says("#empty p", words)
	b.get("/auth?username=ada").want(http.StatusOK).says("#empty p", words)
	b.post("/auth", "username", "ada", "password", good).want(http.StatusUnprocessableEntity).says("#empty p", words)
	s.add(t, "ada", account.Owner)
	for _, path := range []string{"/", "/auth?username=ada"} {
		if n := b.get(path).want(http.StatusOK).find("#empty").Length(); n != 0 {
			t.Errorf("%s still says that there is no account", path)
		}
	}
}

// The pages of links that work no more, or not yet, say why.
func TestLinksOfTheFirstDay(t *testing.T) {
	s := newSite(t)
	old, err := s.accounts.NewFirst(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.accounts.NewFirst(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.browser(t).get("/join/"+old).want(http.StatusGone).says("h1", "A newer link replaced this one")

	member := s.link(t, account.Member)
	s.exec(t, `UPDATE accounts SET disabled_at = 1`) // as if it was made before there was an owner
	s.browser(t).post(member, "username", "bob", "password", good).want(http.StatusConflict).says("h1", "The owner comes first")
	s.exec(t, `UPDATE accounts SET disabled_at = 0`)
	s.browser(t).post(member, "username", "admin", "password", good).want(http.StatusUnprocessableEntity).says("#problem p", "That username is reserved. Choose another.")
	s.browser(t).post(member, "username", "bob", "password", good).want(http.StatusSeeOther)
}
