package people_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
)

// newPlace returns a site with the owner ada and the member una, and ada's browser.
func newPlace(t *testing.T) (*webtest.Site, *webtest.Browser) {
	t.Helper()
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "una", account.Member)
	return s, s.SignedIn(t, "ada")
}

// rows returns the people on the page.
func rows(a *webtest.Answer) string {
	a.T.Helper()
	var all []string
	for i := range a.Find("tbody tr").Length() {
		all = append(all, strings.TrimPrefix(a.Find("tbody tr").Eq(i).Find("a").AttrOr("href", ""), "/people/"))
	}
	return strings.Join(all, " ")
}

func TestOwnersSeeWhoIsHere(t *testing.T) {
	s, b := newPlace(t)
	ctx, by := t.Context(), audit.Command()
	s.Add(t, "bob", account.Member)
	s.Disable(t, "bob")
	if err := errors.Join(
		s.Accounts.SetName(ctx, "una", `Una <b>"O'Neil"</b>`, by), s.Accounts.SetEmail(ctx, "una", "una@site.example", true, by),
		s.Accounts.SetGroups(ctx, "una", []string{"dev", "ops"}, by),
	); err != nil {
		t.Fatal(err)
	}
	s.Lock(t, "una")
	got := b.Get("/people").Want(http.StatusOK)
	got.WantPage()
	got.Says("tbody tr:nth-child(3) .tag.ask", "locked")
	if got.Find(".tag.ask").Length() != 1 {
		t.Error("others are locked")
	}
	if rows(got) != "ada bob una" {
		t.Errorf("the page has %q", rows(got))
	}
	got.Says("tbody tr:nth-child(3) th a", `Una <b>"O'Neil"</b>`).Says("tbody tr:nth-child(3) small", "una, una@site.example").
		Says("tbody tr:nth-child(3) .tags", "devops").Says("tbody tr:nth-child(3) td:last-child", "never").
		Says("tbody tr:nth-child(2) .tag.off", "disabled").Says("tbody tr:first-child .tag.glass", "owner").
		Says("tbody tr:first-child td:last-child", "just now")
	for args, want := range map[string]string{
		"q=UN": "una", "q=o": "una", "q=una@": "una", "q=b": "bob una", "role=owner": "ada", "group=dev": "una", "state=disabled": "bob", "after=ada": "bob una", "q=u&state=active": "una",
	} {
		if got := rows(b.Get("/people?" + args).Want(http.StatusOK)); got != want {
			t.Errorf("%s: got %q, want %q", args, got, want)
		}
	}
	none := b.Get("/people?q=zz").Want(http.StatusOK)
	none.WantPage()
	none.Says(".nothing h2", "Nobody is like that").Says(".nothing a", "Show everybody")
}

// Owners see which second factors each person has.
func TestOwnersSeeSecondFactors(t *testing.T) {
	s := webtest.New(t, webtest.WithPasskeys)
	s.Add(t, "ada", account.Owner)
	for _, name := range []string{"bob", "cat", "una"} {
		s.Add(t, name, account.Member)
	}
	for _, name := range []string{"one", "two"} {
		s.SignedIn(t, "bob").AddPasskey(s.Device(), name)
		s.Exec(t, `DELETE FROM recovery_codes`)
		s.Exec(t, `UPDATE passkeys SET account_id = (SELECT id FROM accounts WHERE username = 'cat')`)
	}
	s.SignedIn(t, "bob").AddPasskey(s.Device(), "three")
	s.AddApp(t, "cat")
	got := s.SignedIn(t, "ada").Get("/people").Want(http.StatusOK)
	got.WantPage()
	for i, want := range []string{"none", "passkey", "app, 2 passkeys", "none"} {
		got.Says(fmt.Sprintf("tbody tr:nth-child(%d) td:nth-child(4)", i+1), want)
	}
}

// A page has 50 people and links to the next, with the filters.
func TestPeopleGoOnOnTheNextPage(t *testing.T) {
	s, b := newPlace(t)
	for i := range 60 {
		s.Add(t, fmt.Sprintf("p%02d", i), account.Member)
	}
	first := b.Get("/people?q=p&role=member").Want(http.StatusOK)
	next := first.Find(".paging a").AttrOr("href", "")
	second := b.Get(next).Want(http.StatusOK)
	if n, m := first.Find("tbody tr").Length(), second.Find("tbody tr").Length(); n != 50 || m != 10 {
		t.Errorf("the pages have %d and %d people (the second is %s)", n, m, next)
	}
	second.Says(".paging a", "The first page")
}

// Attack people/member: a member gets 403 on every page for owners, and nothing changes;
// so does an owner who was made a member.
func TestMembersAreRefused(t *testing.T) {
	s, owner := newPlace(t)
	s.Add(t, "eve", account.Owner)
	member := s.SignedIn(t, "una")
	refused := func(b *webtest.Browser) {
		t.Helper()
		before := s.State(t)
		for _, path := range []string{"/people", "/people/ada", "/people/ada/delete", "/people/nobody"} {
			b.Get(path).Want(http.StatusForbidden).Says("h1", "For owners only")
		}
		for _, act := range []string{"profile", "groups", "role", "disable", "enable", "reset", "end-sessions", "delete"} {
			b.Post("/people/eve/"+act, "role", "member", "confirm", "eve", "name", "x", "groups", "x").Want(http.StatusForbidden)
		}
		if s.State(t) != before {
			t.Error("something changed")
		}
	}
	refused(member)
	if err := s.Accounts.SetRole(t.Context(), "ada", account.Member, audit.Command()); err != nil {
		t.Fatal(err)
	}
	refused(owner)
}

// If strangers can create accounts, owners see what those can open.
func TestOwnersReadWhatStrangersOpen(t *testing.T) {
	s := webtest.New(t, webtest.WithSignUp)
	s.Add(t, "ada", account.Owner)
	s.SignedIn(t, "ada").Get("/people").Want(http.StatusOK).Says("#open b", "wiki.example/pages/").WantPage()
	for name, change := range map[string]func(*handlers.Config){"by approval": webtest.WithApproval, "by invitation": func(*handlers.Config) {}} {
		other := s.Again(t, func(c *handlers.Config) { c.SignUp = ""; change(c) })
		if other.SignedIn(t, "ada").Get("/people").Want(http.StatusOK).Find("#open").Length() > 0 {
			t.Errorf("%s: it says so", name)
		}
	}
}
