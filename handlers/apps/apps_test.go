package apps_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/recipe"
)

// site returns a site with an owner, whose browser is b, and a gate that lists wiki.example.
func site(t *testing.T) (s *webtest.Site, b *webtest.Browser) {
	t.Helper()
	s = webtest.New(t, webtest.WithGate, func(c *handlers.Config) {
		c.Recipe = &recipe.Site{PublicURL: &url.URL{Scheme: "https", Host: "jar.example"}, Address: "127.0.0.1:8080", Listen: "*:443"}
	})
	s.Add(t, "ada", account.Owner)
	return s, s.SignedIn(t, "ada")
}

// ask asks the gate about the URL, as a proxy with this address does.
func ask(t *testing.T, s *webtest.Site, peer, address string) {
	t.Helper()
	r := s.Browser(t).Request(http.MethodGet, "/gate/check", "", webtest.Asked(address)...)
	r.RemoteAddr, r.Body = peer+":4711", http.NoBody
	s.Handler.ServeHTTP(discard{http.Header{}}, r)
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

func wants(t *testing.T, what string, a *webtest.Answer, texts ...string) {
	t.Helper()
	page := strings.Join(strings.Fields(a.Find("main").Text()), " ")
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("%s: the page does not say %q:\n%s", what, text, page)
		}
	}
}

func TestAppIsAddedChangedAndRemoved(t *testing.T) {
	s, b := site(t)
	wants(t, "none", b.Get("/apps").Want(http.StatusOK), "No apps yet", "Add an app", "Hosts of GATE_HOSTS", "wiki.example")
	form := b.Get("/apps/new?host=kiosk.example").Want(http.StatusOK)
	if got := form.Find("#host").AttrOr("value", ""); got != "kiosk.example" {
		t.Errorf("the host field has %q", got)
	}
	b.Post("/apps/new", "name", "Kiosk", "host", "kiosk.example", "upstream", "127.0.0.1:9094", "groups", "Dev, ops", "level", "2").Want(http.StatusSeeOther)
	id := s.Texts(t, `SELECT id FROM apps`)[0]
	got := b.Get("/apps/" + id + "?done=added").Want(http.StatusOK)
	wants(t, "the app", got, "Kiosk", "for people in dev or ops, with a second factor", "never asked", "server_name kiosk.example;", "http://127.0.0.1:9094;", "The app is behind the gate")
	wants(t, "another proxy", b.Get("/apps/"+id+"?proxy=haproxy").Want(http.StatusOK), "/etc/haproxy/haproxy.cfg", "glassjar.lua", "backend app-kiosk.example")
	file := b.Get("/apps/"+id+"/recipe/caddy").Want(http.StatusOK).WantHeader("Content-Type", "text/plain; charset=utf-8")
	if !strings.Contains(file.Body, "https://kiosk.example {") {
		t.Errorf("the recipe is %s", file.Body)
	}
	b.Get("/apps/" + id + "/recipe/haproxy-lua").Want(http.StatusOK)
	b.Get("/apps/" + id + "/recipe/apache").Want(http.StatusNotFound)
	b.Post("/apps/"+id, "name", "Notes", "host", "notes.example", "groups", "", "programs", "1", "level", "2").Want(http.StatusUnprocessableEntity).
		Says("#problem p", "An app password is one factor, so none passes where a second is asked for: choose one of the two.")
	b.Post("/apps/"+id, "name", "Notes", "host", "notes.example", "groups", "", "programs", "1").Want(http.StatusSeeOther)
	wants(t, "changed", b.Get("/apps").Want(http.StatusOK), "Notes", "notes.example", "everybody signed in", "not asked for")
	if urls := s.Texts(t, `SELECT url FROM apps`); urls[0] != "http://notes.example/" {
		t.Errorf("the link is %q", urls)
	}
	b.Post("/apps/" + id + "/remove").Want(http.StatusSeeOther)
	wants(t, "removed", b.Get("/apps?done=removed").Want(http.StatusOK), "No apps yet", "The app is removed")
	b.Get("/apps/" + id).Want(http.StatusNotFound)
}

