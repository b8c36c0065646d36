package people_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

func TestAnOwnerChangesAPerson(t *testing.T) {
	s, b := newPlace(t)
	una := s.SignedIn(t, "una")
	post := func(act, says string, fields ...string) *webtest.Answer {
		t.Helper()
		to := b.Post("/people/una/"+act, fields...).Want(http.StatusSeeOther).Header.Get("Location")
		got := b.Get(to).Want(http.StatusOK).Says("[role=status]", says)
		got.WantPage()
		return got
	}
	post("profile", "The profile is saved.", "name", "Una O.", "email", "Una@site.example").Says("h1", "Una O.")
	post("groups", "The groups are saved.", "groups", "ops, dev")
	post("role", "The role is saved.", "role", "owner").Says("#role [selected]", "owner")
	una.Get("/people").Want(http.StatusOK) // the new role applies at once
	post("role", "The role is saved.", "role", "member")
	una.Get("/people").Want(http.StatusForbidden)
	post("end-sessions", "The person is signed out everywhere.")
	una.Get("/account").Want(http.StatusSeeOther)
	post("disable", "The account is disabled, and signed out everywhere.").Says(".lead .tag", "disabled")
	s.Browser(t).SignIn("una", webtest.Good).Want(http.StatusUnprocessableEntity)
	post("enable", "The account is enabled: the person can sign in again.")
	s.Browser(t).SignIn("una", webtest.Good).Want(http.StatusSeeOther)
	want := `ada account.name una, ada account.email una, ada account.groups una, ada account.role una, ada account.role una, ` +
		`ada session.ended una, ada account.disabled una, ada account.enabled una`
	got := strings.Join(s.Texts(t, `SELECT actor || ' ' || event || ' ' || username FROM audit WHERE actor = 'ada' AND event <> 'signin.ok' ORDER BY id`), ", ")
	for one := range strings.SplitSeq(want, ", ") {
		if !strings.Contains(got, one) {
			t.Errorf("the audit log has no %q: %s", one, got)
		}
	}
}

// A refused change is explained on the page, with 422, and nothing changes.
func TestWhatAnOwnerMayNotDo(t *testing.T) {
	s, b := newPlace(t)
	before := s.State(t)
	for _, tt := range []struct {
		act    string
		fields []string
		says   string
	}{
		{"una/profile", []string{"email", "una@"}, "no email address"},
		{"una/profile", []string{"name", strings.Repeat("x", 65)}, "at most 64 characters"},
		{"una/groups", []string{"groups", "dev ops!"}, "A group is"},
		{"una/role", []string{"role", "king"}, "A role is owner or member"},
		{"una/delete", []string{"confirm", "ada"}, "not the username"},
		{"ada/role", []string{"role", "member"}, "the last owner"},
		{"ada/disable", nil, "the last owner"},
		{"ada/delete", []string{"confirm", "ada"}, "the last owner"},
	} {
		got := b.Post("/people/"+tt.act, tt.fields...).Want(http.StatusUnprocessableEntity)
		got.WantPage()
		if !strings.Contains(got.Text("[role=alert]"), tt.says) {
			t.Errorf("%s %q: the page says %q, want %q", tt.act, tt.fields, got.Text("[role=alert]"), tt.says)
		}
	}
	if s.State(t) != before {
		t.Error("something changed")
	}
	b.Post("/people/nobody/disable").Want(http.StatusNotFound)
	b.Get("/people/NO%20name").Want(http.StatusNotFound)
}

// A reset link is shown once, and works.
func TestAnOwnerMakesAResetLink(t *testing.T) {
	s, b := newPlace(t)
	got := b.Post("/people/una/reset").Want(http.StatusOK)
	got.WantPage()
	link := got.Text("#link")
	path, ok := strings.CutPrefix(link, s.Public())
	if !ok {
		t.Fatalf("the link is %q", link)
	}
	s.Browser(t).Post(path, "password", webtest.Other).Want(http.StatusSeeOther)
	s.Browser(t).SignIn("una", webtest.Other).Want(http.StatusSeeOther)
	s.Disable(t, "una")
	b.Post("/people/una/reset").Want(http.StatusUnprocessableEntity).Says("[role=alert]", "There is a problemThe account is disabled: enable it first.")
}

func TestAnOwnerDeletesAPerson(t *testing.T) {
	s, b := newPlace(t)
	una := s.SignedIn(t, "una")
	b.Get("/people/una/delete").Want(http.StatusOK).Says(".say li:first-child", "All sessions end, and all app passwords stop working.").WantPage()
	to := b.Post("/people/una/delete", "confirm", " una ").Want(http.StatusSeeOther).Header.Get("Location")
	b.Get(to).Want(http.StatusOK).Says("[role=status]", "The account is deleted. Its username stays taken.")
	una.Get("/account").Want(http.StatusSeeOther)
	b.Get("/people/una").Want(http.StatusNotFound)
	s.Browser(t).Post(s.Link(t, account.Member), "username", "una", "password", webtest.Good).Want(http.StatusUnprocessableEntity)
}

// After clearing, the person has only the password, and is signed out; the page shows
// which factors there are.
func TestAnOwnerClearsFactors(t *testing.T) {
	s, b := newPlace(t)
	una := s.SignedIn(t, "una")
	una.AddApp(s)
	s.AppPassword(t, "una", account.AppPassword{Name: "backup"})
	s.AppPassword(t, "ada", account.AppPassword{Name: "mine"})
	page := b.Get("/people/una").Want(http.StatusOK)
	if form := page.Find("form[action='/people/una/clear-factors']"); form.Length() != 1 || !strings.Contains(form.Parent().Text(), "an authenticator app, recovery codes left: 8") {
		t.Errorf("the page says %q", form.Parent().Text())
	}
	page.WantPage()
	to := b.Post("/people/una/clear-factors").Want(http.StatusSeeOther, "/people/una?done=clear-factors").Header.Get("Location")
	done := b.Get(to).Says("[role=status]", "The person has only a password now, no app password, and is signed out everywhere.")
	if done.Find("form[action='/people/una/clear-factors']").Length() > 0 {
		t.Error("there is something to clear yet")
	}
	una.Get("/account").Want(http.StatusSeeOther)
	if got := s.Texts(t, `SELECT name FROM app_passwords`); len(got) != 1 || got[0] != "mine" {
		t.Errorf("the app passwords are %q", got)
	}
	if got := s.Texts(t, `SELECT n.detail FROM notices n JOIN accounts a ON a.id = n.account_id WHERE a.username = 'una' ORDER BY n.at DESC LIMIT 1`); len(got) != 1 || !strings.HasPrefix(got[0], "All ways to sign in but the password were removed") {
		t.Errorf("una is told %q", got)
	}
	before := s.State(t)
	b.Post("/people/una/clear-factors").Want(http.StatusUnprocessableEntity).Says("#problem p", "There is nothing but the password: nothing was cleared.")
	if s.State(t) != before {
		t.Error("something changed")
	}
	if got := s.Texts(t, `SELECT actor || ' ' || username FROM audit WHERE event = 'factors.cleared'`); len(got) != 1 || got[0] != "ada una" {
		t.Errorf("the audit log says %q", got)
	}
}
