package session

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

const (
	trust     = 10 * time.Second // a cache is good so long after the last good poll began
	reread    = time.Minute      // an entry is read again when it is older
	rereadNo  = 5 * time.Second  // and sooner when it says "no such session"
	dropAfter = 10 * time.Minute // an entry that nobody asks for leaves

	maxEntries = 1 << 18 // live sessions in memory, of some 240 bytes each
	maxNone    = 1 << 13 // entries that say "no such session"
	maxCookies = 1 << 18 // remembered cookies, of 72 bytes each

	accountSlots = 1 << 14 // one account's change costs one in so many of the others' sessions a reading
)

// cache is the live sessions in memory, by sid. Finding one takes no lock and
// writes nothing, so that many cores do it at once; every change takes mu.
type cache struct {
	began   time.Time
	seed    maphash.Seed
	seed2   maphash.Seed
	live    table[entry]
	none    table[entry] // sids that no live session has
	cookies table[verified]
	polled  atomic.Pointer[time.Time] // when the last good poll began
	gen     atomic.Uint64             // counts what was forgotten
	refused sync.Map                  // ended here, to be written: sid → refusal

	accounts [accountSlots]atomic.Uint32 // by account: counts how often its sessions were forgotten

	mu   sync.Mutex
	seen map[string]int64 // last seen by sid, to be written: of live entries, while the cache is trusted
}

func (c *cache) init(now time.Time) {
	c.began, c.seed, c.seed2 = now, maphash.MakeSeed(), maphash.MakeSeed()
	c.live, c.none, c.cookies = newTable[entry](maxEntries), newTable[entry](maxNone), newTable[verified](maxCookies)
	c.seen = map[string]int64{}
}

// sets returns where the sid's entry is, if it is live, and if it is not.
func (c *cache) sets(sid string) (live, none *set[entry]) {
	hash := maphash.String(c.seed, sid)
	return c.live.set(hash), c.none.set(hash)
}

// entry returns the sid's entry, or nil.
func (c *cache) entry(sid string) *entry {
	same := func(e *entry) bool { return e.sid() == sid }
	live, none := c.sets(sid)
	if e := live.find(same); e != nil {
		return e
	}
	return none.find(same)
}

// get returns what is known of the sid, or nil, and whether it may be used as it
// is. gen goes to put, which keeps nothing that was read before a change.
func (c *cache) get(sid string, now time.Time) (e *entry, gen uint64, fresh bool) {
	gen = c.gen.Load() // first: whatever ends the session from here on makes it another
	if _, ended := c.refused.Load(sid); ended {
		return &unknown, gen, true
	}
	e = c.entry(sid)
	return e, gen, e != nil && c.fresh(e, now)
}

// fresh reports whether the entry may be used as it is.
func (c *cache) fresh(e *entry, now time.Time) bool {
	limit := reread
	if !e.live {
		limit = rereadNo
	}
	return c.has(e) && c.trusted(now) && now.Sub(c.began)-e.read < limit
}

// has reports whether the entry is still in the cache.
func (c *cache) has(e *entry) bool {
	return !e.gone.Load() && c.accounts[e.slot].Load() == e.mark
}

// put keeps what was just read of a sid: its row, or only the sid where there
// is no live session. It returns the entry, which may know better than the row
// when the session was seen.
func (c *cache) put(row Session, live bool, now time.Time, gen uint64) *entry {
	e := newEntry(&row, live, now.Sub(c.began))
	c.mu.Lock()
	defer c.mu.Unlock()
	e.saw(c.seen[e.sid()])
	if was := c.entry(e.sid()); was != nil {
		e.saw(was.seen.Load())
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
	if evicted := to.put(e, func(e *entry) int64 { return int64(e.read) }); evicted != nil {
		evicted.gone.Store(true)
	}
	return e
}

// dropLocked drops the sid's entry, if there is one. A cookie that still points
// to it is good no more.
func (c *cache) dropLocked(sid string) {
	live, none := c.sets(sid)
	due := leave(func(e *entry) bool { return e.sid() == sid })
	live.dropIf(due)
	none.dropIf(due)
}

// leave marks the entries that are due as gone.
func leave(due func(*entry) bool) func(*entry) bool {
	return func(e *entry) bool {
		if !due(e) {
			return false
		}
		e.gone.Store(true)
		return true
	}
}

func (c *cache) forget(sids ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen.Add(1)
	for _, sid := range sids {
		c.dropLocked(sid)
	}
}

func (c *cache) forgetAccount(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen.Add(1)
	c.accounts[c.accountSlot(id)].Add(1)
}

func (c *cache) accountSlot(id string) uint32 {
	return uint32(maphash.String(c.seed, id) % accountSlots) // #nosec G115 -- smaller
}

// trusted reports whether the last good poll is recent enough, by the
// monotonic and by the wall clock: a machine that slept, or whose clock was
// set, knows nothing.
func (c *cache) trusted(now time.Time) bool {
	polled := c.polled.Load()
	if polled == nil {
		return false
	}
	mono, wall := now.Sub(*polled), now.Round(0).Sub(polled.Round(0))
	return mono < trust && wall < trust && wall > -trust
}

// start empties the cache: nothing is known of what changed before.
func (c *cache) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen.Add(1)
	c.dropIfLocked(func(*entry) bool { return true })
}

// changed takes in the change: what it names is forgotten, and what is being
// read just now is not kept.
func (c *cache) changed(ch change) {
	if ch.sid != "" {
		c.forget(ch.sid)
	} else {
		c.forgetAccount(ch.accountID)
	}
}

func (c *cache) dropIfLocked(due func(*entry) bool) {
	c.live.dropIf(leave(due))
	c.none.dropIf(leave(due))
}

// age drops the entries that nobody asked for lately.
func (c *cache) age(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropIfLocked(func(e *entry) bool { return !c.has(e) || now.Sub(c.began)-e.read > dropAfter })
	c.cookies.dropIf(func(v *verified) bool { return !c.has(v.entry) })
}
