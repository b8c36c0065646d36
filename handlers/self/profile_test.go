package self_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
)

// facts returns the profile's fields on the overview.
func facts(b *webtest.Browser) string {
	b.T.Helper()
	got := b.Get("/account").Want(http.StatusOK)
	got.WantPage()
	return strings.Join(got.Find("section[aria-labelledby=profile] li > *").Map(func(_ int, one *goquery.Selection) string { return one.Text() }), " ")
}

func TestProfile(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	if got := facts(b); got != "Name None: you are called by your username Change Email None Change Groups None" {
		t.Errorf("the profile of a new account is %q", got)
	}
	b.Post("/account/profile", "name", "  Ada <b> ", "email", " Ada@Site.Example ").Want(http.StatusSeeOther, "/account?done=profile")
	b.Get("/account?done=profile").Want(http.StatusOK).Says("[role=status]", "Your profile is saved.")
	b.Get("/").Want(http.StatusOK).Says("h1", "Hello, Ada <b>")
	if err := s.Accounts.SetGroups(t.Context(), "ada", []string{"ops", "dev"}, audit.Command()); err != nil {
		t.Fatal(err)
	}
	if got := facts(b); got != "Name Ada <b> Change Email ada@site.example, not confirmed Change Groups dev, ops" {
		t.Errorf("the profile is %q", got)
	}
	form := b.Get("/account/profile").Want(http.StatusOK)
	form.WantPage()
	if typed := form.Find("#name").AttrOr("value", "") + " " + form.Find("#email").AttrOr("value", ""); typed != "Ada <b> ada@site.example" {
		t.Errorf("the form holds %q", typed)
	}
	b.Post("/account/profile", "name", "", "email", "").Want(http.StatusSeeOther)
	if got := facts(b); !strings.HasPrefix(got, "Name None: you are called by your username Change Email None") {
		t.Errorf("the emptied profile is %q", got)
	}
	if got := s.Texts(t, `SELECT event || ' by ' || actor FROM audit WHERE event IN ('account.name', 'account.email') ORDER BY id`); strings.Join(got, ", ") !=
		"account.name by ada, account.email by ada, account.name by ada, account.email by ada" {
		t.Errorf("the audit log says %q", got)
	}
}

// A confirmed email address stays confirmed when it is sent again, in upper or lower
// case; a new one is not confirmed.
func TestANewEmailAddressIsNotConfirmed(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	if err := s.Accounts.SetEmail(t.Context(), "ada", "ada@site.example", true, audit.Command()); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ email, want string }{
		{"ada@site.example", "Email ada@site.example, confirmed "},
		{" ADA@site.example", "Email ada@site.example, confirmed "},
		{"ada@mail.example", "Email ada@mail.example, not confirmed "},
		{"ada@site.example", "Email ada@site.example, not confirmed "},
	} {
		b.Post("/account/profile", "name", "Ada", "email", row.email).Want(http.StatusSeeOther)
		if got := facts(b); !strings.Contains(got, row.want) {
			t.Errorf("after %q the profile is %q, want %q in it", row.email, got, row.want)
		}
	}
}

func TestAProfileThatIsNotTaken(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	b := s.SignedIn(t, "bob")
	before := s.State(t)
	for _, row := range []struct{ name, email, problem string }{
		{strings.Repeat("ü", 65), "", "A name is at most 64 characters on one line."},
		{"two\nlines", "", "A name is at most 64 characters on one line."},
		{"Bob", "bob", "That is no email address: write one like ada@site.example."},
	} {
		got := b.Post("/account/profile", "name", row.name, "email", row.email).Want(http.StatusUnprocessableEntity)
		got.Says("[role=alert] p", row.problem).WantPage()
		if typed := got.Find("#email").AttrOr("value", ""); typed != row.email {
			t.Errorf("the form holds %q, want %q", typed, row.email)
		}
	}
	if s.State(t) != before {
		t.Error("something changed")
	}
}
