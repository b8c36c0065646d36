package throttle_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/throttle"
)

// Attack guessing/counters: Sweep deletes counters whose window and wait have ended.
func TestSweepDeletesWhatIsOver(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		d.fail(k.attempts(0, k.freeFailures+1)...)
		before := d.rows()
		d.advance(k.window + 30*time.Second - time.Microsecond)
		d.sweep()
		if got := d.rows(); got != before {
			t.Errorf("just before the end of window and wait: got %d rows, want all %d", got, before)
		}
		d.advance(time.Microsecond)
		d.sweep()
		if got := d.shortLived(); got != 0 {
			t.Errorf("at the end: got %d rows, want none", got)
		}
	})
}

func TestSweepChangesNoWait(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		d.fail(k.attempts(0, k.freeFailures+1)...)
		d.sweep()
		d.wantWait("right after", k.attempt(0), time.Second)
		d.advance(k.window - time.Second)
		d.sweep()
		d.fail(k.attempt(0))
		d.wantWait("near the window's end", k.attempt(0), 2*time.Second)
	})
}

// Attack guessing/counters: a flood from 10,000 networks, each with other usernames.
func TestAFloodOfRowsIsSwept(t *testing.T) {
	d := newHarness(t)
	for i := range 300 {
		d.fail(at(fmt.Sprintf("2001:db8:%x::1", i), fmt.Sprint("name", i)))
	}
	d.advance(15*time.Minute + 30*time.Second)
	d.sweep()
	if got := d.shortLived(); got != 0 {
		t.Errorf("got %d rows, want none", got)
	}
	d.advance(30 * 24 * time.Hour)
	d.sweep()
	if got := d.rows(); got != 0 {
		t.Errorf("got %d rows after 30 days, want none", got)
	}
}

// Attack guessing/counters: thousands of rows of each kind, ended ones and those beyond the
// maximum, are deleted in several transactions; a streak stays.
func TestThousandsOfRowsAreSwept(t *testing.T) {
	d := newHarness(t)
	many := func(kind string, age time.Duration) {
		write(t, d.DB, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
			INSERT INTO throttle (key_hash, kind, failures, since_at, last_at) SELECT ? || i, ?, 1, ?, ? FROM n`,
			kind, kind, db.Micros(d.now.Add(-age)), db.Micros(d.now.Add(-age)))
	}
	many("pair", 16*time.Minute)
	many("sign-in", 2*time.Hour)
	many("streak", 24*time.Hour)
	d.sweep()
	if streaks, others := d.rows()-d.shortLived(), d.shortLived(); streaks != 2500 || others != 0 {
		t.Errorf("got %d streaks and %d others, want 2500 and none", streaks, others)
	}
	many("pair", -time.Hour) // a clock set back left them in the future
	d.sweep()
	d.trim(10)
	if got, ahead := d.rows(), d.count(`SELECT COUNT(*) FROM throttle WHERE last_at > `+fmt.Sprint(db.Micros(d.now))); got != 10 || ahead != 0 {
		t.Errorf("got %d rows, %d in the future; want 10, none", got, ahead)
	}
}

// Attack guessing/counters: of the rows beyond the maximum those with the oldest last failure
// are deleted, so the counter of ongoing guessing stays.
func TestSweepKeepsTheNewest(t *testing.T) {
	for _, tt := range []struct {
		row       string
		max       int
		want      int64
		wantFirst time.Duration // wait of the counter with the oldest last failure
	}{
		{"one more than there are", 18, 17, time.Second},
		{"as many as there are", 17, 17, time.Second},
		{"one fewer", 16, 16, 0},
		{"four: those of one try", 4, 4, 0},
	} {
		t.Run(tt.row, func(t *testing.T) {
			d := newHarness(t)
			device := throttle.Attempt{Device: "d"}
			d.fail(slices.Repeat([]throttle.Attempt{device}, 10)...)
			d.advance(time.Second)
			for i := range 3 {
				d.fail(at(fmt.Sprintf("198.51.100.%d", i), fmt.Sprint("name", i)))
			}
			d.advance(time.Second)
			d.fail(slices.Repeat([]throttle.Attempt{at("192.0.2.1", "bob")}, 5)...)
			d.trim(tt.max)
			if got := d.rows(); got != tt.want {
				t.Errorf("got %d rows, want %d", got, tt.want)
			}
			d.wantWait("the newest", at("192.0.2.1", "bob"), time.Second)
			d.fail(device)
			d.wantWait("the oldest", device, tt.wantFirst)
		})
	}
}

// BenchmarkSweepFullTable also checks that Sweep leaves 100,000 rows, which would take
// too long under the race detector.
func BenchmarkSweepFullTable(b *testing.B) {
	d := newHarness(b)
	write(b, d.DB, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100001)
		INSERT INTO throttle (key_hash, kind, failures, since_at, last_at)
		SELECT 'row ' || i, 'pair', 1, ?, ? - i FROM n`, db.Micros(d.now)-1_000_000, db.Micros(d.now))
	for b.Loop() {
		d.sweep()
	}
	if got := d.rows(); got != 100_000 {
		b.Errorf("got %d rows, want 100000", got)
	}
}

func BenchmarkBegin(b *testing.B) {
	for _, bb := range []struct {
		name   string
		failed int
	}{{"Unknown", 0}, {"Counted", 3}, {"Waiting", 5}} {
		b.Run(bb.name, func(b *testing.B) {
			d, a := newHarness(b), at("192.0.2.1", "bob")
			d.fail(slices.Repeat([]throttle.Attempt{a}, bb.failed)...)
			b.ReportAllocs()
			for b.Loop() {
				if try, _ := d.begin(a); try != nil {
					try.Done()
				}
			}
		})
	}
}

func BenchmarkFailed(b *testing.B) {
	d := newHarness(b)
	for i := 0; b.Loop(); i++ {
		d.fail(at("192.0.2.1", fmt.Sprint("name", i)))
		d.advance(time.Minute)
	}
}
