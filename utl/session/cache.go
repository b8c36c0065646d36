package session

import (
	"crypto/subtle"
	"maps"
	"strings"
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

	mostCookies = 10_000 // bounds the remembered cookies
	signature   = 44     // the last characters of a cookie: they hold its HMAC
)

// entry is what is known of a sid, packed: there is one for every live session.
// Only seen and cookies change.
type entry struct {
	texts    string    // SID to Email, one after the other; empty: no such live session
	ends     [8]uint32 // of each
	started  int64     // microseconds, like the row's
	changed  int64
	seen     atomic.Int64
	read     time.Time
	cookies  []string // remembered, by their unsigned part
	remember bool
}

func newEntry(s *Session, now time.Time) *entry {
	e := &entry{read: now}
	if s == nil {
		return e
	}
	all := [...]string{s.SID, s.ID, s.AccountID, s.Username, s.DisplayName, s.Role, s.Groups, s.Email}
	e.texts = strings.Join(all[:], "")
	end := 0
	for i, text := range all {
		end += len(text)
		e.ends[i] = uint32(end) //nolint:gosec // nobody has 4 GB of names
	}
	e.started, e.changed, e.remember = db.Micros(s.Started), s.changed, s.Remember
	e.seen.Store(db.Micros(s.Seen))
	return e
}

// live reports whether there is such a live session.
func (e *entry) live() bool { return e.texts != "" }

func (e *entry) sid() string { return e.texts[:e.ends[0]] }

// session returns the session, without what the devices list alone shows.
func (e *entry) session() Session {
	at, t := e.ends, e.texts
	return Session{
		SID: t[:at[0]], ID: t[at[0]:at[1]], AccountID: t[at[1]:at[2]], Username: t[at[2]:at[3]],
		DisplayName: t[at[3]:at[4]], Role: t[at[4]:at[5]], Groups: t[at[5]:at[6]], Email: t[at[6]:at[7]],
		Started: db.Time(e.started), Remember: e.remember, changed: e.changed,
	}
}

// cookie is one as it was sent, and what verifies it.
type cookie struct {
	name, value string
	host        string // where it is good; empty: the session cookie
	keys        *[]codec
}

// remembered is a cookie that was verified, and what it names.
type remembered struct {
	cookie

	entry *entry
	old   bool // an old key signed it
}

// cache is the live sessions in memory, by sid.
type cache struct {
	mu      sync.RWMutex
	entries map[string]*entry
	cookies map[string]remembered // by their unsigned part; each leaves with its entry
	gen     uint64                // counts what was forgotten
	none    int                   // entries without a session
	polled  time.Time             // when the last good poll began
	latest  int64                 // newest changed_at that a good poll saw

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
	c.entries, c.cookies = map[string]*entry{}, map[string]remembered{}
	c.seen, c.refused = map[string]int64{}, map[string]refusal{}
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
	return e, c.gen, e != nil && c.freshLocked(e, now)
}

// freshLocked reports whether the entry may be used as it is.
func (c *cache) freshLocked(e *entry, now time.Time) bool {
	limit := reread
	if !e.live() {
		limit = rereadNo
	}
	return c.trustedLocked(now) && now.Sub(e.read) < limit
}

// find returns the fresh entry that the cookie names, if it is the very one
// that was verified with the keys in use, and whether an old one signed it.
// Comparing takes the same time wherever two signatures differ.
func (c *cache) find(sent cookie, now time.Time) (e *entry, old bool) {
	if len(sent.value) < signature {
		return nil, false
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	cut := len(sent.value) - signature
	has, ok := c.cookies[sent.value[:cut]]
	if !ok || has.name != sent.name || has.host != sent.host || has.keys != sent.keys ||
		subtle.ConstantTimeCompare([]byte(has.value[cut:]), []byte(sent.value[cut:])) != 1 {
		return nil, false
	}
	if _, ended := c.refused[has.entry.sid()]; ended || !c.freshLocked(has.entry, now) {
		return nil, false
	}
	return has.entry, has.old
}

// remember keeps the verified cookie with the sid's entry.
func (c *cache) remember(sent cookie, sid string, old bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.entries[sid]
	if e == nil || !e.live() || len(c.cookies) >= mostCookies {
		return
	}
	sent.value, sent.host = strings.Clone(sent.value), strings.Clone(sent.host) // parts of all that the request brought
	unsigned := sent.value[:len(sent.value)-signature]
	if _, has := c.cookies[unsigned]; !has {
		e.cookies = append(e.cookies, unsigned)
	}
	c.cookies[unsigned] = remembered{sent, e, old}
}

func (c *cache) put(sid string, e *entry, gen uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.seen.Store(max(e.seen.Load(), c.seen[sid])) // the row does not know yet
	if gen != c.gen {
		return
	}
	if was := c.entries[sid]; was != nil {
		e.seen.Store(max(e.seen.Load(), was.seen.Load()))
		c.drop(sid)
	}
	if !e.live() {
		if c.none >= mostNo {
			maps.DeleteFunc(c.entries, func(_ string, e *entry) bool { return !e.live() })
			c.none = 0
		}
		c.none++
	} else {
		sid = e.sid() // the other is a part of the cookie
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
	e := c.entries[sid]
	if e == nil {
		return
	}
	if !e.live() {
		c.none--
	}
	for _, unsigned := range e.cookies {
		delete(c.cookies, unsigned)
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
	c.seen[e.sid()] = at
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
	clear(c.cookies)
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
		if e := c.entries[ch.sid]; e != nil && e.live() && e.changed < ch.at {
			c.drop(ch.sid)
		}
	}
}

// age drops the entries that nobody asked for lately.
func (c *cache) age(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for sid, e := range c.entries {
		if now.Sub(e.read) > dropAfter {
			c.drop(sid)
		}
	}
}
