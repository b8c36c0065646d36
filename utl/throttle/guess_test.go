package throttle_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/throttle"
)

// guess makes attempts one after the other for 15 minutes, always waiting as long as it
// is told to. It returns how many were admitted, each of which could verify a password.
func (d *harness) guess(attempt func(i int) throttle.Attempt) (looked int) {
	d.t.Helper()
	for began := d.now; d.now.Sub(began) < 15*time.Minute; {
		try, wait := d.begin(attempt(looked))
		d.advance(wait)
		if try == nil {
			continue
		}
		if err := try.Failed(d.t.Context(), nil); err != nil {
			d.t.Fatal(err)
		}
		looked++
	}
	return looked
}

// Attack guessing/spraying
func TestWhatAGuesserGetsIn15Minutes(t *testing.T) {
	for _, tt := range []struct {
		row     string
		attempt func(i int) throttle.Attempt
		want    int // without a wait, then 6 in the first 31 s, then one every 30 s
	}{
		{"one account from one address", func(int) throttle.Attempt { return at("192.0.2.1", "bob") }, 4 + 6 + 28},
		{"one password against 1,000 names", func(i int) throttle.Attempt { return at("192.0.2.1", fmt.Sprint("name", i)) }, 20 + 6 + 28},
		{"10,000 addresses in one /64", func(i int) throttle.Attempt {
			return at(fmt.Sprintf("2001:db8::%x:%x", i%7, i), fmt.Sprint("name", i))
		}, 20 + 6 + 28},
		{"10,000 networks of one /48", func(i int) throttle.Attempt {
			return at(fmt.Sprintf("2001:db8:7:%x::1", i), fmt.Sprint("name", i))
		}, 100 + 6 + 28},
		{"10,000 addresses against one account", func(i int) throttle.Attempt {
			return at(fmt.Sprintf("198.%d.%d.1", 18+i/256, i%256), "bob")
		}, 10 + 6 + 28},
	} {
		t.Run(tt.row, func(t *testing.T) {
			if got := newHarness(t).guess(tt.attempt); got != tt.want {
				t.Errorf("got %d passwords looked at, want %d", got, tt.want)
			}
		})
	}
}

// Attack guessing/addresses: a flood from one /64 that does not wait.
func TestAFloodIsRefusedWithoutARow(t *testing.T) {
	d := newHarness(t)
	admitted := 0
	for i := range 2000 {
		try, _ := d.begin(at(fmt.Sprintf("2001:db8::%x:0:%x", i%13, i), fmt.Sprint("name", i)))
		if try == nil {
			continue
		}
		admitted++
		if err := try.Failed(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if admitted != 21 || d.rows() != 2+3*21 {
		t.Errorf("got %d admitted and %d rows, want 21 and 65", admitted, d.rows())
	}
}

// Attack guessing/known-device: a stranger's failures never lock the owner out of a known
// device.
func TestAStrangerDoesNotTouchAKnownDevice(t *testing.T) {
	owner := throttle.Attempt{Address: netip.MustParseAddr("192.0.2.1"), Account: "bob", Device: "d"}
	for _, tt := range []struct {
		row      string
		stranger func(i int) throttle.Attempt
	}{
		{"from the owner's address", func(int) throttle.Attempt { return at("192.0.2.1", "bob") }},
		{"with other names from the owner's address", func(i int) throttle.Attempt { return at("192.0.2.1", fmt.Sprint("name", i)) }},
		{"from everywhere", func(i int) throttle.Attempt { return at(fmt.Sprintf("198.51.100.%d", i), "bob") }},
		{"from another known device", func(int) throttle.Attempt { return throttle.Attempt{Account: "bob", Device: "other"} }},
	} {
		t.Run(tt.row, func(t *testing.T) {
			d := newHarness(t)
			d.guess(tt.stranger)
			under, wait := d.begin(owner)
			if under == nil {
				t.Fatalf("the owner is refused for %v", wait)
			}
			under.Done()
			d.fail(slices.Repeat([]throttle.Attempt{owner}, 10)...)
		})
	}
}

func TestAKnownDeviceIsNotChargedToTheOthers(t *testing.T) {
	d := newHarness(t)
	device := throttle.Attempt{Address: netip.MustParseAddr("192.0.2.1"), Account: "bob", Device: "bob"} // the device's id equals the account's name
	d.fail(slices.Repeat([]throttle.Attempt{device}, 11)...)
	d.wantWait("the device", device, time.Second)
	d.fail(slices.Repeat([]throttle.Attempt{at("192.0.2.1", "bob")}, 4)...)
	if got := d.rows(); got != 1+4 {
		t.Errorf("got %d rows, want the device's and four", got)
	}
}

// Attempts of different kinds have separate counters with the same limits.
func TestKindsShareNoCounter(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		other := func(i int) throttle.Attempt {
			a := k.attempt(i)
			a.Kind = "app"
			return a
		}
		d.fail(k.attempts(0, k.freeFailures+1)...)
		for i := range k.freeFailures + 1 {
			d.fail(other(i))
		}
		d.wantWait("the other kind", other(0), time.Second)
		d.advance(time.Second)
		d.fail(other(0))
		d.wantWait("the other kind again", other(0), 2*time.Second)
		d.wantWait("the first", k.attempt(0), 0)
	})
}

