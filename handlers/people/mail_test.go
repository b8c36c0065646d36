package people_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// A mail server that is down, and mails that were given up, are told to owners, on
// one line each; once they arrive, nothing is.
func TestMailTrouble(t *testing.T) { // Attack mail/server
	s, b := newPlace(t)
	if n := b.Get("/people").Want(http.StatusOK).Find("#mail").Length(); n != 0 {
		t.Error("without mail, there is trouble")
	}
	box := s.WithMail(t)
	down := true
	box.Rcpt = func(address string) error {
		if strings.HasPrefix(address, "no") {
			return &smtp.SMTPError{Code: 550, Message: "no <b>such</b> person"}
		}
		if down {
			return &smtp.SMTPError{Code: 451, Message: "later"}
		}
		return nil
	}
	invite := func(to string) {
		t.Helper()
		b.Post("/people/invite", "role", "member", "days", "7", "email", to).Want(http.StatusOK)
	}
	invite("nora@site.example")
	if n := b.Get("/people").Want(http.StatusOK).Find("#mail").Length(); n != 0 {
		t.Error("it was not tried yet, and there is trouble")
	}
	invite("una@site.example")
	invite("uwe@site.example")
	box.Deliver(t)
	got := b.Get("/people").Want(http.StatusOK)
	got.WantPage()
	text := got.Text("section[aria-labelledby=mail] li")
	for _, want := range []string{"2 wait, the first since just now", "451", "An invitation was given up, just now", "To nora@site.example: ", "no <b>such</b> person"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page says %q, want %q", text, want)
		}
	}
	down = false
	s.Clock.Move(time.Hour)
	box.Deliver(t)
	if text := b.Get("/people").Want(http.StatusOK).Text("section[aria-labelledby=mail] li"); strings.Contains(text, "wait") || !strings.Contains(text, "given up") {
		t.Errorf("the page says %q", text)
	}
	s.Clock.Move(8 * 24 * time.Hour)
	if err := s.Accounts.Mail.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	b = s.SignedIn(t, "ada")
	if n := b.Get("/people").Want(http.StatusOK).Find("#mail").Length(); n != 0 {
		t.Error("a week later, there is trouble")
	}
}
