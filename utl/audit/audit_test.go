package audit_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)

// record records events of these kinds for the account, a second apart.
func record(t *testing.T, d *db.DB, account string, kinds ...string) {
	t.Helper()
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		for i, kind := range kinds {
			at := start.Add(time.Duration(i) * time.Second)
			if err := audit.Record(t.Context(), tx, at, audit.Command(), audit.Event{Kind: kind, AccountID: account}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// kinds returns the kinds of the account's last n events.
func kinds(t *testing.T, d *db.DB, account string, n int) string {
	t.Helper()
	all, err := audit.Before(t.Context(), d, account, math.MaxInt64, n)
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, e := range all {
		words = append(words, e.Kind)
	}
	return strings.Join(words, " ")
}

func TestWhatIsRecordedIsRead(t *testing.T) {
	d := dbtest.Open(t)
	want := audit.Entry{
		ID:    1,
		Event: audit.Event{Kind: "signin.ok", AccountID: "1", Username: "ada", Detail: "'; DROP TABLE audit; --"},
		At:    start,
		By:    audit.Actor{ID: "2", Name: "bob", Address: "2001:db8::1", Agent: "Mozilla/5.0 (€)"},
	}
	err := d.Tx(t.Context(), func(tx *db.Tx) error { return audit.Record(t.Context(), tx, want.At, want.By, want.Event) })
	if err != nil {
		t.Fatal(err)
	}
	got, err := audit.Before(t.Context(), d, "1", math.MaxInt64, 10)
	if diff := cmp.Diff([]audit.Entry{want}, got); err != nil || diff != "" {
		t.Errorf("error %v (-want +got):\n%s", err, diff)
	}
}

func TestLastIsTheNewestFirst(t *testing.T) {
	d := dbtest.Open(t)
	record(t, d, "1", "a", "b", "c")
	record(t, d, "2", "x")
	for n, want := range []string{"", "c", "c b", "c b a", "c b a"} {
		if got := kinds(t, d, "1", n); got != want {
			t.Errorf("the last %d: got %q, want %q", n, got, want)
		}
	}
	if got := kinds(t, d, "", 10); got != "" {
		t.Errorf("of nobody: got %q", got)
	}
}

// Events with the same time are returned in the order in which they were written.
func TestLastOfOneMoment(t *testing.T) {
	d := dbtest.Open(t)
	for _, kind := range []string{"a", "b", "c"} {
		record(t, d, "1", kind)
	}
	if got := kinds(t, d, "1", 2); got != "c b" {
		t.Errorf("got %q, want c b", got)
	}
}

// An entry is written if and only if the change is committed.
func TestARowGoesWithItsTransaction(t *testing.T) {
	d := dbtest.Open(t)
	own := errors.New("our own")
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		if err := audit.Record(t.Context(), tx, start, audit.Actor{}, audit.Event{Kind: "a", AccountID: "1"}); err != nil {
			return err
		}
		if got, err := audit.Before(t.Context(), tx, "1", math.MaxInt64, 1); err != nil || len(got) != 1 {
			t.Errorf("inside: got %v, error %v; want the row", got, err)
		}
		return own
	})
	if got := kinds(t, d, "1", 1); got != "" || !errors.Is(err, own) {
		t.Errorf("got %q, error %v; want nothing, for our own reason", got, err)
	}
}

// Attack logs/injection: 10 KB and invalid UTF-8 in every field that a visitor can fill.
func TestTextsAreCapped(t *testing.T) {
	d := dbtest.Open(t)
	long := strings.Repeat("x", 10<<10) + "\xff"
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		return audit.Record(t.Context(), tx, start, audit.Actor{Name: long, Address: long, Agent: long},
			audit.Event{Kind: "a", AccountID: "1", Username: long, Detail: long})
	})
	if err != nil {
		t.Fatal(err)
	}
	all, err := audit.Before(t.Context(), d, "1", math.MaxInt64, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Repeat("x", 256)
	for _, got := range []string{all[0].By.Name, all[0].By.Address, all[0].By.Agent, all[0].Username, all[0].Detail} {
		if got != want {
			t.Errorf("got %d bytes, want 256", len(got))
		}
	}
}

