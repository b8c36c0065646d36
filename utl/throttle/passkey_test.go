package throttle_test

import (
	"net/netip"
	"testing"
	"time"

	"glassjar/utl/throttle"
)

// Failures that name no account are counted by address only, so that no other address
// has to wait.
func TestUnnamedFailuresCountByAddress(t *testing.T) {
	d := newHarness(t)
	here, there := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	a := throttle.Attempt{Kind: "passkey", Address: here, Unnamed: true}
	for range 21 {
		d.fail(a)
	}
	d.wantWait("the address", a, time.Second)
	d.wantWait("another address", throttle.Attempt{Kind: "passkey", Address: there, Unnamed: true}, 0)
	d.wantWait("a password there", throttle.Attempt{Address: here, Account: "ada"}, 0)
}

// An attempt of a person who is already proven does not wait for failures, but counts
// for the limit of sign-ins.
func TestProvenAttemptsCountSignInsAlone(t *testing.T) {
	d := newHarness(t)
	typed := throttle.Attempt{Address: netip.MustParseAddr("192.0.2.1"), Account: "ada"}
	d.fail(typed, typed, typed, typed, typed)
	d.wantWait("a password", typed, time.Second)
	known := throttle.Attempt{Account: "ada", Proven: true}
	for range 120 {
		try, wait := d.begin(known)
		if try == nil {
			t.Fatalf("it waits for %v", wait)
		}
		if err := try.Succeeded(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	d.wantWait("the 121st", known, time.Hour)
	d.advance(20 * time.Second)
	d.wantWait("a password", typed, time.Hour-20*time.Second)
}
