package app_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"glassjar/utl/app"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/gate"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

var owner = audit.Actor{ID: "1", Name: "ada", Address: "192.0.2.1"}

// world is a store and the gate whose rules it updates.
type world struct {
	*app.Store

	gate *gate.Gate
	at   string
}

func open(t *testing.T) world {
	t.Helper()
	return second(t, dbtest.New(t))
}

// second returns another server on the database at this URL or path.
func second(t *testing.T, at string) world {
	t.Helper()
	s := app.New(app.Options{DB: dbtest.OpenAt(t, at), Own: "jar.example", Rules: &gate.Rules{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	g, err := gate.New(gate.Options{Public: &url.URL{Scheme: "https", Host: "jar.example"}, Hosts: []string{"listed.example"}, Apps: s.Rules, Keys: [][32]byte{{1}}, Now: time.Now})
	if err == nil {
		err = s.Load(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return world{s, g, at}
}

// wiki is an app with every field set.
func wiki() app.App {
	return app.App{Name: "Wiki", Host: "Wiki.Example.", Upstream: "127.0.0.1:9092", URL: "https://wiki.example/start", Groups: []string{"ops", "dev", "dev"}, Level: 2}
}

func (w world) add(t *testing.T, a app.App) app.App {
	t.Helper()
	made, err := w.Add(t.Context(), a, owner)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// answers reports whether the gate answers for the URL.
func (w world) answers(t *testing.T, raw string) bool {
	t.Helper()
	target, err := gate.ParseURL(raw)
	if err != nil {
		t.Fatal(err)
	}
	return w.gate.Allows(target)
}

func (w world) events(t *testing.T) []string {
	t.Helper()
	all, err := db.All(t.Context(), w.DB, db.Text, `SELECT event || ' ' || actor || ' ' || detail FROM audit ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// An app is stored, changed and removed, and each of these is audited.
func TestAppsAreKept(t *testing.T) {
	w := open(t)
	made := w.add(t, wiki())
	got, err := w.Find(t.Context(), made.ID)
	if err != nil || got.Host != "wiki.example" || strings.Join(got.Groups, ",") != "dev,ops" || got.Level != 2 || got.Programs || got.Upstream != "127.0.0.1:9092" || got.URL != "https://wiki.example/start" {
		t.Fatalf("got %+v, error %v", got, err)
	}
	if at, err := w.At(t.Context(), "WIKI.example"); err != nil || at.ID != made.ID {
		t.Errorf("by its host: got %+v, error %v", at, err)
	}
	got.Name, got.Groups, got.Level, got.Programs = "Notes", nil, 1, true
	if err := w.Change(t.Context(), got, owner); err != nil {
		t.Fatal(err)
	}
	if all, err := w.List(t.Context()); err != nil || len(all) != 1 || all[0].Name != "Notes" || len(all[0].Groups) != 0 {
		t.Errorf("got %+v, error %v", all, err)
	}
	if err := w.Remove(t.Context(), made.ID, owner); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{w.Remove(t.Context(), made.ID, owner), w.Change(t.Context(), got, owner)} {
		if !errors.Is(err, app.ErrUnknown) {
			t.Errorf("a removed app: got error %v", err)
		}
	}
	want := []string{
		"app.added ada wiki.example (Wiki) for dev,ops, level 2", "app.changed ada wiki.example (Notes) for everybody, level 1, app passwords",
		"app.removed ada wiki.example (Notes) for everybody, level 1, app passwords",
	}
	if got := w.events(t); !slices.Equal(got, want) {
		t.Errorf("the audit log says %q", got)
	}
}

func TestWhatAnAppMayNotBe(t *testing.T) {
	w := open(t)
	w.add(t, wiki())
	for _, tt := range []struct {
		name string
		set  func(a *app.App, text string)
		want error
		bad  []string
	}{
		{"name", func(a *app.App, text string) { a.Name = text }, app.ErrName, []string{"", " ", "a\nb", "a\u202eb", "\xff", strings.Repeat("x", 65)}},
		{"host", func(a *app.App, text string) { a.Host = text }, app.ErrHost, []string{"", "*", "*.", "https://a.example", "a.example/", "a b", "a.example:0", "*.127.0.0.1", "a\nb", "ex\u00e4mple.example", "{{x}}", "a;b", strings.Repeat("a", 64) + ".example"}},
		{"public suffix", func(a *app.App, text string) { a.Host = text }, app.ErrSuffix, []string{"com", "*.com", "co.uk", "*.co.uk", "*.github.io", "github.io"}},
		{"own host", func(a *app.App, text string) { a.Host = text }, app.ErrOwn, []string{"jar.example", "JAR.example.", "jar.example:8443"}},
		{"another's host", func(a *app.App, text string) { a.Host, a.URL = text, "" }, app.ErrTaken, []string{"wiki.example", "WIKI.example.", "wiki.example:8443"}},
		{"upstream", func(a *app.App, text string) { a.Upstream = text }, app.ErrUpstream, []string{"x", ":80", "x:0", "x:080", "http://x:80", "x:80;", "unix:1", "[::1%lo]:80", "a b:80", strings.Repeat("a", 64) + ":80"}},
		{"link", func(a *app.App, text string) { a.URL = text }, app.ErrURL, []string{"x", "javascript:alert(1)", "https://evil.example/", "https://u@new.example/", "https://new.example.evil.example/", "ftp://new.example/", "https:new.example", "https://new.example/a b", "https://jar.example/"}},
		{"groups", func(a *app.App, text string) { a.Groups = []string{text} }, app.ErrGroups, []string{"", "X", "-x", "a,b", "a b"}},
		{"level", func(a *app.App, text string) { a.Level = len(text) }, app.ErrLevel, []string{"", "123"}},
		{"app passwords where a second factor is asked for", func(a *app.App, _ string) { a.Level, a.Programs = 2, true }, app.ErrPrograms, []string{""}},
	} {
		for _, text := range tt.bad {
			a := app.App{Name: "New", Host: "new.example", Level: 1}
			tt.set(&a, text)
			if _, err := w.Add(t.Context(), a, owner); !errors.Is(err, tt.want) {
				t.Errorf("%s %q: got error %v, want %v", tt.name, text, err, tt.want)
			}
		}
	}
	a := app.App{Name: "New", Host: "over.http.example", Level: 1, URL: "http://over.http.example/"}
	w.Secure = true
	if _, err := w.Add(t.Context(), a, owner); !errors.Is(err, app.ErrScheme) || w.LeadsToIt(a) {
		t.Errorf("an http link where people sign in over https: got error %v, want ErrScheme; it leads to the app: %t", err, w.LeadsToIt(a))
	}
	w.Secure = false
	if n := len(w.events(t)); n != 1 {
		t.Errorf("%d events: what was refused is recorded", n)
	}
	w.add(t, a)
	for _, host := range []string{"new.example", "*.wiki.example", "*.example", "localhost", "*.internal", "127.0.0.2:81", "[::1]", "*.site.github.io"} {
		w.add(t, app.App{Name: "New", Host: host, Level: 1})
	}
}

// A change takes effect at once on this server, and on another when it calls Load.
func TestServersFollow(t *testing.T) {
	here := open(t)
	there := second(t, here.at)
	made := here.add(t, wiki())
	check := func(when string, w world, want bool) {
		t.Helper()
		if got := w.answers(t, "https://wiki.example/"); got != want {
			t.Errorf("%s: got %t, want %t", when, got, want)
		}
	}
	check("added, here", here, true)
	check("added, there before it looked", there, false)
	look := func() {
		t.Helper()
		if err := there.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	look()
	check("added, there", there, true)
	if err := here.Remove(t.Context(), made.ID, owner); err != nil {
		t.Fatal(err)
	}
	check("removed, here", here, false)
	look()
	check("removed, there", there, false)
}

// Before the first Load the gate lets nobody pass, not even to hosts of GATE_HOSTS: an app
// may have them.
func TestNothingIsKnown(t *testing.T) {
	w := open(t)
	w.add(t, wiki())
	w.Rules.Forget()
	if w.answers(t, "https://wiki.example/") || w.answers(t, "https://listed.example/") {
		t.Error("the gate answers without knowing the apps")
	}
}

func TestNoMoreThanSoMany(t *testing.T) {
	w := open(t)
	err := w.DB.Tx(t.Context(), func(tx *db.Tx) error {
		for i := range app.MaxApps {
			_, err := tx.Exec(t.Context(), `INSERT INTO apps (id, host, host_name, name, upstream, url, group_names, level, programs, created_at)
				VALUES (?, ?, ?, 'x', '', '', '', 1, 0, 0)`, fmt.Sprint(i), fmt.Sprint("h", i), fmt.Sprint("h", i))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Add(t.Context(), wiki(), owner); !errors.Is(err, app.ErrMany) {
		t.Errorf("got error %v", err)
	}
}

// Attack race/one-winner, servers/races: two owners add one host at once, on two servers.
func TestOneHostOneApp(t *testing.T) {
	here := open(t)
	there := second(t, here.at)
	for i := range 20 {
		var all sync.WaitGroup
		errs := make([]error, 4)
		for n := range errs {
			all.Go(func() {
				w := []world{here, there}[n%2]
				_, errs[n] = w.Add(t.Context(), app.App{Name: "x", Host: fmt.Sprintf("app-%d.example", i), Level: 1}, owner)
			})
		}
		all.Wait()
		good := 0
		for _, err := range errs {
			if err == nil {
				good++
			} else if !errors.Is(err, app.ErrTaken) {
				t.Errorf("got error %v", err)
			}
		}
		if good != 1 {
			t.Errorf("%d of 4 made one app", good)
		}
	}
}