// After a mistake the form is shown again with the input, and nothing changes.
func TestMistakesKeepTheForm(t *testing.T) {
	s, b := site(t)
	made := s.NewApp(t, app.App{Name: "Wiki", Host: "one.example"})
	for _, tt := range []struct{ field, value, want string }{
		{"host", "jar.example", "This is the host where people sign in"},
		{"host", "one.example", "Another app has this host"},
		{"host", "https://x", "A host is a name"},
		{"name", "", "An app's name is 1 to 64 characters"},
		{"upstream", "nowhere", "The address where the app runs is host:port"},
		{"groups", "-x", "A group is 1 to 32"},
		{"url", "javascript:alert(1)", "The link is a URL on the app's own host"},
		{"level", "9", "The level is 1 or 2"},
	} {
		fields := map[string]string{"name": "New", "host": "new.example", "upstream": "", "url": "", "groups": ""}
		fields[tt.field] = tt.value
		var pairs []string
		for name, value := range fields {
			pairs = append(pairs, name, value)
		}
		got := b.Post("/apps/new", pairs...).Want(http.StatusUnprocessableEntity)
		wants(t, tt.field, got, tt.want)
		if kept := got.Find("#"+tt.field).AttrOr("value", "-"); kept != tt.value && tt.field != "level" {
			t.Errorf("%s %q became %q", tt.field, tt.value, kept)
		}
		if tt.value != "one.example" {
			wants(t, "changing "+tt.field, b.Post("/apps/"+made.ID, pairs...).Want(http.StatusUnprocessableEntity), tt.want)
		}
	}
	if all := s.Texts(t, `SELECT host FROM apps`); len(all) != 1 {
		t.Errorf("the apps are %q", all)
	}
}

// Where people sign in over https, the gate lets nobody pass over http: an app gets no such
// link, and one that it has from before is not tested.
func TestALinkOverHTTP(t *testing.T) {
	s := webtest.New(t, webtest.Secure)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	made := s.NewApp(t, app.App{Name: "Notes", Host: "notes.example"})
	s.Exec(t, `UPDATE apps SET url = ?`, "http://notes.example/")
	wants(t, "a link from before", b.Get("/apps/"+made.ID), "the app has no link that leads there through the gate")
	b.Post("/apps/" + made.ID + "/test").Want(http.StatusUnprocessableEntity)
	got := b.Post("/apps/new", "name", "Wiki", "host", "wiki.example", "url", "http://wiki.example/").Want(http.StatusUnprocessableEntity)
	wants(t, "http on https", got, "People sign in over https, so the app's link is https too.")
}

// The pages show what was asked, by whom, and what to change.
func TestStatesAreTrue(t *testing.T) {
	s, b := site(t)
	made := s.NewApp(t, app.App{Name: "Wiki", Host: "one.example"})
	page := "/apps/" + made.ID
	wants(t, "before", b.Get(page), "never asked", "The proxy is not set up yet")
	ask(t, s, "127.0.0.1", "http://one.example/")
	s.Clock.Move(12 * time.Second)
	wants(t, "asked", b.Get(page), "asked 12 s ago", "By 127.0.0.1.")
	for range 3 {
		ask(t, s, "192.0.2.10", "http://one.example/")
	}
	wants(t, "untrusted", b.Get(page), "refused 3 times in the last hour", "The proxy at 192.0.2.10 is not trusted", "TRUSTED_PROXIES")
	wants(t, "untrusted, in the list", b.Get("/apps"), "refused 3 times in the last hour")
	s.Clock.Move(time.Hour)
	wants(t, "an hour later", b.Get(page), "asked 1 hour ago")

	for range 14 {
		ask(t, s, "127.0.0.1", "http://kiosk.example/")
	}
	ask(t, s, "127.0.0.1", "http://bad host/")
	got := b.Get("/apps")
	wants(t, "strangers", got, "kiosk.example", "refused 14 times in the last hour", "Questions that cannot be read", "refused once in the last hour")
	if got.Find(`a[href="/apps/new?host=kiosk.example"]`).Length() != 1 {
		t.Error("the host cannot be added")
	}
	s.NewApp(t, app.App{Name: "Kiosk", Host: "kiosk.example"})
	if got := b.Get("/apps"); got.Find(`a[href="/apps/new?host=kiosk.example"]`).Length() != 0 {
		t.Error("a host that has an app now is still to be added")
	}
}

