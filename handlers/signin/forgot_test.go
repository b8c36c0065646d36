package signin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/mail"
)

// forgetful is a site with mail, and an account of each kind.
func forgetful(t *testing.T) (*webtest.Site, *webtest.Mailbox) {
	t.Helper()
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	for _, name := range []string{"bob", "unconfirmed", "disabled", "locked", "none"} {
		s.Add(t, name, account.Member)
		if name == "none" {
			continue
		}
		if err := s.Accounts.SetEmail(t.Context(), name, name+"@site.example", name != "unconfirmed", audit.Command()); err != nil {
			t.Fatal(err)
		}
	}
	s.Disable(t, "disabled")
	s.Lock(t, "locked")
	return s, s.WithMail(t)
}

// Attack mail/forgot: the response is the same bytes for every name, and the handler looks no
// account up. Only an account with a confirmed address gets a mail.
func TestForgot(t *testing.T) {
	s, box := forgetful(t)
	s.Browser(t).Get("/").Want(http.StatusOK).Says(".aside a[href='/forgot']", "Forgot your password?")
	s.Browser(t).Get("/forgot").Want(http.StatusOK).WantPage()
	var first string
	for i, name := range []string{"bob", "nobody", "unconfirmed", "disabled", "locked", "none", "unconfirmed@site.example", "no@body.example", "' OR 1=1", strings.Repeat("bob ", 1000)} {
		b := s.Stranger(t, "192.0.2.7")
		got := b.Post("/forgot", "username", name).Want(http.StatusSeeOther, "/forgot?done=sent")
		got.Header.Del("Date")
		answer := webtest.Form("body", got.Body, "headers", strings.Join(slices.Sorted(maps(got.Header)), "\n"))
		if i == 0 {
			first = answer
		}
		if answer != first {
			t.Errorf("%q: got\n%s, want\n%s", name, answer, first)
		}
	}
	page := s.Browser(t).Get("/forgot?done=sent").Want(http.StatusOK)
	page.WantPage()
	page.Says("h1", "Check your mail")
	m := box.One(t, "bob@site.example", "Set a new password for Ada's jar")
	if text, _ := m.Parts(t); !strings.Contains(text, s.Public()+m.Link(t)+"\n") || !strings.Contains(text, "Address: 192.0.2.7\n") {
		t.Errorf("the mail says\n%s", text)
	}
	if left := s.Texts(t, `SELECT typed || address || agent FROM forgotten WHERE typed || address || agent <> '' OR done_at = 0`); len(left) > 0 {
		t.Errorf("what was typed is kept: %q", left)
	}
	bob := s.Browser(t)
	bob.Post(m.Link(t), "password", webtest.Other).Want(http.StatusSeeOther)
	bob.Post(m.Link(t), "password", webtest.Other).Want(http.StatusGone)
	if all := box.Deliver(t); len(all) != 1 || all[0].Subject(t) != "Your password for Ada's jar was changed" {
		t.Errorf("%d mails came", len(all))
	}
}

func maps(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name, values := range h {
			if name != "X-Request-Id" && !yield(name+": "+strings.Join(values, ", ")) {
				return
			}
		}
	}
}

// An email address works as a username does, in upper and lower case.
func TestForgotByAddress(t *testing.T) {
	s, box := forgetful(t)
	s.Browser(t).Post("/forgot", "username", " Bob@SITE.example ").Want(http.StatusSeeOther)
	box.One(t, "bob@site.example", "Set a new password for Ada's jar")
}

// Attack mail/flood: a client address may ask ten times an hour, and nobody is mailed
// more than once in five minutes and ten times a day, however many ask.
func TestManyForgot(t *testing.T) {
	s, box := forgetful(t)
	b := s.Stranger(t, "2001:db8::1")
	for range mail.MaxAsks {
		b.Post("/forgot", "username", "bob").Want(http.StatusSeeOther)
	}
	for _, name := range []string{"bob", "nobody"} {
		got := s.Stranger(t, "2001:db8::2:1").Post("/forgot", "username", name).Want(http.StatusTooManyRequests)
		got.WantPage()
		got.WantHeader("Retry-After", "3600").Says("[role=alert] p",
			"Too many asked for a new password from where you are. Wait an hour, or ask an owner of this site for a link.")
	}
	s.Stranger(t, "2001:db8:1::1").Post("/forgot", "username", "bob").Want(http.StatusSeeOther)
	box.One(t, "bob@site.example", "Set a new password for Ada's jar")
	for i := range 30 {
		s.Clock.Move(6 * time.Minute)
		s.Stranger(t, "192.0.2."+string(rune('1'+i%9))).Post("/forgot", "username", "bob").Want(http.StatusSeeOther)
		box.Deliver(t)
	}
	if n := len(box.Mails()); n != mail.MaxDaily {
		t.Errorf("%d mails came, want %d", n, mail.MaxDaily)
	}
	s.Clock.Move(time.Hour)
	b.Post("/forgot", "username", "bob").Want(http.StatusSeeOther)
}

func TestForgotWithoutMail(t *testing.T) {
	s := webtest.New(t)
	got := s.Browser(t).Get("/forgot?done=sent").Want(http.StatusOK)
	got.WantPage()
	got.Says(".head p", "This site sends no mail. Ask its owner: they make you a link that sets a new one.")
	if got.Find("form").Length() > 0 {
		t.Error("there is a form")
	}
	s.Browser(t).Post("/forgot", "username", "ada").Want(http.StatusSeeOther, "/forgot")
	if n := len(s.Texts(t, `SELECT id FROM forgotten`)); n > 0 {
		t.Errorf("%d rows", n)
	}
}

func TestForgotNothing(t *testing.T) {
	s, _ := forgetful(t)
	got := s.Browser(t).Post("/forgot", "username", " \u200b ").Want(http.StatusUnprocessableEntity)
	got.WantPage()
	got.Says("[role=alert] p", "Type your username or your email address.")
	s.Browser(t).Send("/forgot", "username=%00").Want(http.StatusBadRequest)
	s.Browser(t).Send("/forgot", "username=a&username=b").Want(http.StatusBadRequest)
}
