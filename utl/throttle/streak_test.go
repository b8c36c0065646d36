package throttle_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"glassjar/utl/throttle"
)

// from returns an attempt on the account from the i-th address.
func from(i int, account string) throttle.Attempt {
	return at(fmt.Sprintf("198.%d.%d.1", 18+i/256, i%256), account)
}

// failSlowly makes n failing attempts, each from another address and an hour after the
// last, so that no counter but the streak's causes a wait.
func (d *harness) failSlowly(n int, account string) {
	d.t.Helper()
	for i := range n {
		d.advance(time.Hour)
		d.fail(from(i, account))
	}
}

// Attack guessing/waits: after 100 failures of an account in a row, however slow, attempts
// from unknown devices must wait 10 minutes each.
func TestAHundredFailuresInARow(t *testing.T) {
	d := newHarness(t)
	d.failSlowly(99, "bob")
	d.wantWait("after 99", from(500, "bob"), 0)
	d.failSlowly(1, "bob")
	for i := range 5 {
		d.wantWait("right after a failure", from(500+i, "bob"), 10*time.Minute)
		d.advance(10*time.Minute - time.Microsecond)
		d.wantWait("just before the end", from(500+i, "bob"), time.Second)
		d.advance(time.Microsecond)
		d.fail(from(500+i, "bob"))
	}
	d.wantWait("another account", from(600, "ann"), 0)
	d.wantWait("a known device", throttle.Attempt{Account: "bob", Device: "d"}, 0)
	d.wantWait("by the account's email address", throttle.Attempt{Address: netip.MustParseAddr("192.0.2.9"), Account: "bob", Typed: "bob@site.example"}, 10*time.Minute)
	app := from(600, "bob")
	app.Kind = "app"
	d.wantWait("what is no sign-in", app, 0)
	d.sweep()
	d.wantWait("after a sweep", from(600, "bob"), 10*time.Minute)
	d = newHarnessAt(t, d)
	d.wantWait("after a restart", from(600, "bob"), 10*time.Minute)
}

// Failures from everywhere with one name of an account slow no other name of it.
func TestNamesOfAnAccountWaitAlone(t *testing.T) {
	d := newHarness(t)
	for i := range 11 {
		d.fail(from(i, "bob"))
	}
	d.wantWait("the same name", from(20, "bob"), time.Second)
	other := from(20, "bob")
	other.Typed = "bob@site.example"
	d.wantWait("another name", other, 0)
}

// newHarnessAt returns another server on the database of d.
func newHarnessAt(t *testing.T, d *harness) *harness {
	t.Helper()
	other := newHarnessOver(t, d.DB)
	other.now = d.now
	return other
}

