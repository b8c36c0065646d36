package audit_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// happened records the events on the day: names are whom it happened to, and
// events their kinds.
func happened(t *testing.T, d *db.DB, day int, events ...audit.Event) {
	t.Helper()
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		for _, e := range events {
			if err := audit.Record(t.Context(), tx, start.AddDate(0, 0, day), audit.Command(), e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func told(all []audit.Entry) string {
	var words []string
	for _, e := range all {
		words = append(words, e.Username+"/"+e.Kind)
	}
	return strings.Join(words, " ")
}

func TestEntriesAreFound(t *testing.T) {
	d := dbtest.Open(t)
	happened(t, d, 0, audit.Event{Kind: "a", Username: "ada"}, audit.Event{Kind: "b", Username: "bob"})
	happened(t, d, 1, audit.Event{Kind: "a", Username: "bob"}, audit.Event{Kind: "b", Username: "ada"})
	happened(t, d, 2, audit.Event{Kind: "a", Username: "ada"})
	midnight := start.AddDate(0, 0, 1).Truncate(24 * time.Hour)
	for _, tt := range []struct {
		name string
		q    audit.Query
		want string
	}{
		{"all", audit.Query{}, "ada/a ada/b bob/a bob/b ada/a"},
		{"a person's", audit.Query{Username: "ada"}, "ada/a ada/b ada/a"},
		{"of a kind", audit.Query{Kind: "b"}, "ada/b bob/b"},
		{"of a day", audit.Query{Day: midnight}, "ada/b bob/a"},
		{"of its last moment, seen from elsewhere", audit.Query{Day: midnight.Add(24*time.Hour - 1).In(time.FixedZone("", 14*60*60))}, "ada/b bob/a"},
		{"of a person, a kind and a day", audit.Query{Username: "bob", Kind: "a", Day: midnight}, "bob/a"},
		{"before one", audit.Query{Before: 4}, "bob/a bob/b ada/a"},
		{"before one that is forgotten", audit.Query{Before: 99}, ""},
		{"of nobody", audit.Query{Username: "eve"}, ""},
	} {
		got, err := audit.Page(t.Context(), d, tt.q)
		if told(got) != tt.want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", tt.name, told(got), err, tt.want)
		}
		var each []audit.Entry
		err = audit.Each(t.Context(), d, tt.q, func(e audit.Entry) error { each = append(each, e); return nil })
		if told(each) != tt.want || err != nil {
			t.Errorf("%s, one by one: got %q, %v; want %q", tt.name, told(each), err, tt.want)
		}
	}
}

// Each entry comes once, in pages and one by one, also those of one moment.
func TestAllEntriesAreRead(t *testing.T) {
	d := dbtest.Open(t)
	const n = 1203
	happened(t, d, 0, slices.Repeat([]audit.Event{{Kind: "a", Username: "ada"}}, n)...)
	next := int64(n)
	err := audit.Each(t.Context(), d, audit.Query{Kind: "a"}, func(e audit.Entry) error {
		if e.ID != next {
			t.Errorf("entry %d came, want %d", e.ID, next)
		}
		next--
		return nil
	})
	if err != nil || next != 0 {
		t.Errorf("%d did not come, error %v", next, err)
	}
	first, err := audit.Page(t.Context(), d, audit.Query{})
	if err != nil || len(first) != audit.PageRows+1 {
		t.Fatalf("the first page has %d, %v", len(first), err)
	}
	second, err := audit.Page(t.Context(), d, audit.Query{Before: first[audit.PageRows-1].ID})
	if err != nil || len(second) != audit.PageRows+1 || second[0].ID != first[audit.PageRows].ID {
		t.Errorf("the second page begins with %+v, %v", second[0], err)
	}
}

// Whoever reads may write meanwhile, and stop.
func TestEachHoldsNothing(t *testing.T) {
	d := dbtest.Open(t)
	happened(t, d, 0, audit.Event{Kind: "a"}, audit.Event{Kind: "b"})
	own, n := errors.New("our own"), 0
	err := audit.Each(t.Context(), d, audit.Query{}, func(audit.Entry) error {
		n++
		happened(t, d, 1, audit.Event{Kind: "c"})
		return own
	})
	if n != 1 || !errors.Is(err, own) {
		t.Errorf("%d entries, error %v; want one, and our own", n, err)
	}
}
