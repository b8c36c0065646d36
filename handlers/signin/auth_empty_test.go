package signin_test

import (
	"net/http"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// Before an account exists, the sign-in form says what to do instead, on every way to it and
// after a try to sign in. Once an account exists, it does not.
func TestNoAccountYet(t *testing.T) {
	s := webtest.New(t)
	const words = "Open the link that the server printed when it started, and make the owner’s account. " +
		"If the link is lost, or older than 24 hours, start the server again: it prints a new one."
	b := s.Browser(t)
	b.Get("/").Want(http.StatusOK).Says("#empty p", words)
	b.Get("/auth?username=ada").Want(http.StatusOK).Says("#empty p", words)
	b.Post("/auth", "username", "ada", "password", webtest.Good).Want(http.StatusUnprocessableEntity).Says("#empty p", words)
	s.Add(t, "ada", account.Owner)
	for _, path := range []string{"/", "/auth?username=ada"} {
		if n := b.Get(path).Want(http.StatusOK).Find("#empty").Length(); n != 0 {
			t.Errorf("%s still says that there is no account", path)
		}
	}
}

// The pages of links that are not valid any more, or not yet, say why.
func TestLinksOfTheFirstDay(t *testing.T) {
	s := webtest.New(t)
	old, err := s.Accounts.NewFirst(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Move(time.Minute)
	if _, err := s.Accounts.NewFirst(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Browser(t).Get("/join/"+old).Want(http.StatusGone).Says("h1", "A newer link replaced this one")

	member := s.Link(t, account.Member)
	s.Exec(t, `UPDATE accounts SET disabled_at = 1`) // as if the link had been created before there was an owner
	s.Browser(t).Post(member, "username", "bob", "password", webtest.Good).Want(http.StatusConflict).Says("h1", "The owner comes first")
	s.Exec(t, `UPDATE accounts SET disabled_at = 0`)
	s.Browser(t).Post(member, "username", "admin", "password", webtest.Good).Want(http.StatusUnprocessableEntity).Says("#problem p", "That username is reserved. Choose another.")
	s.Browser(t).Post(member, "username", "bob", "password", webtest.Good).Want(http.StatusSeeOther)
}
