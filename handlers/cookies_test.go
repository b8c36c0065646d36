package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// Attack cookie/several: of several session cookies the valid one counts; if several are
// valid, or none, the person is signed out and all are cleared.
func TestSeveralCookiesOfOurName(t *testing.T) {
	for name, change := range map[string]func(*handlers.Config){"glassjar": func(*handlers.Config) {}, "__Host-glassjar": webtest.Secure} {
		where := "/ jar.example/ /account jar.example/account"
		if name != "glassjar" {
			where = "/ /account" // a __Host- cookie has no Domain attribute
		}
		s := webtest.New(t, change)
		s.Add(t, "ada", account.Owner)
		live, again := cookie(s.SignedIn(t, "ada"), name), cookie(s.SignedIn(t, "ada"), name)
		for _, row := range []struct {
			name, cookie string
			counts       bool
		}{
			{"one", live, true},
			{"a bad one first", name + "=x; " + live, true},
			{"the good one first", live + "; " + name + "=x", true},
			{"an empty one", name + "=; " + live, true},
			{"701 of them, one good", strings.Repeat(name+"=; ", 700) + live, true},
			{"the same one twice", live + "; " + live, false},
			{"two that verify", live + "; " + again, false},
			{"two that do not", name + "=x; " + name + "=y", false},
		} {
			t.Run(name+", "+row.name, func(t *testing.T) {
				b := s.Browser(t)
				if row.counts {
					if got := b.Get("/account", "Cookie", row.cookie).Want(http.StatusOK); len(got.Cookies()) > 0 {
						t.Errorf("got the cookies %v, want none", got.Cookies())
					}
					return
				}
				got := b.Get("/account", "Cookie", row.cookie).Want(http.StatusSeeOther)
				wantCleared(t, got, name, where)
				b.Get("/", "Cookie", row.cookie).Want(http.StatusOK).Says("h1", "Sign in").WantPage()
			})
		}
	}
}

// wantCleared fails the test unless the response clears exactly the cookies with this
// name in the places: each a domain and a path, separated by spaces.
func wantCleared(t *testing.T, a *webtest.Answer, name, places string) {
	t.Helper()
	var cleared []string
	for _, c := range a.Cookies() {
		if c.Name != name || c.Value != "" || c.MaxAge >= 0 {
			t.Errorf("got the cookie %s, want it cleared", c)
		}
		cleared = append(cleared, c.Domain+c.Path)
	}
	if got := strings.Join(cleared, " "); got != places {
		t.Errorf("cleared for %s, want %s", got, places)
	}
}

// cookie returns the browser's cookie with the name, as name=value.
func cookie(b *webtest.Browser, name string) string {
	b.T.Helper()
	for one := range strings.SplitSeq(b.Cookies(), "; ") {
		if strings.HasPrefix(one, name+"=") {
			return one
		}
	}
	b.T.Fatalf("no cookie %s", name)
	return ""
}

// Attack cookie/changed, cookie/cut, cookie/foreign-key: whatever an invalid cookie
// contains, the person is signed out.
func TestBadCookies(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	live := cookie(s.SignedIn(t, "ada"), "glassjar")
	device := strings.TrimPrefix(cookie(s.SignedIn(t, "ada"), "glassjar-device"), "glassjar-device=")
	for _, row := range []struct{ name, cookie string }{
		{"empty", "glassjar="},
		{"random", "glassjar=x"},
		{"quoted", `glassjar="` + strings.TrimPrefix(live, "glassjar=") + `"`},
		{"cut", live[:len(live)-1]},
		{"longer", live + "A"},
		{"padded", live + "="},
		{"another purpose's", "glassjar=" + device},
		{"as the known device", "glassjar-device=" + strings.TrimPrefix(live, "glassjar=")},
		{"4,097 bytes", "glassjar=" + strings.Repeat("A", 4097)},
		{"10,000 bytes", "glassjar=" + strings.Repeat("A", 10_000)},
		{"3,001 others", strings.Repeat("a=b;", 3001)},
	} {
		t.Run(row.name, func(t *testing.T) {
			s.Browser(t).Get("/account", "Cookie", row.cookie).Want(http.StatusSeeOther, "/?next=%2Faccount")
			s.Browser(t).Get("/", "Cookie", row.cookie).Want(http.StatusOK).Says("h1", "Sign in")
			s.Browser(t).Send("/auth", webtest.Form("username", "ada", "password", webtest.Good), "Cookie", row.cookie).Want(http.StatusSeeOther)
		})
	}
}

// Attack cookie/rotated-key: a cookie signed with an old key is accepted, and signed
// again by the site's own pages; once the old key is removed it is refused.
func TestARotatedKey(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Write(t, "notes.txt", "notes")
	keys := func(all ...[32]byte) {
		t.Helper()
		if err := s.Sessions.SetKeys(all); err != nil {
			t.Fatal(err)
		}
	}
	old := s.SignedIn(t, "ada")
	stale := old.Clone()
	keys(webtest.NewKey, webtest.Key)
	for _, path := range []string{"/", "/account", "/auth", "/pages/notes.txt"} {
		if got := stale.Clone().Get(path); got.Cookie("glassjar") == nil {
			t.Errorf("GET %s: got %s without a new cookie", path, got.Status)
		}
	}
	if got := stale.Clone().Get("/static/none"); got.Cookie("glassjar") != nil {
		t.Error("a static file has a cookie")
	}
	webtest.WantCookie(t, old.Get("/account").Want(http.StatusOK).Cookie("glassjar"), 0, false)
	if got := old.Get("/account").Want(http.StatusOK); len(got.Cookies()) != 0 {
		t.Error("a cookie that the new key signed was signed again")
	}
	stale.Clone().Post("/logout").Want(http.StatusSeeOther) // both cookies are of the same session
	old.Get("/account").Want(http.StatusSeeOther)

	old = s.SignedIn(t, "ada")
	keys(webtest.NewKey)
	stale.Get("/account").Want(http.StatusSeeOther)
	old.Get("/account").Want(http.StatusOK)
	keys(webtest.Key)
	old.Get("/account").Want(http.StatusSeeOther)
}