// The pages say so where an app is asked for over http or on another port, and where the
// sign-in's own host is asked for.
func TestStatesOfWrongAddresses(t *testing.T) {
	s := webtest.New(t, webtest.Secure)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	made := s.NewApp(t, app.App{Name: "Wiki", Host: "one.example:8443"})
	ask(t, s, "127.0.0.1", "https://one.example:9/")
	wants(t, "another port", b.Get("/apps/"+made.ID), "asked just now", "In the last hour refused once: opened on another port than the app’s.")
	ask(t, s, "127.0.0.1", "http://one.example:8443/")
	wants(t, "over http", b.Get("/apps"), "refused once in the last hour", "Let the proxy at 127.0.0.1 redirect http to https")
	ask(t, s, "127.0.0.1", "https://jar.example/")
	got := b.Get("/apps")
	wants(t, "the sign-in", got, "refused once in the last hour. People sign in here: the proxy at 127.0.0.1 must not ask the gate about this host.")
	if got.Find(`a[href^="/apps/new?host="]`).Length() != 0 {
		t.Error("the host where people sign in is offered to be added")
	}
	if got := b.Get("/"); got.Find(`a[href^="/apps/new?host="]`).Length() != 0 {
		t.Error("the host where people sign in is offered to be added on the home page")
	}
	for address, want := range map[string]string{
		"http://one.example:8443/": "People sign in over https, and this is http: 403.",
		"https://one.example/":     "It is listed with another port: 403.",
		"http://two.example/":      "No app and no entry of GATE_HOSTS is two.example: 403.",
	} {
		wants(t, address, b.Get("/apps/"+made.ID+"?url="+address+"&as=ada"), want)
	}
}

// The page shows what the gate would decide, and why.
func TestExplain(t *testing.T) {
	s, b := site(t)
	page := "/apps/" + s.NewApp(t, app.App{Name: "Wiki", Host: "one.example", Groups: []string{"dev"}, URL: "http://one.example/"}).ID
	if got := b.Get(page).Find("#ask-url").AttrOr("value", ""); got != "http://one.example/" {
		t.Errorf("the address is %q", got)
	}
	for query, want := range map[string]string{
		"url=http://one.example/a&as=ada":      "ada is in none of the groups (dev): 403.",
		"url=http://one.example/a":             "Nobody is signed in",
		"url=http://two.example/a&as=ada":      "No app and no entry of GATE_HOSTS is two.example",
		"url=http://wiki.example/&as=ada":      "It passes: 200, and the app is told that it is ada.",
		"url=x&as=ada":                         "The question cannot be read",
		"url=http://one.example/&as=nobody":    "There is no account with this username.",
		"url=http://one.example/&method=b%0Ad": "The question cannot be read",
	} {
		wants(t, query, b.Get(page+"?"+query).Want(http.StatusOK), want)
	}
	s.Add(t, "eve", account.Member)
	s.Exec(t, `UPDATE accounts SET disabled_at = 1 WHERE username = ?`, "eve")
	wants(t, "a disabled account", b.Get(page+"?url=http://wiki.example/&as=eve"), "The account eve is disabled or waits for approval, so nobody is signed in with it: ")
	if got := b.Get("/apps"); strings.Contains(got.Find("main").Text(), "refused") {
		t.Error("what was only explained is counted as asked")
	}
}

// The number of unknown hosts that the page lists is limited.
func TestHostsThatNobodyListedAreBounded(t *testing.T) {
	s, b := site(t)
	for i := range 200 {
		s.Clock.Move(time.Millisecond)
		ask(t, s, "127.0.0.1", "http://x"+strings.Repeat("y", i%60)+string(rune('a'+i/60))+".example/")
	}
	if n := b.Get("/apps").Find(`a[href^="/apps/new?host="]`).Length(); n != 50 {
		t.Errorf("%d hosts are shown", n)
	}
}

