package throttle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"time"

	"glassjar/utl/db"
)

const (
	firstWait   = time.Second // what the first failure that is not free costs
	doublings   = 5           // each one after it costs twice as much,
	longestWait = 30 * time.Second

	ipv6Bits       = 64  // one customer has a /64 at least: a whole IPv6 address names nobody
	longestAccount = 256 // bytes of a typed username that tell it from others
)

// rule says what failures of one kind of key may cost.
type rule struct {
	kind   string
	free   int64         // failures in a window that cost nothing
	window time.Duration // from the key's first failure
}

// In the order in which transactions write them: one order, no deadlock.
var (
	pairRule    = rule{"pair", 4, 15 * time.Minute}     // an address + account: somebody who mistypes
	addressRule = rule{"address", 20, 15 * time.Minute} // a household, or an office on a Monday
	accountRule = rule{"account", 10, 15 * time.Minute} // one account, guessed at from everywhere
	deviceRule  = rule{"device", 10, time.Hour}         // a browser that signed in to the account before
)

// wait returns how long a key waits after its newest failure.
func (r rule) wait(failures int64) time.Duration {
	if failures <= r.free {
		return 0
	}
	return min(firstWait<<min(failures-r.free-1, doublings), longestWait)
}

// standing returns how many failures of the row count at now, and how long its
// key still waits. Times in the future, which a clock set back left there, are
// taken for now.
func (r rule) standing(of row, now time.Time) (failures int64, wait time.Duration) {
	wait = r.wait(of.failures) - max(now.Sub(db.Time(of.last)), 0)
	if wait <= 0 && now.Sub(db.Time(of.since)) >= r.window {
		return 0, 0
	}
	return of.failures, max(wait, 0)
}

// key is what failures are counted by.
type key struct {
	rule

	hash string
	slot uint16 // of Store.recorded
}

// keys returns what the attempt is counted by.
func (a Attempt) keys() []key {
	if a.Device != "" {
		return []key{deviceRule.key(a.Kind, a.Device)}
	}
	address, account := network(a.Address), a.Account[:min(len(a.Account), longestAccount)]
	return []key{pairRule.key(a.Kind, address+"\x00"+account), addressRule.key(a.Kind, address), accountRule.key(a.Kind, account)}
}

func (r rule) key(of, parts string) key {
	sum := sha256.Sum256([]byte(of + r.kind + "\x00" + parts))
	return key{r, hex.EncodeToString(sum[:]), binary.BigEndian.Uint16(sum[:]) % slots}
}

// network returns the part of the address that names who uses it.
func network(a netip.Addr) string {
	if a = a.Unmap(); a.Is6() {
		return netip.PrefixFrom(a.WithZone(""), ipv6Bits).Masked().String()
	}
	return a.String()
}
