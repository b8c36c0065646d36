package signin_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers/signin"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/audit"
)

// launched returns the apps on the person's home page: name, URL, letter.
func launched(b *webtest.Browser) []string {
	return b.Get("/").Want(http.StatusOK).Find(".apps a").Map(func(_ int, one *goquery.Selection) string {
		return one.Find("b").Text() + " " + one.AttrOr("href", "") + " " + one.Find(".tile").Text()
	})
}

// Attack apps/launcher: home shows each person the apps that they may open, sorted by
// name, never those of other groups, and shows every change at once.
func TestHomeIsALauncher(t *testing.T) {
	s := webtest.New(t)
	for name, groups := range map[string][]string{"ada": nil, "bob": {"dev"}, "carol": {"ops", "dev"}, "dan": {"de"}} {
		s.Add(t, name, map[bool]string{true: account.Owner, false: account.Member}[name == "ada"])
		if err := s.Accounts.SetGroups(t.Context(), name, groups, audit.Command()); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what string, of map[string][]string) {
		t.Helper()
		for _, name := range []string{"ada", "bob", "carol", "dan"} {
			if got := launched(s.SignedIn(t, name)); !slices.Equal(got, of[name]) {
				t.Errorf("%s: %s sees %q, want %q", what, name, got, of[name])
			}
		}
	}
	want("no app", nil)
	wiki := s.NewApp(t, app.App{Name: "wiki", Host: "wiki.example", URL: "https://wiki.example/start?a=b&c"})
	s.NewApp(t, app.App{Name: "Tickets", Host: "*.tickets.example", URL: "https://my.tickets.example/", Groups: []string{"dev"}, Level: 2})
	s.NewApp(t, app.App{Name: "Pager", Host: "pager.example:8443", URL: "https://pager.example:8443/", Groups: []string{"ops", "night"}})
	s.NewApp(t, app.App{Name: "Without a link", Host: "*.apps.example"})
	const w, p, k = "wiki https://wiki.example/start?a=b&c W", "Pager https://pager.example:8443/ P", "Tickets https://my.tickets.example/ T"
	want("three apps", map[string][]string{"ada": {w}, "bob": {k, w}, "carol": {p, k, w}, "dan": {w}})

	wiki.Groups = []string{"night"}
	if err := s.Apps.Change(t.Context(), wiki, audit.Command()); err != nil {
		t.Fatal(err)
	}
	if err := s.Accounts.SetGroups(t.Context(), "dan", []string{"night"}, audit.Command()); err != nil {
		t.Fatal(err)
	}
	want("after changes", map[string][]string{"bob": {k}, "carol": {p, k}, "dan": {p, w}})
	if err := s.Apps.Remove(t.Context(), wiki.ID, audit.Command()); err != nil {
		t.Fatal(err)
	}
	want("without the wiki", map[string][]string{"bob": {k}, "carol": {p, k}, "dan": {p}})
}

// Somebody who may open no app is told what to do: an owner if there is none, a member if
// others may open some.
func TestNoApps(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	if err := s.Apps.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	owner, member := s.SignedIn(t, "ada"), s.SignedIn(t, "bob")
	owner.Get("/").Want(http.StatusOK).Says(".nothing a", "Add an app").WantPage()
	if member.Get("/").Find(".nothing").Length() > 0 {
		t.Error("a member is told of apps where there are none")
	}
	linkless := s.NewApp(t, app.App{Name: "Without a link", Host: "*.apps.example"})
	for name, b := range map[string]*webtest.Browser{"an owner": owner, "a member": member} {
		if got := b.Get("/"); got.Find(".nothing").Length() > 0 || got.Find(".apps").Length() > 0 {
			t.Errorf("%s is told of no app, or shown one, where the only one has no link and is for everybody", name)
		}
	}
	if err := s.Apps.Remove(t.Context(), linkless.ID, audit.Command()); err != nil {
		t.Fatal(err)
	}
	s.NewApp(t, app.App{Name: "Wiki", Host: "wiki.example", URL: "https://wiki.example/", Groups: []string{"dev"}})
	if owner.Get("/").Find(".nothing").Length() > 0 {
		t.Error("an owner is told to add the first app, and there is one")
	}
	if got := member.Get("/").Want(http.StatusOK); !strings.Contains(got.Text(".nothing"), "Ask the owner") || got.Find(".nothing a").Length() > 0 {
		t.Errorf("a member without an app is told %q", got.Text(".nothing"))
	}
}

