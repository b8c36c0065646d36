package people_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"glassjar/handlers/webtest"
)

// Owners see that the mail server is down, and which mails were given up, on one line
// each; when mails arrive again, they see nothing.
func TestMailTrouble(t *testing.T) { // Attack mail/server
	s, b := newPlace(t)
	wantNoTrouble(t, b, "without mail")
	box := s.WithMail(t)
	down := true
	box.Rcpt = func(address string) error { return answerTo(address, down) }
	invite := func(to string) {
		t.Helper()
		b.Post("/people/invite", "role", "member", "days", "7", "email", to).Want(http.StatusOK)
	}
	invite("nora@site.example")
	wantNoTrouble(t, b, "before it was tried")
	invite("una@site.example")
	invite("uwe@site.example")
	box.Deliver(t)
	got := b.Get("/people").Want(http.StatusOK)
	got.WantPage()
	for _, want := range []string{"2 wait, the first since just now", "451", "An invitation was given up, just now", "To nora@site.example: ", "no <b>such</b> person"} {
		if text := got.Text(trouble); !strings.Contains(text, want) {
			t.Errorf("the page says %q, want %q", text, want)
		}
	}
	down = false
	s.Clock.Move(time.Hour)
	box.Deliver(t)
	if text := b.Get("/people").Want(http.StatusOK).Text(trouble); strings.Contains(text, "wait") || !strings.Contains(text, "given up") {
		t.Errorf("the page says %q", text)
	}
	s.Exec(t, `UPDATE mails SET kind = 'sign-up'`)
	if text := b.Get("/people").Want(http.StatusOK).Text(trouble); !strings.Contains(text, "A link for a new account was given up") {
		t.Errorf("of a sign-up, the page says %q", text)
	}
	s.Clock.Move(8 * 24 * time.Hour)
	if err := s.Accounts.Mail.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantNoTrouble(t, s.SignedIn(t, "ada"), "a week later")
}

// trouble selects the lines about mail on the page of people.
const trouble = "section[aria-labelledby=mail] li"

// wantNoTrouble fails the test if the page of people shows anything about mail.
func wantNoTrouble(t *testing.T, b *webtest.Browser, when string) {
	t.Helper()
	if n := b.Get("/people").Want(http.StatusOK).Find("#mail").Length(); n != 0 {
		t.Errorf("%s, there is trouble", when)
	}
}

// answerTo is a mail server's answer to RCPT: it refuses addresses that begin with no,
// and all mails while it is down.
func answerTo(address string, down bool) error {
	switch {
	case strings.HasPrefix(address, "no"):
		return &smtp.SMTPError{Code: 550, Message: "no <b>such</b> person"}
	case down:
		return &smtp.SMTPError{Code: 451, Message: "later"}
	}
	return nil
}
