package throttle

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"time"

	"glassjar/utl/db"
)

const (
	ipv6Customer = 64  // prefix bits: IPv6 clients are counted per /64, the smallest customer allocation (RFC 6177)
	ipv6Site     = 48  // prefix bits: a customer may have a /48, which has 65,536 of them
	maxAccount   = 256 // bytes of a typed username that count; the rest is ignored
)

// rule limits one kind of key.
type rule struct {
	kind         string
	freeFailures int64           // counts in a window that cause no wait
	window       time.Duration   // since the first count; of the streak, since the newest
	waits        []time.Duration // after each further count; the last one repeats. Empty: wait until the window's end
}

// rules are all rules.
var rules = []rule{pairRule, addressRule, siteRule, accountRule, deviceRule, streakRule, signInRule, pendingRule, newAddressRule, newSiteRule, newAllRule}

// doubling is the waits of most rules.
var doubling = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second}

// Transactions write the rules' rows in this order, so that they cannot deadlock.
var (
	pairRule    = rule{"pair", 4, 15 * time.Minute, doubling}      // an address and an account: a person who mistypes
	addressRule = rule{"address", 20, 15 * time.Minute, doubling}  // a household or a small office
	siteRule    = rule{"site", 100, 15 * time.Minute, doubling}    // an IPv6 /48: a customer's whole network
	accountRule = rule{"account", 10, 15 * time.Minute, doubling}  // one account, from all addresses
	deviceRule  = rule{"device", 10, time.Hour, doubling}          // a browser that signed in to the account before
	streakRule  = rule{"streak", 99, 30 * 24 * time.Hour, tenMins} // an account's failures in a row, however slow (NIST SP 800-63B-4, section 3.2.2)
	signInRule  = rule{"sign-in", 119, time.Hour, nil}             // an account's sign-ins that succeeded

	// Right passwords whose second factor was still to come, of an account from one address or
	// known device: whoever has only the password leaves the person's own sign-ins alone. They
	// are fewer than an account may have at once, so that one client cannot end the others'.
	pendingRule = rule{"pending", 59, time.Hour, nil}

	// Accounts that strangers ask for, whether they get them or not.
	newAddressRule = rule{"new-address", 9, time.Hour, nil}
	newSiteRule    = rule{"new-site", 49, time.Hour, nil}
	newAllRule     = rule{"new-all", 499, time.Hour, nil} // of all addresses together
)

var tenMins = []time.Duration{10 * time.Minute}

// state returns the row's count at now, and how long its key must still wait.
// Times in the future, which a clock that was set back left there, count as now.
func (r rule) state(of row, now time.Time) (count int64, wait time.Duration) {
	rest := r.window - max(now.Sub(db.Time(of.since)), 0)
	if over := of.count - r.freeFailures; over > 0 && r.waits == nil {
		wait = rest
	} else if over > 0 {
		wait = r.waits[min(over, int64(len(r.waits)))-1] - max(now.Sub(db.Time(of.last)), 0)
	}
	if wait <= 0 && rest <= 0 {
		return 0, 0
	}
	return of.count, max(wait, 0)
}

// key identifies one counter.
type key struct {
	rule

	hash string
}

// counters is the keys of an attempt.
type counters struct {
	checked   []key // none of these may be waiting
	onFailure []key // a failure increments these
	onSuccess []key // a sign-in increments these
	onPending []key // a right password whose second factor is still to come increments these
	cleared   []key // a sign-in resets these
}

// counters returns the attempt's keys.
func (a Attempt) counters() (c counters) {
	if a.Kind == SignUp {
		c.checked = a.signUpKeys()
		c.onFailure, c.onSuccess = c.checked, c.checked
		return c
	}
	account := counted(a.Account)
	if a.Proven {
		c.onSuccess = []key{signInRule.key("", account)}
		c.checked = c.onSuccess
		return c
	}
	from := network(a.Address, ipv6Customer)
	if a.Device != "" {
		from = a.Device
		c.onFailure = []key{deviceRule.key(a.Kind, a.Device)}
	} else {
		c.onFailure = a.unknownDeviceKeys(account, counted(cmp.Or(a.Typed, a.Account)))
	}
	c.checked = c.onFailure
	if a.Kind == "" && !a.SignedIn {
		c.cleared, c.onSuccess = []key{streakRule.key("", account)}, []key{signInRule.key("", account)}
		c.onPending = []key{pendingRule.key("", from+"\x00"+account)}
		c.checked = slices.Concat(c.onFailure, c.onSuccess, c.onPending)
	}
	return c
}

// counted returns the part of a name that counts.
func counted(name string) string { return name[:min(len(name), maxAccount)] }

// unknownDeviceKeys returns the failure keys of an attempt without a known device.
func (a Attempt) unknownDeviceKeys(account, typed string) []key {
	address := network(a.Address, ipv6Customer)
	var keys []key
	if !a.Unnamed {
		keys = append(keys, pairRule.key(a.Kind, address+"\x00"+typed))
	}
	keys = append(keys, addressRule.key(a.Kind, address))
	if a.Address.Unmap().Is6() {
		keys = append(keys, siteRule.key(a.Kind, network(a.Address, ipv6Site)))
	}
	if a.Unnamed {
		return keys
	}
	keys = append(keys, accountRule.key(a.Kind, typed))
	if a.Kind == "" {
		keys = append(keys, streakRule.key("", account))
	}
	return keys
}

// signUpKeys returns the keys of an attempt to make an account.
func (a Attempt) signUpKeys() []key {
	keys := []key{newAddressRule.key("", network(a.Address, ipv6Customer))}
	if a.Address.Unmap().Is6() {
		keys = append(keys, newSiteRule.key("", network(a.Address, ipv6Site)))
	}
	return append(keys, newAllRule.key("", ""))
}

func (r rule) key(of, parts string) key {
	sum := sha256.Sum256([]byte(of + r.kind + "\x00" + parts))
	return key{r, hex.EncodeToString(sum[:])}
}

// network returns the address to count by: an IPv4 address, or the first bits of
// an IPv6 address.
func network(a netip.Addr, bits int) string {
	if a = a.Unmap(); a.Is6() {
		return netip.PrefixFrom(a.WithZone(""), bits).Masked().String()
	}
	return a.String()
}