// Names of apps are shown unchanged, also names that look like a placeholder of Precompile.
func TestHomeOfOddApps(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "bob", account.Member)
	names := []string{"<script>alert(1)</script>", "xCUTx0xCUTx", "عربي", "🦊 fox", strings.Repeat("W", 64), "a&b\"'+", "éa"}
	for i, name := range names {
		host := fmt.Sprintf("a%d.example", i)
		s.NewApp(t, app.App{Name: name, Host: host, URL: "https://" + host + "/"})
	}
	got := s.SignedIn(t, "bob").Get("/").Want(http.StatusOK)
	got.WantPage()
	shown := got.Find(".apps b").Map(func(_ int, one *goquery.Selection) string { return one.Text() })
	slices.Sort(shown)
	slices.Sort(names)
	if !slices.Equal(shown, names) {
		t.Errorf("got %q, want %q", shown, names)
	}
	letters := got.Find(".apps .tile").Map(func(_ int, one *goquery.Selection) string { return one.Text() })
	for _, want := range []string{"<", "X", "ع", "🦊", "W", "A", "É"} {
		if !slices.Contains(letters, want) {
			t.Errorf("no tile has %s: %q", want, letters)
		}
	}
}

// The number of home pages in memory is limited, however many sets of groups there are.
func TestKeptHomesAreBounded(t *testing.T) {
	s := webtest.New(t)
	keep := signin.Keeping(homeConfig(t, s))
	for i := range 3 * signin.MaxHomes {
		if n := keep(fmt.Sprintf("g%d", i)); n != 1 {
			t.Fatalf("%d pages are kept where no app is for a group, want 1", n)
		}
	}
	s.NewApp(t, app.App{Name: "Wiki", Host: "wiki.example", URL: "https://wiki.example/", Groups: []string{"g1"}})
	for i := range 3 * signin.MaxHomes {
		if n := keep(fmt.Sprintf("g%d", i)); n == 0 || n > signin.MaxHomes {
			t.Fatalf("%d pages are kept, want 1 to %d", n, signin.MaxHomes)
		}
	}
}

// An owner's home shows todos as long as they apply; a member's shows none.
func TestTodos(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Owner)
	w.Add(t, "bob", account.Member)
	const factor = "You have no second factor yet /account/code"
	owner, member := w.SignedIn(t, "ada"), w.SignedIn(t, "bob")
	want := func(what string, all ...string) {
		t.Helper()
		got := owner.Get("/").Want(http.StatusOK).Find(".todo li").Map(func(_ int, li *goquery.Selection) string {
			return li.Find("b").Text() + " " + li.Find("a").AttrOr("href", "")
		})
		if !slices.Equal(got, all) {
			t.Errorf("%s: home says %q, want %q", what, got, all)
		}
		if n := member.Get("/").Want(http.StatusOK).Find(".todo").Length(); n > 0 {
			t.Errorf("%s: a member's home says it", what)
		}
	}
	want("at first", factor)
	ask := func(host string) {
		w.Ask(t, "/gate/forward", webtest.Asked("https://"+host+"/")).Want(http.StatusForbidden)
	}
	ask("kiosk.example")
	want("a host that nobody listed", factor, "kiosk.example was refused once in the last hour /apps/new?host=kiosk.example")
	ask("kiosk.example")
	want("twice", factor, "kiosk.example was refused 2 times in the last hour /apps/new?host=kiosk.example")
	ask("other.example")
	want("another", factor, "The gate refused 3 times in the last hour /apps")
	w.Clock.Move(2 * time.Hour)
	for i, words := range []string{"One invitation is open /people#invitations", "2 invitations are open /people#invitations"} {
		if _, err := w.Accounts.NewJoin(t.Context(), account.Member, audit.Command()); err != nil {
			t.Fatal(i, err)
		}
		want("an invitation", factor, words)
	}
	w.Clock.Move(8 * 24 * time.Hour)
	owner, member = w.SignedIn(t, "ada"), w.SignedIn(t, "bob")
	want("when they have ended", factor)
	codes := w.AddApp(t, "ada")
	owner = w.Browser(t)
	owner.SignInWith(codes, "ada")
	want("with a second factor")
}
