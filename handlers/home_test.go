package handlers_test

import (
	"testing"

	"glassjar/handlers"
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
	for _, found.Remember = range []bool{false, true} {
		for _, found.DisplayName = range append(nasty, "", "Ada <b>&\"'+") {
			want, err := rendered(found)
			if err != nil {
				t.Fatal(err)
			}
			if got := joined(nil, found); string(got) != string(want) {
				t.Errorf("%q: got\n%s\nwant\n%s", found.DisplayName, got, want)
			}
		}
	}
	body := joined(nil, found)
	if n := testing.AllocsPerRun(100, func() { body = joined(body[:0], found) }); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}
