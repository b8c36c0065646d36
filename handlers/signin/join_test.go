package signin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/db"
)

func TestJoin(t *testing.T) {
	for role, words := range map[string]string{
		account.Owner:  "You will be an owner: you manage the people here",
		account.Member: "You will be a member of this site",
	} {
		s := webtest.New(t)
		link, b := s.Link(t, role), s.Browser(t)
		b.Get(link).Want(http.StatusOK).Says(".head p", words).
			Says("#name-rule", "A username is 1 to 32 letters (a to z), digits, dots, dashes and underscores, and starts with a letter or a digit.")
		got := b.Post(link, "username", "Ada", "password", webtest.Good).Want(http.StatusSeeOther, "/")
		webtest.WantCookie(t, got.Cookie("glassjar"), 0, false)
		webtest.WantCookie(t, got.Cookie("glassjar-device"), 365*24*time.Hour, false)
		b.Get("/").Want(http.StatusOK).Says("h1", "Hello, ada")
		if roles := s.Texts(t, `SELECT role FROM accounts WHERE username = 'ada'`); len(roles) != 1 || roles[0] != role {
			t.Errorf("the accounts are %q, want one %s", roles, role)
		}
	}
}

// After a mistake in the form, the link is still valid.
func TestALinkOutlivesMistakes(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "taken", account.Owner)
	join, reset, b := s.Link(t, account.Member), s.Link(t, "taken"), s.Browser(t)
	for _, row := range []struct{ name, username, password, problem string }{
		{"a name that is none", "Ö", webtest.Good, "A username is 1 to 32 letters (a to z), digits, dots, dashes and underscores, and starts with a letter or a digit."},
		{"no name", "", webtest.Good, "A username is 1 to 32 letters (a to z), digits, dots, dashes and underscores, and starts with a letter or a digit."},
		{"a name that is taken", "Taken", webtest.Good, "That username is taken. Choose another."},
		{"a short password", "ada", "fourteen bytes", "That password is too short: it must have at least 15 characters."},
		{"a common password", "ada", "passwordpassword", "That password is on the lists that attackers try first, or is such a word with digits and signs around it. Choose another."},
		{"its own name in it", "adalovelace", "i am adalovelace", "That password contains your username. Choose another."},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := b.Post(join, "username", row.username, "password", row.password).Want(http.StatusUnprocessableEntity)
			got.Says("[role=alert] p", row.problem).WantPage()
			if got.Find("#username").AttrOr("value", "") != row.username || strings.Contains(got.Body, row.password) || b.Cookies() != "" {
				t.Error("the name is gone, the password came back, or a cookie came")
			}
		})
	}
	for _, password := range []string{"short", "i am taken, and fine"} {
		b.Post(reset, "password", password).Want(http.StatusUnprocessableEntity).WantPage()
	}
	b.Post(join, "username", "ada", "password", webtest.Good).Want(http.StatusSeeOther)
	b.Post(reset, "password", webtest.Other).Want(http.StatusSeeOther)
}

// Attack cookie/replay: a reset ends every session, and signs in whoever made it.
func TestReset(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	inside, b, link := s.SignedIn(t, "ada"), s.Browser(t), s.Link(t, "ada")
	b.Get(link).Want(http.StatusOK).Says(".head p b", "ada").
		WantHeader("Referrer-Policy", "strict-origin")
	b.Post(link, "password", webtest.Other, "username", "eve").Want(http.StatusSeeOther, "/")
	b.Get("/").Says("h1", "Hello, ada")
	inside.Get("/account").Want(http.StatusSeeOther)
	s.Browser(t).SignIn("ada", webtest.Good).Want(http.StatusUnprocessableEntity)
	s.Browser(t).SignIn("ada", webtest.Other).Want(http.StatusSeeOther)
}

// Unknown, used, expired and cancelled links get the same response.
func TestLinksThatAreNotGood(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	s.Add(t, "out", account.Member)
	expired, expiredReset := s.Link(t, account.Member), s.Link(t, "bob")
	s.Clock.Move(account.LinkLife)
	used, usedReset := s.Link(t, account.Member), s.Link(t, "bob")
	cancelled, disabled := s.Link(t, "bob"), s.Link(t, "out")
	s.Disable(t, "out")
	s.Browser(t).Post(used, "username", "eve", "password", webtest.Good).Want(http.StatusSeeOther)
	s.Browser(t).Post(usedReset, "password", webtest.Other).Want(http.StatusSeeOther)
	fresh := s.Link(t, account.Member)

	var first string
	for name, path := range map[string]string{
		"unknown": "/join/NONE", "used": used, "expired": expired, "in lower case": strings.ToLower(fresh),
		"of the other kind": strings.Replace(fresh, "/join/", "/reset/", 1), "an expired reset": expiredReset,
		"a used reset": usedReset, "cancelled by another": cancelled, "of a disabled account": disabled,
		"5 KB": "/join/" + strings.Repeat("x", 5000), "quotes": "/reset/%27%20OR%201=1", "bad UTF-8": "/join/%ff", "NUL": "/reset/%00",
	} {
		before := s.State(t)
		for _, got := range []*webtest.Answer{
			s.Browser(t).Get(path), s.Browser(t).Post(path, "username", "mallory", "password", webtest.Good), s.Person(t, "ada").Get(path),
		} {
			got.Want(http.StatusGone).Says("h1", "This link is used up").WantHeader("Referrer-Policy", "strict-origin")
			if first == "" {
				first = got.Body
			}
			if got.Body != first {
				t.Errorf("%s: the page differs from the others", name)
			}
		}
		if now := s.State(t); len(strings.Split(now, "\n")) != len(strings.Split(before, "\n"))+2 { // one more session of ada's and its event
			t.Errorf("%s: something changed", name)
		}
	}
}

// The first owner's link is valid only while no account exists.
func TestTheFirstOwnersLink(t *testing.T) {
	s := webtest.New(t)
	code, err := s.Accounts.NewFirst(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Browser(t).Get("/join/" + code).Want(http.StatusOK)
	s.Add(t, "ada", account.Owner)
	s.Browser(t).Get("/join/" + code).Want(http.StatusGone)
	s.Browser(t).Post("/join/"+code, "username", "eve", "password", webtest.Good).Want(http.StatusGone)
	if n, err := db.One(t.Context(), s.DB, db.Int, `SELECT COUNT(*) FROM accounts`); n != 1 || err != nil {
		t.Errorf("%d accounts (%v), want one", n, err)
	}
}

// Somebody who is signed in and uses a link is then signed in as the new account.
func TestALinkOpenedBySomebodySignedIn(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	old := b.Clone()
	b.Post(s.Link(t, account.Member), "username", "bob", "password", webtest.Good).Want(http.StatusSeeOther, "/")
	b.Get("/").Says("h1", "Hello, bob")
	old.Get("/account").Want(http.StatusSeeOther)
}
