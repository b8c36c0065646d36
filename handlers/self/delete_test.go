package self_test

import (
	"net/http"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// Attack cookie/replay: deleting the account ends all its sessions.
func TestDeleteOneself(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	ada, elsewhere, b := s.SignedIn(t, "ada"), s.SignedIn(t, "bob"), s.SignedIn(t, "bob")
	old := b.Clone()
	b.Get("/account/delete").Want(http.StatusOK).Says("label", "Type your username, bob, to confirm").WantPage()
	got := b.Post("/account/delete", "confirm", " Bob ").Want(http.StatusSeeOther, "/?done=deleted")
	if cookie := got.Cookie("glassjar"); cookie == nil || cookie.MaxAge >= 0 {
		t.Errorf("the session cookie is %v, want it cleared", cookie)
	}
	for _, one := range []*webtest.Browser{old, elsewhere} {
		one.Get("/account").Want(http.StatusSeeOther, "/?next=%2Faccount")
	}
	s.Browser(t).SignIn("bob", webtest.Good).Want(http.StatusUnprocessableEntity)
	ada.Get("/account").Want(http.StatusOK)
	if got := s.Texts(t, `SELECT actor || ' ' || username FROM audit WHERE event = 'account.deleted'`); len(got) != 1 || got[0] != "bob bob" {
		t.Errorf("the audit log says %q", got)
	}
}

func TestNobodyIsDeletedByMistake(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	bob, ada := s.SignedIn(t, "bob"), s.SignedIn(t, "ada")
	before := s.State(t)
	for _, confirm := range []string{"", "ada", "bobby", "b o b", "<b>"} {
		got := bob.Post("/account/delete", "confirm", confirm).Want(http.StatusUnprocessableEntity)
		got.Says("[role=alert] p", "That is not your username. Nothing was deleted.").WantPage()
		if typed := got.Find("#confirm").AttrOr("value", ""); typed != confirm {
			t.Errorf("the field holds %q, want %q", typed, confirm)
		}
	}
	const only = "This is the last owner who can sign in. Make somebody else an owner first."
	ada.Post("/account/delete", "confirm", "ada").Want(http.StatusUnprocessableEntity).Says("[role=alert] p", only).WantPage()
	if s.State(t) != before {
		t.Error("something changed")
	}
	ada.Get("/account").Want(http.StatusOK)
}
