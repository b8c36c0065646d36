package session

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"glassjar/utl/lockfree"
)

const (
	maxStaleness = 10 * time.Second // the cache is trusted this long after the last successful poll started
	entryTTL     = time.Minute      // an older entry is read again
	negativeTTL  = 5 * time.Second  // the same for an entry that says "no such session"
	idleTTL      = 10 * time.Minute // an entry that was not read again for this long is evicted

	maxEntries  = 1 << 18 // live sessions in memory, about 240 bytes each
	maxNegative = 1 << 13 // entries in memory that say "no such session"
	maxCookies  = 1 << 18 // verified cookies in memory, 56 bytes each

	accountSlots = 1 << 14 // accounts share a slot: a change of one makes 1/16,384 of the other sessions be read again
)

// cache holds live sessions in memory, by sid. A lookup takes no lock and writes
// nothing, so cores do not wait for each other; every change takes mu.
type cache struct {
	began       time.Time
	seed        maphash.Seed
	seed2       maphash.Seed
	live        lockfree.Table[entry]
	negative    lockfree.Table[entry] // sids without a live session
	cookies     lockfree.Table[verified]
	polled      atomic.Pointer[time.Time] // when the last successful poll started
	gen         atomic.Uint64             // incremented by every invalidation
	pendingEnds sync.Map                  // sessions that ended here and whose end is not written yet: sid → pendingEnd

	accounts [accountSlots]atomic.Uint32 // by the account's hash: incremented to invalidate all its sessions

	mu   sync.Mutex
	seen map[string]int64 // last seen by sid, not written yet
}

func (c *cache) init(now time.Time) {
	c.began, c.seed, c.seed2 = now, maphash.MakeSeed(), maphash.MakeSeed()
	c.live, c.negative, c.cookies = lockfree.New[entry](maxEntries), lockfree.New[entry](maxNegative), lockfree.New[verified](maxCookies)
	c.seen = map[string]int64{}
}

// sets returns the two sets that can hold the sid's entry.
func (c *cache) sets(sid string) (live, none *lockfree.Set[entry]) {
	hash := maphash.String(c.seed, sid)
	return c.live.Set(hash), c.negative.Set(hash)
}

// entry returns the sid's entry, or nil.
func (c *cache) entry(sid string) *entry {
	same := func(e *entry) bool { return e.sid() == sid }
	live, none := c.sets(sid)
	if e := live.Find(same); e != nil {
		return e
	}
	return none.Find(same)
}

// get returns the sid's entry, or nil, and whether it is fresh. Hand gen on to
// put, which then keeps nothing that was read before an invalidation.
func (c *cache) get(sid string, now time.Time) (e *entry, gen uint64, fresh bool) {
	gen = c.gen.Load() // first: an invalidation from here on changes it
	if _, ended := c.pendingEnds.Load(sid); ended {
		return &unknownEntry, gen, true
	}
	e = c.entry(sid)
	return e, gen, e != nil && c.isFresh(e, now)
}

// isFresh reports whether the entry may be used without reading the row again.
func (c *cache) isFresh(e *entry, now time.Time) bool {
	limit := entryTTL
	if !e.live {
		limit = negativeTTL
	}
	return c.has(e) && c.isTrusted(now) && now.Sub(c.began)-e.read < limit
}

// has reports whether the entry is still in the cache.
func (c *cache) has(e *entry) bool {
	return !e.gone.Load() && c.accounts[e.slot].Load() == e.mark
}

// put stores the result of reading a sid: its row, or only the sid where there
// is no live session. It returns the entry, whose last seen may be newer than the
// row's.
func (c *cache) put(row Session, live bool, now time.Time, gen uint64) *entry {
	e := newEntry(&row, live, now.Sub(c.began))
	c.mu.Lock()
	defer c.mu.Unlock()
	e.noteSeen(c.seen[e.sid()])
	if was := c.entry(e.sid()); was != nil {
		e.noteSeen(was.seen.Load())
	}
	if gen != c.gen.Load() {
		return e
	}
	c.dropLocked(e.sid())
	e.slot = c.accountSlot(row.Identity.ID)
	e.mark = c.accounts[e.slot].Load()
	to, none := c.sets(e.sid())
	if !live {
		to = none
	}
	if evicted := to.Put(e, func(e *entry) int64 { return int64(e.read) }); evicted != nil {
		evicted.gone.Store(true)
	}
	return e
}

// dropLocked drops the sid's entry, if there is one. Verified cookies that still
// point to it no longer count.
func (c *cache) dropLocked(sid string) {
	live, none := c.sets(sid)
	due := markGone(func(e *entry) bool { return e.sid() == sid })
	live.DropIf(due)
	none.DropIf(due)
}

// markGone wraps due, and marks the entries that are due as gone.
func markGone(due func(*entry) bool) func(*entry) bool {
	return func(e *entry) bool {
		if !due(e) {
			return false
		}
		e.gone.Store(true)
		return true
	}
}

func (c *cache) invalidate(sids ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen.Add(1)
	for _, sid := range sids {
		c.dropLocked(sid)
	}
}

func (c *cache) invalidateAccount(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen.Add(1)
	c.accounts[c.accountSlot(id)].Add(1)
}

func (c *cache) accountSlot(id string) uint32 {
	return uint32(maphash.String(c.seed, id) % accountSlots) // #nosec G115 -- smaller
}

// isTrusted reports whether the last successful poll is recent enough, by the
// monotonic and by the wall clock: one of them shows that the machine slept, the
// other that its clock was set.
func (c *cache) isTrusted(now time.Time) bool {
	polled := c.polled.Load()
	if polled == nil {
		return false
	}
	mono, wall := now.Sub(*polled), now.Round(0).Sub(polled.Round(0))
	return mono < maxStaleness && wall < maxStaleness && wall > -maxStaleness
}

// reset empties the cache: what changed meanwhile is not known.
func (c *cache) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen.Add(1)
	c.dropIfLocked(func(*entry) bool { return true })
}

// apply invalidates what the change names; rows that are being read now are not
// stored.
func (c *cache) apply(ch change) {
	if ch.sid != "" {
		c.invalidate(ch.sid)
	} else {
		c.invalidateAccount(ch.accountID)
	}
}

func (c *cache) dropIfLocked(due func(*entry) bool) {
	c.live.DropIf(markGone(due))
	c.negative.DropIf(markGone(due))
}

// evictIdle drops entries older than idleTTL, and verified cookies without one.
func (c *cache) evictIdle(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropIfLocked(func(e *entry) bool { return !c.has(e) || now.Sub(c.began)-e.read > idleTTL })
	c.cookies.DropIf(func(v *verified) bool { return !c.has(v.entry) })
}
