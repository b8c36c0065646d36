package throttle_test

import (
	"context"
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

func newDoor(t testing.TB) *door {
	t.Helper()
	return newDoorOver(t, dbtest.Open(t))
}

func newDoorOver(t testing.TB, data *db.DB) *door {
	t.Helper()
	d := &door{t: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	d.Store = &throttle.Store{DB: data, Now: func() time.Time { return d.now }}
	t.Cleanup(func() {
		if n := d.UnderWay(); n != 0 {
			t.Errorf("%d keys are still under way at the end, want none", n)
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

func (d *door) rows() int64 {
	d.t.Helper()
	n, err := db.One(d.t.Context(), d.DB, db.Int, `SELECT COUNT(*) FROM throttle`)
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

// eachKind runs the test for each kind of key, with a door of its own.
func eachKind(t *testing.T, test func(d *door, k kind)) {
	t.Helper()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) { test(newDoor(t), k) })
	}
}

// ATTACKS F: each number at its boundary.
func TestFreeFailuresThenDoublingWaits(t *testing.T) {
	eachKind(t, func(d *door, k kind) {
		i := k.free
		d.fail(k.some(0, i)...)
		d.want("after the last free failure", k.attempt(i), 0)
		for _, s := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30} {
			wait := s * time.Second
			d.fail(k.attempt(i))
			i++
			d.want("right after a failure", k.attempt(i), wait)
			d.pass(wait - time.Microsecond)
			d.want("just before the end of "+wait.String(), k.attempt(i), time.Second)
			d.pass(time.Microsecond)
			d.want("at the end of "+wait.String(), k.attempt(i), 0)
		}
	})
}

func TestAWindowLastsFromItsFirstFailure(t *testing.T) {
	for _, tt := range []struct {
		row   string
		after func(window time.Duration) time.Duration
		want  time.Duration
	}{
		{"just before its end a failure is one more", func(w time.Duration) time.Duration { return w - time.Microsecond }, time.Second},
		{"at its end a failure is the first again", func(w time.Duration) time.Duration { return w }, 0},
	} {
		t.Run(tt.row, func(t *testing.T) {
			eachKind(t, func(d *door, k kind) {
				began := d.now
				d.fail(k.attempt(0))
				d.pass(k.window / 2) // the later ones do not prolong it
				d.fail(k.some(1, k.free-1)...)
				d.now = began.Add(tt.after(k.window))
				d.fail(k.attempt(k.free))
				d.want("after one more", k.attempt(k.free+1), tt.want)
			})
		})
	}
}

func TestANewWindowHasAllItsFreeFailures(t *testing.T) {
	eachKind(t, func(d *door, k kind) {
		d.fail(k.some(0, k.free+1)...)
		d.pass(k.window)
		d.fail(k.some(0, k.free)...)
		d.want("after the free ones", k.attempt(0), 0)
		d.fail(k.attempt(0))
		d.want("after one more", k.attempt(0), time.Second)
	})
}

func TestAWaitIsHonouredBeyondItsWindow(t *testing.T) {
	eachKind(t, func(d *door, k kind) {
		began := d.now
		d.fail(k.some(0, k.free)...)
		for _, wait := range []time.Duration{1, 2, 4, 8, 16} {
			d.fail(k.attempt(k.free))
			d.pass(wait * time.Second)
		}
		d.now = began.Add(k.window - time.Second)
		d.fail(k.attempt(k.free))
		d.now = began.Add(k.window + 29*time.Second - time.Microsecond)
		d.want("just before its end", k.attempt(0), time.Second)
		d.pass(time.Microsecond)
		d.fail(k.some(0, k.free)...)
		d.want("when the new window's free failures are spent", k.attempt(0), 0)
	})
}

// ATTACKS F: success does not reset the address counter, nor any other.
func TestSuccessResetsNothing(t *testing.T) {
	eachKind(t, func(d *door, k kind) {
		for i := range k.free {
			d.fail(k.attempt(i))
			d.want("a sign-in that succeeds", k.attempt(i), 0)
		}
		d.fail(k.attempt(k.free))
		d.want("after one failure more than is free", k.attempt(k.free+1), time.Second)
	})
}

func TestWhatIsRefusedIsNotCounted(t *testing.T) {
	eachKind(t, func(d *door, k kind) {
		d.fail(k.some(0, k.free+1)...)
		before := d.rows()
		for i := range 100 {
			d.want("while it waits", k.attempt(k.free+1+i), time.Second)
		}
		if got := d.rows(); got != before {
			t.Errorf("got %d rows, want the %d of before", got, before)
		}
		d.pass(time.Second)
		d.fail(k.attempt(0))
		d.want("the next wait", k.attempt(0), 2*time.Second)
	})
}

func TestNothingIsKeptOfATryWithoutAFailure(t *testing.T) {
	eachKind(t, func(d *door, k kind) {
		for i := range 100 {
			try, _ := d.ask(k.attempt(i))
			try.Done()
			try.Done() // it may be deferred as well
		}
		if got := d.rows(); got != 0 {
			t.Errorf("got %d rows, want none", got)
		}
	})
}

// ATTACKS F: counters survive a restart.
func TestCountersSurviveARestart(t *testing.T) {
	eachKind(t, func(d *door, k kind) {
		d.fail(k.some(0, k.free)...)
		d = newDoorOver(d.t, d.DB)
		d.fail(k.attempt(k.free))
		d = newDoorOver(d.t, d.DB)
		d.want("after two restarts", k.attempt(k.free+1), time.Second)
	})
}

// ATTACKS F, I: a clock that moves back.
func TestAClockSetBackNeitherLocksOutNorLetsIn(t *testing.T) {
	for _, back := range []time.Duration{time.Millisecond, time.Hour, 10 * 365 * 24 * time.Hour} {
		t.Run(back.String(), func(t *testing.T) {
			eachKind(t, func(d *door, k kind) {
				d.pass(20 * 365 * 24 * time.Hour)
				d.fail(k.some(0, k.free+1)...)
				d.pass(-back)
				d.want("a wait still waits", k.attempt(0), time.Second)
				d.sweep(context.WithoutCancel(d.t.Context()))
				d.pass(time.Second)
				d.fail(k.attempt(0)) // it has waited, and what it did still counts
				d.want("the next wait", k.attempt(0), 2*time.Second)
				d.pass(k.window)
				d.fail(k.some(0, k.free)...)
				d.want("the window ends as if it had begun now", k.attempt(0), 0)
			})
		})
	}
}

func (d *door) sweep(ctx context.Context) {
	d.t.Helper()
	if err := d.Sweep(ctx); err != nil {
		d.t.Fatal(err)
	}
}
