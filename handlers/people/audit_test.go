package people_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

func TestOwnersSeeWhatHappened(t *testing.T) {
	s, b := newPlace(t)
	b.Post("/people/una/groups", "groups", "dev")
	b.Post("/people/una/disable")
	got := b.Get("/people/audit").Want(http.StatusOK)
	got.WantPage()
	got.Says("tbody tr:first-child th", "The account was disabledto una").Says("tbody tr:first-child td:nth-child(2)", "ada")
	for args, want := range map[string]int{
		"who=UNA&kind=account.groups": 1, "kind=account.disabled": 1, "who=nobody": 0, "who=no+name%21": 0, "day=2001-01-01": 0,
		"day=" + s.Clock.Now().UTC().Format(time.DateOnly) + "&kind=account.disabled": 1,
	} {
		page := b.Get("/people/audit?" + args).Want(http.StatusOK)
		page.WantPage()
		if n := page.Find("tbody tr").Length(); n != want {
			t.Errorf("%s: %d entries, want %d", args, n, want)
		}
	}
	b.Get("/people/audit?after=x").Want(http.StatusBadRequest)
	b.Get("/people/audit.csv?day=yesterday").Want(http.StatusBadRequest)
}

// A page has 50 entries and links to older ones, with the filters.
func TestTheAuditGoesOnOnTheNextPage(t *testing.T) {
	s, b := newPlace(t)
	fill(t, s.DB, 60, "a detail")
	first := b.Get("/people/audit?kind=account.groups").Want(http.StatusOK)
	older := first.Find(".paging a").AttrOr("href", "")
	second := b.Get(older).Want(http.StatusOK)
	if n, m := first.Find("tbody tr").Length(), second.Find("tbody tr").Length(); n != 50 || m != 10 {
		t.Errorf("the pages have %d and %d entries (the second is %s)", n, m, older)
	}
}

// fill records n events with the detail.
func fill(t *testing.T, d *db.DB, n int, detail string) {
	t.Helper()
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		for range n {
			e := audit.Event{Kind: "account.groups", AccountID: "x", Username: "una", Detail: detail}
			if err := audit.Record(t.Context(), tx, time.Now(), audit.Actor{Name: "ada"}, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Attack people/formulas: a text that a spreadsheet would execute is escaped, and the
// file has every entry.
func TestTheAuditFile(t *testing.T) {
	s, b := newPlace(t)
	formulas := []string{`=HYPERLINK("https://evil.example")`, "+1", "-1", "@SUM(A1)", "\tx", `a "quoted", text`, "two\nlines"}
	for _, detail := range formulas {
		fill(t, s.DB, 1, detail)
	}
	fill(t, s.DB, 1200, "dev")
	got := b.Get("/people/audit.csv?who=una&kind=account.groups").Want(http.StatusOK)
	rows, err := csv.NewReader(strings.NewReader(got.Body)).ReadAll()
	if err != nil || len(rows) != 1+1200+len(formulas) {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if head := strings.Join(rows[0], " "); head != "time event by username address browser detail" {
		t.Errorf("the head is %q", head)
	}
	for i, row := range rows[len(rows)-len(formulas):] {
		if want := formulas[len(formulas)-1-i]; row[6] != want && row[6] != "'"+want || strings.ContainsAny(row[6][:1], "=+-@\t") {
			t.Errorf("the detail %q is in the file as %q", want, row[6])
		}
	}
	if fmt.Sprint(rows[1][1:4]) != "[account.groups ada una]" {
		t.Errorf("a row is %q", rows[1])
	}
}
