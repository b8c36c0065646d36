package throttle

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"time"

	"glassjar/utl/db"
)

const (
	ipv6Bits       = 64  // one customer has a /64 at least: a whole IPv6 address names nobody
	ipv6Site       = 48  // and may have a /48, which holds 65,536 of them
	longestAccount = 256 // bytes of a typed username that tell it from others
)

// rule says how much of one kind of key is free, and what more of it costs.
type rule struct {
	kind   string
	free   int64           // what costs nothing in a window
	window time.Duration   // from what is counted first; of the streak, from the newest
	waits  []time.Duration // after each that is not free; the last wait goes on. None: until the window's end
}

// rules are all of them.
var rules = []rule{pairRule, addressRule, siteRule, accountRule, deviceRule, streakRule, signInRule}

// doubling are the waits of most rules.
var doubling = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second}

// In the order in which transactions write them: one order, no deadlock.
var (
	pairRule    = rule{"pair", 4, 15 * time.Minute, doubling}      // an address + account: somebody who mistypes
	addressRule = rule{"address", 20, 15 * time.Minute, doubling}  // a household, or an office on a Monday
	siteRule    = rule{"site", 100, 15 * time.Minute, doubling}    // an IPv6 /48: a customer's whole network
	accountRule = rule{"account", 10, 15 * time.Minute, doubling}  // one account, guessed at from everywhere
	deviceRule  = rule{"device", 10, time.Hour, doubling}          // a browser that signed in to the account before
	streakRule  = rule{"streak", 99, 30 * 24 * time.Hour, tenMins} // an account's failures in a row, however slow (NIST SP 800-63B-4, section 3.2.2)
	signInRule  = rule{"sign-in", 119, time.Hour, nil}             // an account's sign-ins that succeeded
)

var tenMins = []time.Duration{10 * time.Minute}

// standing returns how many of the row count at now, and how long its key still
// waits. Times in the future, which a clock set back left there, are taken for
// now.
func (r rule) standing(of row, now time.Time) (count int64, wait time.Duration) {
	rest := r.window - max(now.Sub(db.Time(of.since)), 0)
	if over := of.count - r.free; over > 0 && r.waits == nil {
		wait = rest
	} else if over > 0 {
		wait = r.waits[min(over, int64(len(r.waits)))-1] - max(now.Sub(db.Time(of.last)), 0)
	}
	if wait <= 0 && rest <= 0 {
		return 0, 0
	}
	return of.count, max(wait, 0)
}

// key is what is counted.
type key struct {
	rule

	hash string
}

// counters are the keys of an attempt.
type counters struct {
	asked   []key // who must not wait
	failure []key // what a failure counts for
	success []key // what a sign-in counts for
	ended   []key // what a sign-in begins anew
}

// counters returns what the attempt is counted by.
func (a Attempt) counters() (c counters) {
	account := a.Account[:min(len(a.Account), longestAccount)]
	if a.Device != "" {
		c.failure = []key{deviceRule.key(a.Kind, a.Device)}
	} else {
		c.failure = a.strangers(account)
	}
	c.asked = c.failure
	if a.Kind == "" && !a.SignedIn {
		c.ended, c.success = []key{streakRule.key("", account)}, []key{signInRule.key("", account)}
		c.asked = slices.Concat(c.failure, c.success)
	}
	return c
}

// strangers returns what an attempt from no known device is counted by.
func (a Attempt) strangers(account string) []key {
	address := network(a.Address, ipv6Bits)
	keys := []key{pairRule.key(a.Kind, address+"\x00"+account), addressRule.key(a.Kind, address)}
	if a.Address.Unmap().Is6() {
		keys = append(keys, siteRule.key(a.Kind, network(a.Address, ipv6Site)))
	}
	keys = append(keys, accountRule.key(a.Kind, account))
	if a.Kind == "" {
		keys = append(keys, streakRule.key("", account))
	}
	return keys
}

func (r rule) key(of, parts string) key {
	sum := sha256.Sum256([]byte(of + r.kind + "\x00" + parts))
	return key{r, hex.EncodeToString(sum[:])}
}

// network returns the part of the address that names who uses it: of an IPv6
// address so many bits.
func network(a netip.Addr, bits int) string {
	if a = a.Unmap(); a.Is6() {
		return netip.PrefixFrom(a.WithZone(""), bits).Masked().String()
	}
	return a.String()
}
