package handlers_test

import (
	"net/http"
	"strings"
	"testing"

	"glassjar/handlers"
	"glassjar/utl/account"
)

// Attack cookie/several: of several cookies of our name the one that verifies counts; where
// several do, or none, one is signed out and all are cleared.
func TestSeveralCookiesOfOurName(t *testing.T) {
	for name, change := range map[string]func(*handlers.Config){"glassjar": func(*handlers.Config) {}, "__Host-glassjar": secure} {
		where := "/ jar.example/ /account jar.example/account"
		if name != "glassjar" {
			where = "/ /account" // a __Host- cookie has no Domain
		}
		s := newSite(t, change)
		s.add(t, "ada", account.Owner)
		live, again := s.signedIn(t, "ada").cookie(name), s.signedIn(t, "ada").cookie(name)
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
				b := s.browser(t)
				if row.counts {
					if got := b.get("/account", "Cookie", row.cookie).want(http.StatusOK); len(got.Cookies()) > 0 {
						t.Errorf("got the cookies %v, want none", got.Cookies())
					}
					return
				}
				got := b.get("/account", "Cookie", row.cookie).want(http.StatusSeeOther)
				var places []string
				for _, c := range got.Cookies() {
					if c.Name != name || c.Value != "" || c.MaxAge >= 0 {
						t.Errorf("got the cookie %s, want it cleared", c)
					}
					places = append(places, c.Domain+c.Path)
				}
				if got := strings.Join(places, " "); got != where {
					t.Errorf("cleared for %s, want %s", got, where)
				}
				b.get("/", "Cookie", row.cookie).want(http.StatusOK).says("h1", "Sign in").wantPage()
			})
		}
	}
}

// cookie returns the browser's cookie of the name, as name=value.
func (b *browser) cookie(name string) string {
	b.t.Helper()
	for one := range strings.SplitSeq(b.cookies(), "; ") {
		if strings.HasPrefix(one, name+"=") {
			return one
		}
	}
	b.t.Fatalf("no cookie %s", name)
	return ""
}

// Attack cookie/changed, cookie/cut, cookie/foreign-key: whatever a bad cookie holds, its bearer is signed out.
func TestBadCookies(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	live := s.signedIn(t, "ada").cookie("glassjar")
	device := strings.TrimPrefix(s.signedIn(t, "ada").cookie("glassjar-device"), "glassjar-device=")
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
			s.browser(t).get("/account", "Cookie", row.cookie).want(http.StatusSeeOther, "/?next=%2Faccount")
			s.browser(t).get("/", "Cookie", row.cookie).want(http.StatusOK).says("h1", "Sign in")
			s.browser(t).send("/auth", form("username", "ada", "password", good), "Cookie", row.cookie).want(http.StatusSeeOther)
		})
	}
}

// Attack cookie/rotated-key: a cookie that an old key signed works, and is signed anew by our
// own pages; once the old key is gone it is nothing.
func TestARotatedKey(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	s.write(t, "notes.txt", "notes")
	keys := func(all ...[]byte) {
		t.Helper()
		if err := s.sessions.SetKeys(all); err != nil {
			t.Fatal(err)
		}
	}
	old := s.signedIn(t, "ada")
	stale := old.clone()
	keys(newKey, key)
	for _, path := range []string{"/", "/account", "/auth", "/pages/notes.txt"} {
		if got := stale.clone().get(path); got.cookie("glassjar") == nil {
			t.Errorf("GET %s: got %s without a new cookie", path, got.Status)
		}
	}
	if got := stale.clone().get("/static/none"); got.cookie("glassjar") != nil {
		t.Error("a static file has a cookie")
	}
	wantCookie(t, old.get("/account").want(http.StatusOK).cookie("glassjar"), 0, false)
	if got := old.get("/account").want(http.StatusOK); len(got.Cookies()) != 0 {
		t.Error("a cookie that the new key signed was signed again")
	}
	stale.clone().post("/logout").want(http.StatusSeeOther) // both cookies name one session
	old.get("/account").want(http.StatusSeeOther)

	old = s.signedIn(t, "ada")
	keys(newKey)
	stale.get("/account").want(http.StatusSeeOther)
	old.get("/account").want(http.StatusOK)
	keys(key)
	old.get("/account").want(http.StatusSeeOther)
}
