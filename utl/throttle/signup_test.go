package throttle_test

import (
	"context"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"glassjar/utl/throttle"
)

func signUp(address string) throttle.Attempt {
	return throttle.Attempt{Kind: throttle.SignUp, Address: netip.MustParseAddr(address)}
}

// The number of new accounts per hour is limited for an address, for a network and for
// all together.
func TestSignUpsInAnHour(t *testing.T) {
	for _, tt := range []struct {
		row     string
		address func(i int) string
		want    int
	}{
		{"one address", func(int) string { return "192.0.2.1" }, 10},
		{"the addresses of one /64", func(i int) string { return fmt.Sprintf("2001:db8::%x", i) }, 10},
		{"the networks of one /48", func(i int) string { return fmt.Sprintf("2001:db8:7:%x::1", i) }, 50},
		{"all", func(i int) string { return fmt.Sprintf("198.%d.%d.1", 18+i/256, i%256) }, 500},
	} {
		t.Run(tt.row, func(t *testing.T) {
			d := newHarness(t)
			for i := range tt.want {
				d.try(i, signUp(tt.address(i)))
			}
			d.wantWait("the next", signUp(tt.address(tt.want)), time.Hour)
			d.wantWait("a sign-in", at(tt.address(tt.want), "bob"), 0)
			d.advance(time.Hour - time.Second)
			d.wantWait("in the last second", signUp(tt.address(0)), time.Second)
			d.advance(time.Second)
			d.wantWait("an hour later", signUp(tt.address(0)), 0)
			d.advance(time.Minute)
			if d.sweep(); d.rows() != 0 {
				t.Errorf("the sweep leaves %d rows", d.rows())
			}
		})
	}
}

// try makes a sign-up, which must be admitted, and ends every second one as a failure.
func (d *harness) try(i int, a throttle.Attempt) {
	d.t.Helper()
	try, wait := d.begin(a)
	if try == nil {
		d.t.Fatalf("sign-up %d is refused for %v", i+1, wait)
	}
	end := try.Succeeded
	if i%2 == 1 {
		end = func(ctx context.Context) error { return try.Failed(ctx, nil) }
	}
	if err := end(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}
