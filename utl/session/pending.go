package session

import (
	"maps"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// pendingEnd is the end of a session that is in force on this server, but could
// not be written to the database yet.
type pendingEnd struct {
	by audit.Actor
	at time.Time
}

// endLater refuses the sid on this server from now on, and notes the end to be
// written.
func (c *cache) endLater(sid string, by audit.Actor, now time.Time) {
	by.Agent = audit.Cap(by.Agent)
	c.pendingEnds.Store(sid, pendingEnd{by, now})
	c.invalidate(sid)
}

// clearPending forgets the pending ends of the sids: they were written.
func (c *cache) clearPending(sids []string) {
	c.invalidate(sids...)
	for _, sid := range sids {
		c.pendingEnds.Delete(sid)
	}
}

// pending returns the pending ends by sid.
func (c *cache) pending() map[string]pendingEnd {
	refused := map[string]pendingEnd{}
	for sid, r := range c.pendingEnds.Range {
		refused[sid.(string)] = r.(pendingEnd) //nolint:errcheck // endLater stores nothing else
	}
	return refused
}

// noteSeen notes that the entry's session was seen now; a later batch writes it.
// Of concurrent requests only one does the work.
func (c *cache) noteSeen(e *entry, now time.Time) {
	at := db.Micros(now)
	if was := e.seen.Load(); was >= at || !e.seen.CompareAndSwap(was, at) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[e.sid()] = at
	if kept := c.entry(e.sid()); kept != nil {
		kept.noteSeen(at)
	}
}

// drainSeen returns what noteSeen noted, by sid, and empties the queue.
func (c *cache) drainSeen() map[string]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = map[string]int64{}
	return seen
}

// requeueSeen puts back what drainSeen returned and was not written.
func (c *cache) requeueSeen(seen map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(seen, c.seen) // those noted meanwhile are newer
	c.seen = seen
}
