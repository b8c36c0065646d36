package handlers_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/db"
)

func TestJoin(t *testing.T) {
	for role, words := range map[string]string{
		account.Owner:  "You will be an owner: you manage the people here",
		account.Member: "You will be a member of this site",
	} {
		s := newSite(t)
		link, b := s.link(t, role), s.browser(t)
		b.get(link).want(http.StatusOK).says(".head p", words).
			says("#name-rule", "A username is 1 to 32 letters (a to z), digits, dots, dashes and underscores, and starts with a letter or a digit.")
		got := b.post(link, "username", "Ada", "password", good).want(http.StatusSeeOther, "/")
		wantCookie(t, got.cookie("glassjar"), 0, false)
		wantCookie(t, got.cookie("glassjar-device"), 365*24*time.Hour, false)
		b.get("/").want(http.StatusOK).says("h1", "Hello, ada")
		if roles := s.texts(t, `SELECT role FROM accounts WHERE username = 'ada'`); len(roles) != 1 || roles[0] != role {
			t.Errorf("the accounts are %q, want one %s", roles, role)
		}
	}
}

// A form that cannot be taken leaves the link as good as before.
func TestALinkOutlivesMistakes(t *testing.T) {
	s := newSite(t)
	s.add(t, "taken", account.Owner)
	join, reset, b := s.link(t, account.Member), s.link(t, "taken"), s.browser(t)
	for _, row := range []struct{ name, username, password, problem string }{
		{"a name that is none", "Ö", good, "A username is 1 to 32 letters (a to z), digits, dots, dashes and underscores, and starts with a letter or a digit."},
		{"no name", "", good, "A username is 1 to 32 letters (a to z), digits, dots, dashes and underscores, and starts with a letter or a digit."},
		{"a name that is taken", "Taken", good, "That username is taken. Choose another."},
		{"a short password", "ada", "fourteen bytes", "That password is too short: it must have at least 15 characters."},
		{"a common password", "ada", "passwordpassword", "That password is on the lists that attackers try first, or is such a word with digits and signs around it. Choose another."},
		{"its own name in it", "adalovelace", "i am adalovelace", "That password holds your username. Choose another."},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := b.post(join, "username", row.username, "password", row.password).want(http.StatusUnprocessableEntity)
			got.says("[role=alert] p", row.problem).wantPage()
			if got.find("#username").AttrOr("value", "") != row.username || strings.Contains(got.body, row.password) || b.cookies() != "" {
				t.Error("the name is gone, the password came back, or a cookie came")
			}
		})
	}
	for _, password := range []string{"short", "i am taken, and fine"} {
		b.post(reset, "password", password).want(http.StatusUnprocessableEntity).wantPage()
	}
	b.post(join, "username", "ada", "password", good).want(http.StatusSeeOther)
	b.post(reset, "password", other).want(http.StatusSeeOther)
}

// Attack cookie/replay: a reset ends every session, and signs in who made it.
func TestReset(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	inside, b, link := s.signedIn(t, "ada"), s.browser(t), s.link(t, "ada")
	b.get(link).want(http.StatusOK).says(".head p b", "ada").
		header("Referrer-Policy", "strict-origin")
	b.post(link, "password", other, "username", "eve").want(http.StatusSeeOther, "/")
	b.get("/").says("h1", "Hello, ada")
	inside.get("/account").want(http.StatusSeeOther)
	s.browser(t).signIn("ada", good).want(http.StatusUnprocessableEntity)
	s.browser(t).signIn("ada", other).want(http.StatusSeeOther)
}

// Unknown, used, expired and cancelled links answer alike, whoever asks.
func TestLinksThatAreNotGood(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	s.add(t, "bob", account.Member)
	s.add(t, "out", account.Member)
	expired, expiredReset := s.link(t, account.Member), s.link(t, "bob")
	s.clock.move(account.LinkLife)
	used, usedReset := s.link(t, account.Member), s.link(t, "bob")
	cancelled, disabled := s.link(t, "bob"), s.link(t, "out")
	s.disable(t, "out")
	s.browser(t).post(used, "username", "eve", "password", good).want(http.StatusSeeOther)
	s.browser(t).post(usedReset, "password", other).want(http.StatusSeeOther)
	fresh := s.link(t, account.Member)

	var first string
	for name, path := range map[string]string{
		"unknown": "/join/NONE", "used": used, "expired": expired, "in lower case": strings.ToLower(fresh),
		"of the other kind": strings.Replace(fresh, "/join/", "/reset/", 1), "an expired reset": expiredReset,
		"a used reset": usedReset, "cancelled by another": cancelled, "of a disabled account": disabled,
		"5 KB": "/join/" + strings.Repeat("x", 5000), "quotes": "/reset/%27%20OR%201=1", "bad UTF-8": "/join/%ff", "NUL": "/reset/%00",
	} {
		before := s.state(t)
		for _, got := range []*answer{
			s.browser(t).get(path), s.browser(t).post(path, "username", "mallory", "password", good), s.person(t, "ada").get(path),
		} {
			got.want(http.StatusGone).says("h1", "This link is used up").header("Referrer-Policy", "strict-origin")
			if first == "" {
				first = got.body
			}
			if got.body != first {
				t.Errorf("%s: the page differs from the others", name)
			}
		}
		if now := s.state(t); len(strings.Split(now, "\n")) != len(strings.Split(before, "\n"))+2 { // ada's session and its event
			t.Errorf("%s: something changed", name)
		}
	}
}

// The first owner's link is good only while no account exists.
func TestTheFirstOwnersLink(t *testing.T) {
	s := newSite(t)
	code, err := s.accounts.NewFirst(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.browser(t).get("/join/" + code).want(http.StatusOK)
	s.add(t, "ada", account.Owner)
	s.browser(t).get("/join/" + code).want(http.StatusGone)
	s.browser(t).post("/join/"+code, "username", "eve", "password", good).want(http.StatusGone)
	if n, err := db.One(t.Context(), s.db, db.Int, `SELECT COUNT(*) FROM accounts`); n != 1 || err != nil {
		t.Errorf("%d accounts (%v), want one", n, err)
	}
}

// Who is signed in and opens a link goes on as the account that it makes.
func TestALinkOpenedBySomebodySignedIn(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	b := s.signedIn(t, "ada")
	old := b.clone()
	b.post(s.link(t, account.Member), "username", "bob", "password", good).want(http.StatusSeeOther, "/")
	b.get("/").says("h1", "Hello, bob")
	old.get("/account").want(http.StatusSeeOther)
}