// Every app's file has all apps, because it is saved in place of the one before.
func TestARecipeHasAllApps(t *testing.T) {
	s := webtest.New(t, webtest.WithGate, func(c *handlers.Config) {
		c.Recipe = &recipe.Site{PublicURL: &url.URL{Scheme: "https", Host: "jar.example"}, Address: "127.0.0.1:8080", Listen: "*:443"}
	})
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	b.Post("/apps/new", "name", "Notes", "host", "notes.example", "upstream", "127.0.0.1:3000").Want(http.StatusSeeOther)
	b.Post("/apps/new", "name", "Kiosk", "host", "*.kiosk.example").Want(http.StatusSeeOther) // no recipe can have it
	b.Post("/apps/new", "name", "Docs", "host", "docs.example").Want(http.StatusSeeOther)
	for _, id := range s.Texts(t, `SELECT id FROM apps WHERE name <> 'Kiosk'`) {
		file := b.Get("/apps/" + id + "/recipe/caddy").Want(http.StatusOK)
		for _, text := range []string{"https://notes.example {", "127.0.0.1:3000", "https://docs.example {", recipe.Placeholder} {
			if !strings.Contains(file.Body, text) {
				t.Errorf("the file does not have %q:\n%s", text, file.Body)
			}
		}
		wants(t, "the page", b.Get("/apps/"+id).Want(http.StatusOK), "in place of the one before")
	}
}

// If there is no recipe, the app's page says why, and its file is not found.
func TestNoRecipe(t *testing.T) {
	for _, tt := range []struct {
		row, host, proxy, want string
		site                   *recipe.Site
	}{
		{"settings that say too little", "kiosk.example", "nginx", "There is no recipe by these settings: set PUBLIC_URL", nil},
		{"a socket that the proxy cannot ask", "kiosk.example", "haproxy", "ADDR is a Unix socket, which this proxy cannot ask", &recipe.Site{Address: "unix:/run/jar.sock"}},
		{"an odd path", "kiosk.example", "nginx", "A recipe cannot name the Unix socket of ADDR", &recipe.Site{Address: "unix:/run/a jar.sock"}},
		{"many hosts", "*.kiosk.example", "nginx", "A recipe is for one host by its name", &recipe.Site{Address: "127.0.0.1:8080"}},
		{"an address that is none", "kiosk.example", "nginx", "There is no recipe for this app", &recipe.Site{Address: "x"}},
	} {
		t.Run(tt.row, func(t *testing.T) {
			if tt.site != nil {
				tt.site.PublicURL, tt.site.Listen = &url.URL{Scheme: "https", Host: "jar.example"}, "*:443"
			}
			s := webtest.New(t, webtest.WithGate, func(c *handlers.Config) { c.Recipe = tt.site })
			s.Add(t, "ada", account.Owner)
			b := s.SignedIn(t, "ada")
			b.Post("/apps/new", "name", "Kiosk", "host", tt.host).Want(http.StatusSeeOther)
			at := "/apps/" + s.Texts(t, `SELECT id FROM apps`)[0]
			wants(t, "the app", b.Get(at+"?proxy="+tt.proxy).Want(http.StatusOK), tt.want)
			b.Get(at + "/recipe/" + tt.proxy).Want(http.StatusNotFound)
		})
	}
}

// Adding, changing and removing apps need a proof of the last 10 minutes.
func TestOwnersProve(t *testing.T) {
	s, b := site(t)
	made := s.NewApp(t, app.App{Name: "Wiki", Host: "one.example"})
	s.Clock.Move(11 * time.Minute)
	for _, path := range []string{"/apps/new", "/apps/" + made.ID, "/apps/" + made.ID + "/remove"} {
		got := b.Post(path, "name", "X", "host", "x.example").Want(http.StatusSeeOther)
		if to := got.Header.Get("Location"); !strings.HasPrefix(to, "/account/prove") {
			t.Errorf("%s leads to %s", path, to)
		}
	}
	if got := s.Texts(t, `SELECT name FROM apps`); len(got) != 1 || got[0] != "Wiki" {
		t.Errorf("the apps are %q", got)
	}
	b.Get("/apps").Want(http.StatusOK)
}
