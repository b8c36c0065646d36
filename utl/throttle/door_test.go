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

// door is a throttle with a clock that stands still until a test moves it.
type door struct {
	*throttle.Store

	t   testing.TB
	now time.Time
}

func newDoor(tb testing.TB) *door {
	tb.Helper()
	return newDoorOver(tb, dbtest.Open(tb))
}

func newDoorOver(tb testing.TB, data *db.DB) *door {
	tb.Helper()
	d := &door{t: tb, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	d.Store = &throttle.Store{DB: data, Now: func() time.Time { return d.now }}
	tb.Cleanup(func() {
		if n := d.UnderWay(); n != 0 {
			tb.Errorf("%d keys are still under way at the end, want none", n)
		}
	})
	return d
}

// ask begins and returns the try, nil when it is refused, and the wait.
func (d *door) ask(a throttle.Attempt) (*throttle.Try, time.Duration) {
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

// want checks how long the attempt would be refused; 0: it would not.
func (d *door) want(when string, a throttle.Attempt, want time.Duration) {
	d.t.Helper()
	try, got := d.ask(a)
	if try != nil {
		try.Done()
	}
	if got != want {
		d.t.Errorf("%s: got a wait of %v, want %v", when, got, want)
	}
}

// fail fails the attempts, each of which must be admitted.
func (d *door) fail(attempts ...throttle.Attempt) {
	d.t.Helper()
	for i, a := range attempts {
		try, wait := d.ask(a)
		if try == nil {
			d.t.Fatalf("attempt %d is refused for %v, want it admitted", i+1, wait)
		}
		if err := try.Failed(d.t.Context(), nil); err != nil {
			d.t.Fatal(err)
		}
	}
}

func (d *door) pass(by time.Duration) { d.now = d.now.Add(by) }

func (d *door) sweep() {
	d.t.Helper()
	if err := d.Sweep(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// keep leaves n rows, as sweep leaves 100,000.
func (d *door) keep(n int) {
	d.t.Helper()
	if err := d.Keep(d.t.Context(), n); err != nil {
		d.t.Fatal(err)
	}
}

func (d *door) rows() int64 { return d.count(`SELECT COUNT(*) FROM throttle`) }

// brief returns how many rows there are that last for minutes.
func (d *door) brief() int64 { return d.count(`SELECT COUNT(*) FROM throttle WHERE kind <> 'streak'`) }

func (d *door) count(query string) int64 {
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

// kind is a kind of key: its attempts share that key, and no other that could
// cost more.
type kind struct {
	name    string
	free    int
	window  time.Duration
	attempt func(i int) throttle.Attempt
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

// some returns the n attempts from the first on.
func (k kind) some(first, n int) (all []throttle.Attempt) {
	for i := range n {
		all = append(all, k.attempt(first+i))
	}
	return all
}

// eachKind runs the test for each kind of key, from an empty table on.
func eachKind(t *testing.T, test func(d *door, k kind)) {
	t.Helper()
	data := dbtest.Open(t)
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			write(t, data, `DELETE FROM throttle`)
			test(newDoorOver(t, data), k)
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
