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
	"glassjar/utl/identity"
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

// told returns what home says of apps to a person who may open none: the heading, the first
// sentence and the link.
func told(b *webtest.Browser) string {
	got := b.Get("/").Want(http.StatusOK)
	got.WantPage()
	said := got.Find("#apps, #none").Closest("section")
	sentence, _, _ := strings.Cut(said.Find("p").Text(), ".")
	return strings.TrimSpace(said.Find("h2").Text() + ": " + sentence + " " + said.Find("a").AttrOr("href", ""))
}

// Home tells somebody who may open no app why, and an owner what to do.
func TestNoApps(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	owner, member := s.SignedIn(t, "ada"), s.SignedIn(t, "bob")
	want := func(what, ofOwner, ofMember string) {
		t.Helper()
		for b, want := range map[*webtest.Browser]string{owner: ofOwner, member: ofMember} {
			if got := told(b); got != want {
				t.Errorf("%s: home says %q, want %q", what, got, want)
			}
		}
	}
	want("no app", "No apps yet: Put the first one behind the gate: people sign in here, and only those you choose reach it /apps/new",
		"Your apps: No app is linked here yet")
	linkless := s.NewApp(t, app.App{Name: "Without a link", Host: "*.apps.example"})
	want("an app for everybody that has no link", ":", ":")
	if err := s.Apps.Remove(t.Context(), linkless.ID, audit.Command()); err != nil {
		t.Fatal(err)
	}
	s.NewApp(t, app.App{Name: "Wiki", Host: "wiki.example", URL: "https://wiki.example/", Groups: []string{"dev"}})
	want("an app for others", "Your apps: You are in none of the groups that may open an app here /apps", "No apps yet: Nobody has given you an app to open")
	if err := s.Accounts.SetGroups(t.Context(), "ada", []string{"dev"}, audit.Command()); err != nil {
		t.Fatal(err)
	}
	if got := launched(owner); len(got) != 1 || owner.Get("/").Find("p.quiet").Length() > 0 {
		t.Errorf("an owner who may open an app sees %q, or is told that there is none", got)
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

// People who may open the same apps share one home page, whatever their groups, and the
// number of home pages in memory is limited, however many sets of apps there are.
func TestKeptHomesAreBounded(t *testing.T) {
	s := webtest.New(t)
	keep := signin.Keeping(homeConfig(t, s))
	bits := []string{"b0", "b1", "b2", "b3", "b4", "b5", "b6"} // of a number, each a group that has an app
	for i, group := range bits {
		host := fmt.Sprintf("a%d.example", i)
		s.NewApp(t, app.App{Name: group, Host: host, URL: "https://" + host + "/", Groups: []string{group}})
	}
	for i := range 3 * signin.MaxHomes {
		if n := keep(fmt.Sprintf("g%d,b1", i)); n != 1 {
			t.Fatalf("%d pages are kept of people who may open the same app, want 1", n)
		}
	}
	most := 0
	for number := range 1 << len(bits) {
		var groups []string
		for i, group := range bits {
			if number>>i&1 == 1 {
				groups = append(groups, group)
			}
		}
		n := keep(strings.Join(groups, ","))
		most = max(most, n)
		if n == 0 {
			t.Fatal("no page is kept")
		}
	}
	if most != signin.MaxHomes {
		t.Errorf("at most %d pages are kept of %d, want %d", most, 1<<len(bits), signin.MaxHomes)
	}
}

// Home shows the apps that app.MayOpen lets the person open, of as many as a site can have.
func TestLauncherIsMayOpen(t *testing.T) {
	apps := make([]app.App, app.MaxApps)
	for i := range apps {
		apps[i] = app.App{Name: fmt.Sprint(i), URL: "https://a.example/", Groups: [][]string{nil, {"dev"}, {"ops", "night"}, {"de"}}[i%4]}
	}
	for _, groups := range []string{"", "dev", "de", "night", "ops,night", "other", "dev,ops,other", "dev,ops,de"} {
		var want []string
		for _, one := range apps {
			if one.MayOpen(identity.Identity{Groups: groups}.HasGroup) {
				want = append(want, one.Name)
			}
		}
		if got := signin.Tiles(&apps, groups); !slices.Equal(got, want) {
			t.Errorf("%q: home shows %d apps, want %d", groups, len(got), len(want))
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
