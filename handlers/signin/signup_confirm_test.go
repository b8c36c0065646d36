package signin_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
)

// With mail, the form asks for an address, and sending it does not create an account.
func TestOpenSignUpWithMailAsksForAnAddress(t *testing.T) {
	s := webtest.New(t, webtest.WithSignUp)
	s.Add(t, "ada", account.Owner)
	s.WithMail(t)
	b := s.Browser(t)
	form := b.Get("/join").Want(http.StatusOK)
	form.WantPage()
	if _, ok := form.Find("#email").Attr("required"); !ok || !strings.Contains(form.Text("#email-rule"), "mailed there") {
		t.Errorf("of the address the form says %q", form.Text("#email-rule"))
	}
	got := b.Post("/join", "username", "eve", "password", webtest.Good, "email", "").Want(http.StatusUnprocessableEntity)
	if !strings.Contains(got.Text("#problem"), "Type your email address") || got.Find("#username").AttrOr("value", "") != "eve" {
		t.Errorf("without an address it says %q", got.Text("#problem"))
	}
	sent := b.Post("/join", "username", "eve", "password", webtest.Good, "email", "eve@site.example").Want(http.StatusSeeOther, "/join?done=sent")
	if len(sent.Cookies()) > 0 {
		t.Errorf("who signs up gets %v", sent.Cookies())
	}
	page := b.Get("/join?done=sent").Want(http.StatusOK).Says("h1", "Check your mail")
	page.WantPage()
	b.Post("/auth", "username", "eve", "password", webtest.Good).Want(http.StatusUnprocessableEntity)
	if n := len(s.Texts(t, `SELECT id FROM accounts`)); n != 1 {
		t.Fatalf("before the link there are %d accounts", n)
	}
}

// The button behind the mailed link creates the account, once, and nothing else does.
func TestOpenSignUpWithMailEndsAtTheLink(t *testing.T) {
	s := webtest.New(t, webtest.WithSignUp)
	s.Add(t, "ada", account.Owner)
	box, b := s.WithMail(t), s.Browser(t)
	b.Post("/join", "username", "eve", "password", webtest.Good, "email", "eve@site.example").Want(http.StatusSeeOther, "/join?done=sent")
	m := box.One(t, "eve@site.example", "Make your account on Ada's jar")
	link := m.Link(t)
	if text, _ := m.Parts(t); !strings.Contains(text, s.Public()+"/signup/") || !strings.Contains(text, "the account eve") {
		t.Errorf("the mail says\n%s", text)
	}
	for range 2 { // like a mail scanner
		b.Get(link).Want(http.StatusOK).Says("h1", "Make your account").WantPage()
	}
	if n := len(s.Texts(t, `SELECT id FROM accounts`)); n != 1 {
		t.Fatalf("before the button there are %d accounts", n)
	}
	made := b.Post(link).Want(http.StatusSeeOther, "/auth?done=made&username=eve")
	if len(made.Cookies()) > 0 {
		t.Errorf("the link signs in: %v", made.Cookies())
	}
	b.Get("/auth?done=made&username=eve").Want(http.StatusOK).Says("#done p", "Your account is made, and its email address is confirmed. Sign in with the password that you chose.")
	for _, answer := range []*webtest.Answer{b.Get(link), b.Post(link)} {
		answer.Want(http.StatusGone)
	}
	b.SignIn("eve@site.example", webtest.Good).Want(http.StatusSeeOther)
	b.Get("/account").Want(http.StatusOK)
	if all := box.Deliver(t); len(all) > 0 && all[0].To != "eve@site.example" {
		t.Errorf("%d mails came", len(all))
	}
}

// Attack people/sign-up-mail: the responses are the same bytes whether or not an account
// has the address; only the mail says it.
func TestSignUpTellsNothingOfAnAddress(t *testing.T) {
	s := webtest.New(t, webtest.WithSignUp)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	if err := s.Accounts.SetEmail(t.Context(), "bob", "bob@site.example", true, audit.Command()); err != nil {
		t.Fatal(err)
	}
	box := s.WithMail(t)
	var first string
	for i, email := range []string{"bob@site.example", "new@site.example"} {
		got := s.Stranger(t, "192.0.2.7").Post("/join", "username", "eve", "password", webtest.Good, "email", email).Want(http.StatusSeeOther, "/join?done=sent")
		got.Header.Del("Date")
		answer := webtest.Form("body", got.Body, "headers", strings.Join(slices.Sorted(maps(got.Header)), "\n"))
		if i == 0 {
			first = answer
		}
		if answer != first {
			t.Errorf("%q: got\n%s, want\n%s", email, answer, first)
		}
	}
	all := box.Deliver(t)
	if len(all) != 2 {
		t.Fatalf("%d mails came", len(all))
	}
	for _, m := range all {
		want := map[string]string{"bob@site.example": "You have an account on Ada's jar already", "new@site.example": "Make your account on Ada's jar"}[m.To]
		if m.Subject(t) != want {
			t.Errorf("to %s: %q, want %q", m.To, m.Subject(t), want)
		}
		if text, _ := m.Parts(t); m.To == "bob@site.example" && (!strings.Contains(text, s.Public()+"/auth\n") || strings.Contains(text, "/signup/")) {
			t.Errorf("to bob it says\n%s", text)
		}
	}
}

// A username that was taken meanwhile is reported, and another can be chosen.
func TestSignUpForANameThatWasTakenMeanwhile(t *testing.T) {
	s := webtest.New(t, webtest.WithSignUp)
	s.Add(t, "ada", account.Owner)
	link := s.SignUpLink(t, "eve")
	late := s.SignUpLink(t, "eve")
	b := s.Browser(t)
	b.Post(link).Want(http.StatusSeeOther)
	taken := b.Get(late).Want(http.StatusOK).Says("#problem p", "Somebody else has taken that username meanwhile. Choose another, and a password for it.")
	taken.WantPage()
	b.Post(late).Want(http.StatusUnprocessableEntity)
	got := b.Post(late, "username", "Ada", "password", webtest.Other).Want(http.StatusUnprocessableEntity)
	if !strings.Contains(got.Text("#problem"), "is taken") || got.Find("#username").AttrOr("value", "") != "Ada" {
		t.Errorf("it says %q", got.Text("#problem"))
	}
	got.WantPage()
	b.Post(late, "username", "fay", "password", webtest.Other).Want(http.StatusUnprocessableEntity) // eve has confirmed the address meanwhile
	s.Exec(t, `UPDATE accounts SET email = '', email_confirmed = 0`)
	b.Post(late, "username", "fay", "password", webtest.Other).Want(http.StatusSeeOther, "/auth?done=made&username=fay")
	ada := s.SignedIn(t, "ada")
	ada.Post(s.SignUpLink(t, "gil")).Want(http.StatusSeeOther, "/account?done=made")
}
