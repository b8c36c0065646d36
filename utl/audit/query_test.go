package audit_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// happened records the events, by a command, on the given day after start.
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
		{"a person's", audit.Query{Who: "ada"}, "ada/a ada/b ada/a"},
		{"of a kind", audit.Query{Kind: "b"}, "ada/b bob/b"},
		{"of a day", audit.Query{Day: midnight}, "ada/b bob/a"},
		{"of its last moment, seen from elsewhere", audit.Query{Day: midnight.Add(24*time.Hour - 1).In(time.FixedZone("", 14*60*60))}, "ada/b bob/a"},
		{"of a person, a kind and a day", audit.Query{Who: "bob", Kind: "a", Day: midnight}, "bob/a"},
		{"before one", audit.Query{Before: 4}, "bob/a bob/b ada/a"},
		{"before one that is forgotten", audit.Query{Before: 99}, ""},
		{"of nobody", audit.Query{Who: "eve"}, ""},
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

// A query for a person returns what happened to them and what they did, in one order; what
// they did to themselves is returned once.
func TestWhatAPersonDid(t *testing.T) {
	d := dbtest.Open(t)
	gil := audit.Actor{ID: "7", Name: "gil"}
	var want []string
	for i := range 40 {
		whom := []string{"gil", "", "ada"}[i%3]
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			by := gil
			if i%5 == 0 {
				by = audit.Command()
			}
			return audit.Record(t.Context(), tx, start, by, audit.Event{Kind: fmt.Sprint("k", i%2), Username: whom})
		})
		if err != nil {
			t.Fatal(err)
		}
		if i%5 != 0 || whom == "gil" {
			want = slices.Insert(want, 0, fmt.Sprint(whom, "/k", i%2))
		}
	}
	for _, kind := range []string{"", "k0", "k1"} {
		only := slices.DeleteFunc(slices.Clone(want), func(one string) bool { return !strings.HasSuffix(one, kind) })
		for what, read := range map[string]func(audit.Query) ([]audit.Entry, error){
			"a page": func(q audit.Query) ([]audit.Entry, error) { return audit.Page(t.Context(), d, q) },
			"one by one": func(q audit.Query) (all []audit.Entry, err error) {
				return all, audit.Each(t.Context(), d, q, func(e audit.Entry) error { all = append(all, e); return nil })
			},
		} {
			got, err := read(audit.Query{Who: "gil", Kind: kind})
			if told(got) != strings.Join(only, " ") || err != nil {
				t.Errorf("%s of kind %q: got %q, %v; want %q", what, kind, told(got), err, only)
			}
		}
	}
	got, err := audit.Page(t.Context(), d, audit.Query{Who: "ada", Day: start})
	if err != nil || len(got) != 13 {
		t.Errorf("of ada on the day: %d, %v", len(got), err)
	}
}

// Page and Each return each entry once, also entries with the same time.
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

// fn may write to the database, and its error stops Each.
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
