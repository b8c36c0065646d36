package people_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/web"
	"glassjar/handlers/webtest"
	"glassjar/utl/mail"
)

// The account of an invited person has the invitation's role, groups and confirmed
// address; the link works once.
func TestAnOwnerInvites(t *testing.T) {
	s, b := newPlace(t)
	b.Get("/people/invite").Want(http.StatusOK).WantPage()
	made := b.Post("/people/invite", "email", "Nora@site.example", "role", "owner", "groups", "ops, dev", "days", "30").Want(http.StatusOK)
	made.WantPage()
	path, ok := strings.CutPrefix(made.Text("#link"), s.Public())
	if !ok {
		t.Fatalf("the link is %q", made.Text("#link"))
	}
	list := b.Get("/people").Want(http.StatusOK).Says(".rows b", "nora@site.example")
	if text := list.Text(".rows li div"); !strings.Contains(text, "an owner, in dev, ops") || !strings.Contains(text, "made by ada") {
		t.Errorf("the list says %q", text)
	}
	s.Browser(t).Post(path, "username", "nora", "password", webtest.Good).Want(http.StatusSeeOther)
	s.Browser(t).Post(path, "username", "nick", "password", webtest.Good).Want(http.StatusGone)
	p, err := s.Accounts.Person(t.Context(), "nora")
	if err != nil || p.Role != "owner" || p.Groups != "dev,ops" || p.Email != "nora@site.example" || !p.EmailConfirmed {
		t.Errorf("she is %+v, %v", p, err)
	}
	b.Get("/people").Says("section .none", "None. Whoever has an invitation makes an account with it, once.")
}

// The queue takes ten mails of a kind to an address within a day: of the eleventh, the page does
// not say that it comes.
func TestLinksThatAreNotMailed(t *testing.T) {
	s, b := newPlace(t)
	s.WithMail(t)
	said := ""
	for range mail.MaxDaily + 1 {
		s.Clock.Move(time.Second)
		said = b.Post("/people/invite", "email", " Nora@site.example", "role", "member").Want(http.StatusOK).Text(".say")
	}
	if !strings.Contains(said, "No mail with it was sent to Nora@site.example: too many went there today, or too many wait to be sent.") {
		t.Errorf("the page says %q", said)
	}
}

// If mail is set up, invitations and reset links are mailed too. The link begins with
// PUBLIC_URL, whatever Host the owner's browser sent.
func TestLinksAreMailed(t *testing.T) {
	s, b := newPlace(t)
	box := s.WithMail(t)
	b.Get("/people/invite").Want(http.StatusOK).WantPage()
	made := b.Post("/people/invite", "email", "nora@site.example", "role", "member", "days", "7").Want(http.StatusOK)
	if text := made.Text(".say"); !strings.Contains(text, "A mail with it is on its way to nora@site.example.") {
		t.Errorf("the page says %q", text)
	}
	m := box.One(t, "nora@site.example", "You are invited to Ada's jar")
	tomorrow := "until " + s.Clock.Now().Add(24*time.Hour).UTC().Format(web.TimeLayout)
	if text := b.Post("/people/invite", "role", "owner").Want(http.StatusOK).Text(".say"); !strings.Contains(text, tomorrow) {
		t.Errorf("without days the page says %q, want %q", text, tomorrow)
	}
	path := m.Link(t)
	if text, _ := m.Parts(t); path == "" || !strings.Contains(text, s.Public()+path+"\n") || strings.HasSuffix(made.Text("#link"), path) || !strings.Contains(text, "By: ada\n") {
		t.Errorf("the page shows %q, the mail says\n%s", made.Text("#link"), text)
	}
	s.Browser(t).Post(path, "username", "nora", "password", webtest.Good).Want(http.StatusSeeOther)
	s.Browser(t).Get(strings.TrimPrefix(made.Text("#link"), s.Public())).Want(http.StatusGone)

	reset := b.Post("/people/nora/reset").Want(http.StatusOK)
	if text := reset.Text(".say"); !strings.Contains(text, "A mail with it is on its way to nora@site.example.") {
		t.Errorf("the page says %q", text)
	}
	path = box.One(t, "nora@site.example", "Set a new password for Ada's jar").Link(t)
	s.Browser(t).Post(path, "password", webtest.Other).Want(http.StatusSeeOther)
	s.Browser(t).SignIn("nora@site.example", webtest.Other).Want(http.StatusSeeOther)
}

// Attack people/invitation: a withdrawn invitation does not create an account.
func TestAnInvitationIsWithdrawn(t *testing.T) {
	s, b := newPlace(t)
	path := strings.TrimPrefix(b.Post("/people/invite", "role", "member", "days", "1").Want(http.StatusOK).Text("#link"), s.Public())
	act := b.Get("/people").Find(".rows form").AttrOr("action", "")
	to := b.Post(act).Want(http.StatusSeeOther).Header.Get("Location")
	b.Get(to).Says("[role=status]", "The invitation is withdrawn: nobody can join with it.")
	s.Browser(t).Get(path).Want(http.StatusGone)
	s.Browser(t).Post(path, "username", "nora", "password", webtest.Good).Want(http.StatusGone)
	b.Post(act).Want(http.StatusGone)
}

func TestAnInvitationIsRefused(t *testing.T) {
	s, b := newPlace(t)
	before := s.State(t)
	for _, tt := range []struct {
		fields []string
		says   string
	}{
		{[]string{"role", "king", "days", "7"}, "A role is"},
		{[]string{"role", "member", "days", "31"}, "The number of days"},
		{[]string{"role", "member", "days", "0"}, "The number of days"},
		{[]string{"role", "member", "days", ""}, "The number of days"},
		{[]string{"role", "member", "days", "7", "groups", "!"}, "A group is"},
		{[]string{"role", "member", "days", "7", "email", "x"}, "no email address"},
	} {
		got := b.Post("/people/invite", tt.fields...).Want(http.StatusUnprocessableEntity)
		got.WantPage()
		if !strings.Contains(got.Text("[role=alert]"), tt.says) {
			t.Errorf("%q: the page says %q, want %q", tt.fields, got.Text("[role=alert]"), tt.says)
		}
	}
	if s.State(t) != before {
		t.Error("something changed")
	}
}
