package handlers_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/utl/account"
	"glassjar/utl/session"
)

// The home page is joined from parts: the same bytes as its template's, and no
// allocation.
func TestHomeIsItsTemplate(t *testing.T) {
	s := newSite(t)
	joined, rendered, err := handlers.Homes(s.config)
	if err != nil {
		t.Fatal(err)
	}
	found := &session.Session{Username: "ada", Started: s.clock.now(), Seen: s.clock.now()}
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
	for range 2 { // without an index.html, and with one
		for _, found.Role = range []string{account.Member, account.Owner} {
			for _, found.Remember = range []bool{false, true} {
				for _, found.DisplayName = range append(nasty, "", "Ada <b>&\"'+") {
					compare()
				}
			}
		}
		s.write(t, "index.html", "")
		s.clock.move(time.Second)
	}
	body := joined(nil, found)
	if n := testing.AllocsPerRun(100, func() { body = joined(body[:0], found) }); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

// Home leads to the pages where there is a first one, and tells an owner how to
// make one where there is none. It follows the folder within a second.
func TestHomeLeadsToPagesThatAreThere(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	s.add(t, "bob", account.Member)
	owner, member := s.signedIn(t, "ada"), s.signedIn(t, "bob")
	index := filepath.Join(s.pages, "index.html")
	for _, step := range []struct {
		name  string
		do    func() error
		there bool
	}{
		{"an empty folder", func() error { return nil }, false},
		{"a folder of the name", func() error { return os.Mkdir(index, 0o700) }, false},
		{"another page", func() error { s.write(t, "notes.html", "x"); return os.Remove(index) }, false},
		{"a page", func() error { s.write(t, "index.html", "x"); return nil }, true},
		{"none again", func() error { return os.Remove(index) }, false},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		s.clock.move(time.Second)
		for _, b := range []*browser{owner, member} {
			got := b.get("/").want(http.StatusOK)
			if links := got.find("main a[href='/pages/']").Length(); (links == 1) != step.there {
				t.Errorf("%s: %d links to the pages, want one: %t", step.name, links, step.there)
			}
			if told := strings.Contains(got.find("main").Text(), "PAGES_DIR"); told != (b == owner && !step.there) {
				t.Errorf("%s: told what to put there: %t, to the owner: %t", step.name, told, b == owner)
			}
		}
	}
}
