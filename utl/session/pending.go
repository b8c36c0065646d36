package session

import (
	"maps"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// refusal is the end of a session that could not be written when it was asked
// for.
type refusal struct {
	by audit.Actor
	at time.Time
}

// refuse ends the sid here, whatever its entry says, and remembers to write it.
func (c *cache) refuse(sid string, by audit.Actor, now time.Time) {
	by.Agent = audit.Cap(by.Agent)
	c.refused.Store(sid, refusal{by, now})
	c.forget(sid)
}

// ended forgets the sids whose refusal was written.
func (c *cache) ended(sids []string) {
	c.forget(sids...)
	for _, sid := range sids {
		c.refused.Delete(sid)
	}
}

// toEnd returns what was refused and is still to be written.
func (c *cache) toEnd() map[string]refusal {
	refused := map[string]refusal{}
	for sid, r := range c.refused.Range {
		refused[sid.(string)] = r.(refusal) //nolint:errcheck // refuse stores nothing else
	}
	return refused
}

// sawIt notes that the entry's session was seen; a later batch writes it. Of
// many requests at once one has to note it.
func (c *cache) sawIt(e *entry, now time.Time) {
	at := db.Micros(now)
	if was := e.seen.Load(); was >= at || !e.seen.CompareAndSwap(was, at) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[e.sid()] = at
	if kept := c.entry(e.sid()); kept != nil {
		kept.saw(at)
	}
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
