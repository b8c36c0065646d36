package signin_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/mail"
)

// Attack mail/lock: the notice of a sign-in from a new browser has a link that locks the
// account without a sign-in. Opening the link alone changes nothing.
func TestANoticeLocks(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	if err := s.Accounts.SetEmail(t.Context(), "bob", "bob@site.example", true, audit.Command()); err != nil {
		t.Fatal(err)
	}
	box := s.WithMail(t)
	bob := s.Browser(t)
	bob.Header.Set("User-Agent", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\u202e")
	bob.SignIn("bob", webtest.Good).Want(http.StatusSeeOther)
	m := box.One(t, "bob@site.example", "A new browser signed in to Ada's jar")
	if text, _ := m.Parts(t); !strings.Contains(text, "Browser: Chrome on Windows\nAddress: 127.0.0.1\n") || !strings.Contains(text, s.Public()+"/lock/") {
		t.Errorf("the mail says\n%s", text)
	}
	if text := bob.Get("/account").Want(http.StatusOK).Text(".todo"); strings.Contains(text, "browser") {
		t.Errorf("it was mailed, and stands there too: %q", text)
	}
	stranger := s.Browser(t)
	stranger.Get(m.Link(t)).Want(http.StatusOK).WantPage()
	bob.Get("/account").Want(http.StatusOK)
	stranger.Post(m.Link(t)).Want(http.StatusSeeOther, "/auth?done=locked")
	stranger.Get("/auth?done=locked").Want(http.StatusOK).WantPage()
	bob.Get("/account").Want(http.StatusSeeOther)
	stranger.Get(m.Link(t)).Want(http.StatusGone)
	stranger.Post(m.Link(t)).Want(http.StatusGone)
	ada := s.SignedIn(t, "ada")
	if text := ada.Get("/people/bob").Want(http.StatusOK).Text("#locked"); !strings.HasPrefix(text, "Locked until ") {
		t.Errorf("the owner is told %q", text)
	}
	ada.Post("/people/bob/reset").Want(http.StatusUnprocessableEntity)
	ada.Post("/people/bob/unlock").Want(http.StatusSeeOther, "/people/bob?done=unlock")
	ada.Get("/people/bob?done=unlock").Want(http.StatusOK).WantPage()
	ada.Post("/people/bob/reset").Want(http.StatusOK)
	if got := s.Texts(t, `SELECT event || ' by ' || actor FROM audit WHERE event IN ('account.locked', 'account.unlocked') ORDER BY id`); strings.Join(got, ", ") !=
		"account.locked by bob, account.unlocked by ada" {
		t.Errorf("the audit log says %q", got)
	}
}

// A lock's link in a browser where somebody else is signed in does not sign them out, and does
// not speak of their account.
func TestALockElsewhere(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	ada, bob := s.SignedIn(t, "ada"), s.SignedIn(t, "bob")
	ada.Post(s.MailedLink(t, mail.PasswordChanged, "bob")).Want(http.StatusSeeOther, "/auth?other=1&done=locked")
	ada.Get("/auth?other=1&done=locked").Want(http.StatusOK).WantPage()
	ada.Get("/account").Want(http.StatusOK)
	bob.Post(s.MailedLink(t, mail.PasswordChanged, "bob")).Want(http.StatusSeeOther, "/auth?done=locked")
	bob.Get("/account").Want(http.StatusSeeOther)
}

// If another account confirmed the address meanwhile, it cannot be confirmed again.
func TestATakenAddressIsNotConfirmed(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	by := audit.Command()
	if err := s.Accounts.SetEmail(t.Context(), "bob", "x@site.example", false, by); err != nil {
		t.Fatal(err)
	}
	link := s.MailedLink(t, mail.Confirm, "bob")
	if err := s.Accounts.SetEmail(t.Context(), "ada", "x@site.example", true, by); err != nil {
		t.Fatal(err)
	}
	got := s.Browser(t).Post(link).Want(http.StatusUnprocessableEntity)
	got.WantPage()
	got.Says("[role=alert] p", "That email address is confirmed as another account's.")
	if err := s.Accounts.SetEmail(t.Context(), "bob", "y@site.example", false, by); err != nil {
		t.Fatal(err)
	}
	s.Browser(t).Get(link).Want(http.StatusGone) // another address took its place
}
