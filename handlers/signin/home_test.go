package signin_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/files"
	"glassjar/handlers/signin"
	"glassjar/handlers/web"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

// homeConfig returns the Config that the site's home page needs.
func homeConfig(t *testing.T, s *webtest.Site) signin.Config {
	t.Helper()
	c := s.Settings
	core, err := web.New(web.Config{
		Sessions: c.Sessions, Devices: c.Devices, PublicURL: c.PublicURL, Templates: c.Templates, Static: c.Static, Log: c.Log, Now: c.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return signin.Config{Site: core, Sessions: c.Sessions, Devices: c.Devices, Apps: c.Apps, HasPages: true, HasIndex: files.New(core, c.Pages).HasIndex}
}

// The precompiled home page has the same bytes as its template's output, and appending it
// allocates nothing.
func TestHomeIsItsTemplate(t *testing.T) {
	s := webtest.New(t)
	joined, rendered := signin.Homes(homeConfig(t, s))
	found := &session.Session{Identity: identity.Identity{Username: "ada"}, Started: s.Clock.Now(), Seen: s.Clock.Now()}
	compare := func() {
		t.Helper()
		want, err := rendered(found)
		if err != nil {
			t.Fatal(err)
		}
		if got := joined(nil, found); string(got) != string(want) {
			t.Errorf("%+v: got\n%s\nwant\n%s", found, got, want)
		}
	}
	for range 2 { // first without an index.html, then with one
		for _, found.Role = range []string{account.Member, account.Owner} {
			for _, found.Remember = range []bool{false, true} {
				for _, found.Name = range append(webtest.Nasty, "", "Ada <b>&\"'+") {
					compare()
				}
			}
		}
		s.Write(t, "index.html", "")
		s.Clock.Move(time.Second)
	}
}

// Home links to the pages if there is an index.html, and tells an owner how to add one if
// there is none. It notices a change within a second.
func TestHomeLeadsToPagesThatAreThere(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	owner, member := s.SignedIn(t, "ada"), s.SignedIn(t, "bob")
	index := filepath.Join(s.Pages, "index.html")
	for _, step := range []struct {
		name  string
		do    func() error
		there bool
	}{
		{"an empty folder", func() error { return nil }, false},
		{"a folder of the name", func() error { return os.Mkdir(index, 0o700) }, false},
		{"another page", func() error { s.Write(t, "notes.html", "x"); return os.Remove(index) }, false},
		{"a page", func() error { s.Write(t, "index.html", "x"); return nil }, true},
		{"none again", func() error { return os.Remove(index) }, false},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		s.Clock.Move(time.Second)
		for _, b := range []*webtest.Browser{owner, member} {
			got := b.Get("/").Want(http.StatusOK)
			if links := got.Find("main a[href='/pages/']").Length(); (links == 1) != step.there {
				t.Errorf("%s: %d links to the pages, want one: %t", step.name, links, step.there)
			}
			if told := strings.Contains(got.Find("main").Text(), "PAGES_DIR"); told != (b == owner && !step.there) {
				t.Errorf("%s: told what to put there: %t, to the owner: %t", step.name, told, b == owner)
			}
		}
	}
}
