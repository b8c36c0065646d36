package session

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

const (
	trust     = 10 * time.Second // a cache is good so long after the last good poll began
	reread    = time.Minute      // an entry is read again when it is older
	rereadNo  = 5 * time.Second  // and sooner when it says "no such session"
	mostNo    = 10_000           // bounds the entries that say so
	dropAfter = 10 * time.Minute // an entry that nobody asks for leaves
)

// entry is what is known of a sid. Only seen changes.
type entry struct {
	session *Session // nil: no such live session
	read    time.Time
	seen    atomic.Int64 // microseconds, like the row's
}

func newEntry(s *Session, now time.Time) *entry {
	e := &entry{session: s, read: now}
	if s != nil {
		e.seen.Store(db.Micros(s.Seen))
	}
	return e
}

// cache is the live sessions in memory, by sid.
type cache struct {
	mu      sync.RWMutex
	entries map[string]*entry
	gen     uint64    // counts what was forgotten
	none    int       // entries without a session
	polled  time.Time // when the last good poll began
	latest  int64     // newest changed_at that a good poll saw

	seen    map[string]int64   // last seen, to be written
	refused map[string]refusal // ended here, to be written
}

// refusal is the end of a session that could not be written when it was asked
// for.
type refusal struct {
	by audit.Actor
	at time.Time
}

func (c *cache) init() {
	c.entries, c.seen, c.refused = map[string]*entry{}, map[string]int64{}, map[string]refusal{}
}

// get returns what is known of the sid, and whether it may be used as it is.
// gen goes to put, which keeps nothing that was read before a change.
func (c *cache) get(sid string, now time.Time) (e *entry, gen uint64, fresh bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if _, ended := c.refused[sid]; ended {
		return &entry{}, c.gen, true
	}
	e = c.entries[sid]
	if e == nil || !c.trustedLocked(now) {
		return e, c.gen, false
	}
	limit := reread
	if e.session == nil {
		limit = rereadNo
	}
	return e, c.gen, now.Sub(e.read) < limit
}

func (c *cache) put(sid string, e *entry, gen uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.seen.Store(max(e.seen.Load(), c.seen[sid])) // the row does not know yet
	if gen != c.gen {
		return
	}
	if e.session == nil {
		if c.none >= mostNo {
			maps.DeleteFunc(c.entries, func(_ string, e *entry) bool { return e.session == nil })
			c.none = 0
		}
		c.none++
	}
	if was := c.entries[sid]; was != nil && was.session == nil {
		c.none--
	} else if was != nil && e.session != nil {
		e.seen.Store(max(e.seen.Load(), was.seen.Load()))
	}
	c.entries[sid] = e
}

func (c *cache) forget(sids ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	for _, sid := range sids {
		c.drop(sid)
	}
}

func (c *cache) drop(sid string) {
	if e := c.entries[sid]; e != nil && e.session == nil {
		c.none--
	}
	delete(c.entries, sid)
}

// refuse ends the sid here, whatever its entry says, and remembers to write it.
func (c *cache) refuse(sid string, by audit.Actor, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused[sid] = refusal{by, now}
}

// ended forgets the sids whose refusal was written.
func (c *cache) ended(refused map[string]refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	for sid := range refused {
		c.drop(sid)
		delete(c.refused, sid)
	}
}

// toEnd returns what was refused and is still to be written.
func (c *cache) toEnd() map[string]refusal {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return maps.Clone(c.refused)
}

// sawIt notes that the session was seen; a later batch writes it.
func (c *cache) sawIt(e *entry, now time.Time) {
	at := db.Micros(now)
	e.seen.Store(at)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[e.session.SID] = at
}

// takeSeen returns what sawIt noted and forgets it here.
func (c *cache) takeSeen() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = map[string]int64{}
	return seen
}

// giveBack notes again what takeSeen gave and could not be written.
func (c *cache) giveBack(seen map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(seen, c.seen) // what came meanwhile is newer
	c.seen = seen
}

// trusted reports whether the last good poll is recent enough, by the
// monotonic and by the wall clock: a machine that slept, or whose clock was
// set, knows nothing.
func (c *cache) trusted(now time.Time) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.trustedLocked(now)
}

func (c *cache) trustedLocked(now time.Time) bool {
	mono, wall := now.Sub(c.polled), now.Round(0).Sub(c.polled.Round(0))
	return mono < trust && wall < trust && wall > -trust
}

// newest returns the newest changed_at that a good poll saw, or 0.
func (c *cache) newest() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.latest
}

// start empties the cache before the first good poll.
func (c *cache) start(newest int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	c.none, c.latest = 0, max(newest, 1)
	clear(c.entries)
}

// changed takes in a good poll that began at the given time: live sessions that
// changed are forgotten, and what is being read just now is not kept. An ended
// one never lives again.
func (c *cache) changed(began time.Time, changes []change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.polled = began
	for _, ch := range changes {
		if ch.at > c.latest {
			c.latest = ch.at
			c.gen++
		}
		if e := c.entries[ch.sid]; e != nil && e.session != nil && e.session.changed < ch.at {
			c.drop(ch.sid)
		}
	}
}

// age drops the entries that nobody asked for lately.
func (c *cache) age(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.entries, func(_ string, e *entry) bool {
		old := now.Sub(e.read) > dropAfter
		if old && e.session == nil {
			c.none--
		}
		return old
	})
}
