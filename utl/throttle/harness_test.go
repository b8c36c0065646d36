package throttle_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/throttle"
)

// harness is a Store with a clock that only the test moves.
type harness struct {
	*throttle.Store

	t   testing.TB
	now time.Time
}

func newHarness(tb testing.TB) *harness {
	tb.Helper()
	return newHarnessOver(tb, dbtest.Open(tb))
}

func newHarnessOver(tb testing.TB, data *db.DB) *harness {
	tb.Helper()
	d := &harness{t: tb, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	d.Store = &throttle.Store{DB: data, Now: func() time.Time { return d.now }}
	tb.Cleanup(func() {
		if n := d.InFlight(); n != 0 {
			tb.Errorf("%d keys are still in flight at the end, want none", n)
		}
	})
	return d
}

// begin calls Begin and returns the Try, or nil and the wait if the attempt is rejected.
func (d *harness) begin(a throttle.Attempt) (*throttle.Try, time.Duration) {
	d.t.Helper()
	try, wait, err := d.Begin(d.t.Context(), a)
	if err != nil {
		d.t.Fatal(err)
	}
	if (try == nil) != (wait > 0) {
		d.t.Fatalf("Begin = %v, %v, want a try or a wait", try, wait)
	}
	return try, wait
}

// wantWait fails the test unless the attempt would have to wait that long; 0 means that
// it would be admitted.
func (d *harness) wantWait(when string, a throttle.Attempt, want time.Duration) {
	d.t.Helper()
	try, got := d.begin(a)
	if try != nil {
		try.Done()
	}
	if got != want {
		d.t.Errorf("%s: got a wait of %v, want %v", when, got, want)
	}
}

// fail makes the attempts, each of which must be admitted, and ends them as failures.
func (d *harness) fail(attempts ...throttle.Attempt) {
	d.t.Helper()
	for i, a := range attempts {
		try, wait := d.begin(a)
		if try == nil {
			d.t.Fatalf("attempt %d is refused for %v, want it admitted", i+1, wait)
		}
		if err := try.Failed(d.t.Context(), nil); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *harness) advance(by time.Duration) { d.now = d.now.Add(by) }

func (d *harness) sweep() {
	d.t.Helper()
	if err := d.Sweep(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// trim deletes all but n rows, as Sweep does with more than 100,000.
func (d *harness) trim(n int) {
	d.t.Helper()
	if err := d.Trim(d.t.Context(), n); err != nil {
		d.t.Fatal(err)
	}
}

func (d *harness) rows() int64 { return d.count(`SELECT COUNT(*) FROM throttle`) }

// shortLived returns the number of rows, without those of streaks, which last longest.
func (d *harness) shortLived() int64 {
	return d.count(`SELECT COUNT(*) FROM throttle WHERE kind <> 'streak'`)
}

func (d *harness) count(query string) int64 {
	d.t.Helper()
	n, err := db.One(d.t.Context(), d.DB, db.Int, query)
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

func at(address, account string) throttle.Attempt {
	return throttle.Attempt{Address: netip.MustParseAddr(address), Account: account}
}

// kind is a kind of counter. Its attempts share one counter of that kind, and reach its
// limit before that of any other.
type kind struct {
	name         string
	freeFailures int
	window       time.Duration
	attempt      func(i int) throttle.Attempt
}

var kinds = []kind{
	{"an address and an account", 4, 15 * time.Minute, func(int) throttle.Attempt { return at("192.0.2.1", "bob") }},
	{"an address", 20, 15 * time.Minute, func(i int) throttle.Attempt { return at("192.0.2.1", fmt.Sprint("name", i)) }},
	{"an IPv6 network", 20, 15 * time.Minute, func(i int) throttle.Attempt {
		return at(fmt.Sprintf("2001:db8::%x", i), fmt.Sprint("name", i))
	}},
	{"an IPv6 /48", 100, 15 * time.Minute, func(i int) throttle.Attempt {
		return at(fmt.Sprintf("2001:db8:0:%x::1", i), fmt.Sprint("name", i))
	}},
	{"an account", 10, 15 * time.Minute, func(i int) throttle.Attempt {
		return at(fmt.Sprintf("198.51.%d.%d", i/256, i%256), "bob")
	}},
	{"a known device", 10, time.Hour, func(int) throttle.Attempt {
		return throttle.Attempt{Address: netip.MustParseAddr("192.0.2.1"), Account: "bob", Device: "d"}
	}},
}

// attempts returns the n attempts from the first on.
func (k kind) attempts(first, n int) (all []throttle.Attempt) {
	for i := range n {
		all = append(all, k.attempt(first+i))
	}
	return all
}

// eachKind runs the test for each kind of key, from an empty table on.
func eachKind(t *testing.T, test func(d *harness, k kind)) {
	t.Helper()
	data := dbtest.Open(t)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			write(t, data, `DELETE FROM throttle`)
			test(newHarnessOver(t, data), k)
		})
	}
}

func write(tb testing.TB, data *db.DB, q string, args ...any) {
	tb.Helper()
	err := data.Tx(tb.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(tb.Context(), q, args...)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}