func TestWhichAddressesShareACounter(t *testing.T) {
	for _, tt := range []struct {
		row, spent, other string
		want              time.Duration
	}{
		{"an IPv4 address and its neighbour do not", "192.0.2.1", "192.0.2.2", 0},
		{"an IPv4 address and its mapped form do", "192.0.2.1", "::ffff:192.0.2.1", time.Second},
		{"a mapped address and a mapped neighbour do not", "::ffff:192.0.2.1", "::ffff:192.0.2.2", 0},
		{"the ends of a /64 do", "2001:db8:0:1::", "2001:db8:0:1:ffff:ffff:ffff:ffff", time.Second},
		{"the next /64 does not", "2001:db8:0:2::", "2001:db8:0:3::", 0},
		{"a zone makes no difference", "fe80::1%eth0", "fe80::2%eth1", time.Second},
	} {
		t.Run(tt.row, func(t *testing.T) {
			d := newHarness(t)
			for i := range 21 {
				d.fail(at(tt.spent, fmt.Sprint("name", i)))
			}
			d.wantWait("the other", at(tt.other, "bob"), tt.want)
		})
	}
}

func TestWhichAccountsShareACounter(t *testing.T) {
	long := strings.Repeat("x", 255)
	for _, tt := range []struct {
		row          string
		spent, other throttle.Attempt
		want         time.Duration
	}{
		{"another name does not", at("192.0.2.1", "bob"), at("192.0.2.1", "ann"), 0},
		{"another address does not", at("192.0.2.1", "bob"), at("192.0.2.2", "bob"), 0},
		{"an empty name is a name", at("192.0.2.1", ""), at("192.0.2.1", ""), time.Second},
		{"the last of 256 bytes counts", at("192.0.2.1", long+"a"), at("192.0.2.1", long+"b"), 0},
		{"the 257th byte does not", at("192.0.2.1", long+"ab"), at("192.0.2.1", long+"a"+strings.Repeat("c", 1<<20)), time.Second},
		{"no address is an address", throttle.Attempt{Account: "bob"}, throttle.Attempt{Account: "bob"}, time.Second},
	} {
		t.Run(tt.row, func(t *testing.T) {
			d := newHarness(t)
			d.fail(slices.Repeat([]throttle.Attempt{tt.spent}, 5)...)
			d.wantWait("the other", tt.other, tt.want)
		})
	}
}

// Attack guessing/same-answers: nothing here knows who has an account. The same failures
// give the same waits for any name.
func TestAllNamesAreTreatedAlike(t *testing.T) {
	waits := func(name string) (all []time.Duration) {
		d := newHarness(t)
		for i := range 40 {
			try, wait := d.begin(at(fmt.Sprintf("192.0.2.%d", i%3), name))
			all = append(all, wait)
			d.advance(wait / 2)
			if try == nil {
				continue
			}
			if err := try.Failed(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	want := waits("bob")
	for _, name := range []string{"unknown", "", "Bob ", "\x00\xff", strings.Repeat("long", 100)} {
		if got := waits(name); !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

// Typed usernames are stored only as hashes, because people type passwords into the
// username field by mistake.
func TestNothingTypedIsKept(t *testing.T) {
	d := newHarness(t)
	d.fail(at("192.0.2.1", "correct horse battery"), throttle.Attempt{Account: "correct horse battery", Device: "device-id"})
	kept, err := db.All(t.Context(), d.DB, db.Text, `SELECT kind || ' ' || key_hash FROM throttle ORDER BY kind`)
	if err != nil {
		t.Fatal(err)
	}
	if len(kept) != 5 {
		t.Fatalf("got %d rows, want 5", len(kept))
	}
	for _, row := range kept {
		_, hash, _ := strings.Cut(row, " ")
		if len(hash) != 64 || strings.Trim(hash, "0123456789abcdef") != "" {
			t.Errorf("got the key %q, want a SHA-256 in hexadecimal", row)
		}
	}
}