// Somebody who guesses one account's password from changing addresses gets 6 tries an
// hour.
func TestADayOfGuessingOneAccount(t *testing.T) {
	d, looked := newHarness(t), 0
	d.failSlowly(100, "bob")
	for ends := d.now.Add(24 * time.Hour); d.now.Before(ends); {
		try, wait := d.begin(from(looked, "bob"))
		d.advance(wait)
		if try != nil {
			looked++
			if err := try.Failed(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if looked != 144-1 {
		t.Errorf("got %d passwords looked at in a day, want 143", looked)
	}
}

// succeed makes the attempt, which must be admitted, and ends it as a sign-in.
func (d *harness) succeed(a throttle.Attempt) {
	d.t.Helper()
	try, wait := d.begin(a)
	if try == nil {
		d.t.Fatalf("refused for %v, want it admitted", wait)
	}
	if err := try.Succeeded(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// What ends a row of failures, and what does not.
func TestWhatEndsAStreak(t *testing.T) {
	device := throttle.Attempt{Address: netip.MustParseAddr("192.0.2.9"), Account: "bob", Device: "d"}
	for _, tt := range []struct {
		row  string
		do   func(d *harness)
		want time.Duration // wait after one more failure
	}{
		{"nothing", func(*harness) {}, 10 * time.Minute},
		{"a sign-in", func(d *harness) { d.succeed(from(500, "bob")) }, 0},
		{"a sign-in from a known device", func(d *harness) { d.succeed(device) }, 0},
		{"another account's sign-in", func(d *harness) { d.succeed(from(500, "ann")) }, 10 * time.Minute},
		{"a try that was not counted", func(d *harness) { try, _ := d.begin(from(500, "bob")); try.Done() }, 10 * time.Minute},
		{"a known device's failures neither end nor prolong it", func(d *harness) { d.fail(device) }, 10 * time.Minute},
		{"29 days", func(d *harness) { d.advance(29 * 24 * time.Hour); d.sweep() }, 10 * time.Minute},
		{"30 days", func(d *harness) { d.advance(30 * 24 * time.Hour) }, 0},
	} {
		t.Run(tt.row, func(t *testing.T) {
			d := newHarness(t)
			d.failSlowly(99, "bob")
			d.advance(time.Hour)
			tt.do(d)
			d.advance(time.Hour)
			d.fail(from(501, "bob"))
			d.wantWait("after one more failure", from(502, "bob"), tt.want)
		})
	}
}

// A sign-in resets the account's failures in a row and no other counter.
func TestASignInResetsOnlyTheStreak(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		d.fail(k.attempts(0, k.freeFailures)...)
		d.succeed(k.attempt(k.freeFailures))
		d.fail(k.attempt(k.freeFailures))
		d.wantWait("after one failure more than is free", k.attempt(k.freeFailures+1), time.Second)
	})
}

// Attack cookie/many-sign-ins: an account can sign in at most 120 times an hour, from all
// addresses and devices together.
func TestSignInsAreLimited(t *testing.T) {
	device := throttle.Attempt{Address: netip.MustParseAddr("192.0.2.9"), Account: "bob", Device: "d"}
	d := newHarness(t)
	began := d.now
	for i := range 60 {
		d.succeed(from(i, "bob"))
		d.advance(time.Second)
		d.succeed(device)
	}
	left := time.Hour - d.now.Sub(began)
	d.wantWait("the 121st", from(500, "bob"), left)
	d.wantWait("a known device", device, left)
	d.wantWait("another account", from(500, "ann"), 0)
	d.wantWait("what is no sign-in", throttle.Attempt{Account: "bob", Device: "d", SignedIn: true}, 0)
	d.sweep()
	d.advance(left - time.Microsecond)
	d.wantWait("just before the hour's end", device, time.Second)
	d.advance(time.Microsecond)
	d.wantWait("at the hour's end", device, 0)
	d.succeed(device)
	d.wantWait("in the next hour", device, 0)
}

// Right passwords whose second factor is to come count by the client, and are no sign-ins. They
// are counted although the client is gone.
func TestPendingSignInsAreLimitedByClient(t *testing.T) {
	d := newHarness(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range 60 {
		try, _ := d.begin(from(1, "bob"))
		if err := try.Pending(gone); err != nil {
			t.Fatal(err)
		}
	}
	d.wantWait("the 61st", from(1, "bob"), time.Hour)
	d.wantWait("another address", from(2, "bob"), 0)
	d.wantWait("a known device at the address", throttle.Attempt{Address: from(1, "").Address, Account: "bob", Device: "d"}, 0)
	d.wantWait("another account", from(1, "ann"), 0)
	d.sweep()
	d.wantWait("after a sweep", from(1, "bob"), time.Hour)
	d.advance(time.Hour)
	d.wantWait("an hour later", from(1, "bob"), 0)
}

// Attack cookie/many-sign-ins, race/one-winner: the limit holds for concurrent sign-ins.
func TestACrowdThatSucceedsIsCountedExactly(t *testing.T) {
	d := newHarness(t)
	crowd := kind{attempt: func(i int) throttle.Attempt { return from(i, "bob") }}
	admitted := d.concurrently(200, crowd, func(*throttle.Try) {})
	if len(admitted) > 10 { // failures are limited to fewer than sign-ins
		t.Errorf("got %d under way at once, want 10 at most", len(admitted))
	}
	for _, try := range admitted {
		try.Done()
	}
	devices := kind{attempt: func(i int) throttle.Attempt { return throttle.Attempt{Account: "bob", Device: fmt.Sprint(i)} }}
	admitted = d.concurrently(200, devices, func(*throttle.Try) {})
	if len(admitted) != 119 {
		t.Errorf("got %d known devices under way at once, want 119", len(admitted))
	}
	for _, try := range admitted {
		if err := try.Succeeded(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	d.succeed(devices.attempt(900))
	d.wantWait("the 121st", devices.attempt(901), time.Hour)
}