func TestCap(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", ""},
		{"short", "Mozilla", "Mozilla"},
		{"just fits", strings.Repeat("x", 256), strings.Repeat("x", 256)},
		{"a byte too long", strings.Repeat("x", 257), strings.Repeat("x", 256)},
		{"a character on the edge", strings.Repeat("x", 255) + "€", strings.Repeat("x", 255)},
		{"a character that just fits", strings.Repeat("x", 253) + "€y", strings.Repeat("x", 253) + "€"},
		{"a broken byte", "a\xffb", "ab"},
		{"half a character", "a\xe2\x82", "a"},
		{"nothing but broken bytes", strings.Repeat("\xff", 300), ""},
		{"line breaks stay, a NUL goes", "a\x00b\r\n", "ab\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := audit.Cap(tt.text); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzCap(f *testing.F) {
	f.Add("a\xffb")
	f.Add(strings.Repeat("€", 100))
	f.Fuzz(func(t *testing.T, text string) {
		got := audit.Cap(text)
		whole := utf8.ValidString(text) && !strings.Contains(text, "\x00")
		if len(got) > 256 || !utf8.ValidString(got) || strings.Contains(got, "\x00") || whole && (!strings.HasPrefix(text, got) || len(text)-len(got) > max(0, len(text)-253)) {
			t.Errorf("got %q of %q", got, text)
		}
	})
}

func TestSweep(t *testing.T) {
	d := dbtest.Open(t)
	record(t, d, "1", "a", "b", "c")
	for _, tt := range []struct {
		name   string
		before time.Time
		want   string
	}{
		{"up to the first", start, "c b a"},
		{"after the first", start.Add(time.Microsecond), "c b"},
		{"up to the last", start.Add(2 * time.Second), "c"},
		{"all", start.AddDate(1, 0, 0), ""},
	} {
		err := audit.Sweep(t.Context(), d, tt.before)
		if got := kinds(t, d, "1", 10); err != nil || got != tt.want {
			t.Errorf("%s: %q is left, error %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

// Attack logs/injection: the number of stored refused attempts is limited, for one account
// and for names that no account has; they are listed apart and displace no other event.
func TestAttemptsAreBoundedAndStandApart(t *testing.T) {
	d := dbtest.Open(t)
	attempts := func(account string, at time.Time, n int) {
		t.Helper()
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			for range n {
				if err := audit.RecordAttempt(t.Context(), tx, at, audit.Actor{}, audit.Event{Kind: "signin.failed", AccountID: account}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	record(t, d, "1", "signin.ok")
	for _, account := range []string{"1", ""} {
		attempts(account, start, 500)
		attempts(account, start.Add(24*time.Hour-time.Microsecond), 500)
		if all, err := audit.LastAttempts(t.Context(), d, account, 1000); err != nil || len(all) != audit.MaxAttempts {
			t.Errorf("of %q: %d attempts of a day are kept, error %v; want %d", account, len(all), err, audit.MaxAttempts)
		}
		attempts(account, start.Add(24*time.Hour), 1)
		if all, err := audit.LastAttempts(t.Context(), d, account, 1000); err != nil || len(all) != audit.MaxAttempts+1 {
			t.Errorf("of %q: %d attempts are kept after a day, error %v; want one more", account, len(all), err)
		}
	}
	if done, err := audit.LastDone(t.Context(), d, "1", 10); err != nil || len(done) != 1 || done[0].Kind != "signin.ok" {
		t.Errorf("what was done: %v, error %v; want the sign-in alone", done, err)
	}
}

// Paging with Before returns each event once, also events with the same time.
func TestBeforeGoesThroughAllEvents(t *testing.T) {
	d := dbtest.Open(t)
	for range 4 {
		record(t, d, "1", "a", "b", "c")
		record(t, d, "2", "x")
	}
	var ids []int64
	for next := int64(1 << 62); ; {
		page, err := audit.Before(t.Context(), d, "1", next, 5)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, e := range page {
			if len(ids) > 0 && e.ID >= ids[len(ids)-1] || e.AccountID != "1" {
				t.Errorf("event %d of %q after %v", e.ID, e.AccountID, ids)
			}
			ids = append(ids, e.ID)
		}
		next = ids[len(ids)-1]
	}
	if len(ids) != 12 {
		t.Errorf("%d events, want 12", len(ids))
	}
}
