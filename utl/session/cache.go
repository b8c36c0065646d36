package session

import (
	"crypto/subtle"
	"hash/maphash"
	"maps"
	"slices"
	"strings"
	"sync"
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

	mostCookies = 4_000 // bounds the remembered cookies
	signature   = 44    // the last characters of a cookie: they hold its HMAC
)

// cookie is one as it was sent, and what verifies it.
type cookie struct {
	name, value string
	host        string // where it is good; empty: the session cookie
	keys        *[]codec
}

// remembered is a cookie that was verified, and what it names.
type remembered struct {
	cookie

	entry entry // as it was then; the shelf knows when it was last seen
	hash  uint64
	at    place // of the entry
	old   bool  // an old key signed it
}

// cache is the live sessions in memory, by sid.
type cache struct {
	mu      sync.RWMutex
	began   time.Time
	seed    maphash.Seed
	places  map[uint64]place // of the entries, by the sid's hash
	shelf   shelf
	cookies map[string]remembered // by their unsigned part; each leaves with its entry
	of      map[uint64][]string   // the remembered cookies of an entry, by the sid's hash
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

func (c *cache) init(now time.Time) {
	c.began, c.seed = now, maphash.MakeSeed()
	c.seen, c.refused = map[string]int64{}, map[string]refusal{}
	c.emptyLocked()
}

func (c *cache) emptyLocked() {
	c.places, c.shelf, c.none = map[uint64]place{}, shelf{}, 0
	c.cookies, c.of = map[string]remembered{}, map[uint64][]string{}
}

// findLocked returns the sid's entry, or nil, and where it stands.
func (c *cache) findLocked(sid string) (p packed, hash uint64, at place) {
	hash = maphash.String(c.seed, sid)
	at, ok := c.places[hash]
	if !ok {
		return nil, hash, 0
	}
	if p = c.shelf.at(at); string(p.sid()) != sid { // another sid has the same hash
		return nil, hash, 0
	}
	return p, hash, at
}

// get returns what is known of the sid, and whether it may be used as it is.
// gen goes to put, which keeps nothing that was read before a change.
func (c *cache) get(sid string, now time.Time) (e entry, gen uint64, fresh bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if _, ended := c.refused[sid]; ended {
		return entry{}, c.gen, true
	}
	p, _, _ := c.findLocked(sid)
	if p == nil {
		return entry{}, c.gen, false
	}
	return p.entry(), c.gen, c.freshLocked(p, now)
}

// freshLocked reports whether the entry may be used as it is.
func (c *cache) freshLocked(p packed, now time.Time) bool {
	limit := reread
	if !p.live() {
		limit = rereadNo
	}
	return c.trustedLocked(now) && now.Sub(c.began)-time.Duration(p.get(atRead)) < limit
}

// find returns the fresh entry that the cookie names, if it is the very one
// that was verified with the keys in use, and whether an old one signed it.
// Comparing takes the same time wherever two signatures differ.
func (c *cache) find(sent cookie, now time.Time) (e entry, old bool) {
	if len(sent.value) < signature {
		return entry{}, false
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	cut := len(sent.value) - signature
	has, ok := c.cookies[sent.value[:cut]]
	if !ok || has.name != sent.name || has.host != sent.host || has.keys != sent.keys ||
		subtle.ConstantTimeCompare([]byte(has.value[cut:]), []byte(sent.value[cut:])) != 1 {
		return entry{}, false
	}
	p := packed(c.shelf.at(has.at))
	if _, ended := c.refused[has.entry.SID]; ended || !c.freshLocked(p, now) {
		return entry{}, false
	}
	has.entry.Seen = db.Time(p.get(atSeen))
	return has.entry, has.old
}

// remember keeps the verified cookie with the sid's entry.
func (c *cache) remember(sent cookie, sid string, old bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, hash, at := c.findLocked(sid)
	if p == nil {
		return
	}
	for other := range c.cookies {
		if len(c.cookies) < mostCookies {
			break
		}
		c.forgetCookie(other) // any will do: who comes again is remembered again
	}
	sent.value, sent.host = strings.Clone(sent.value), strings.Clone(sent.host) // parts of all that the request brought
	unsigned := sent.value[:len(sent.value)-signature]
	if _, has := c.cookies[unsigned]; !has {
		c.of[hash] = append(c.of[hash], unsigned)
	}
	c.cookies[unsigned] = remembered{sent, p.entry(), hash, at, old}
}

func (c *cache) forgetCookie(unsigned string) {
	hash := c.cookies[unsigned].hash
	delete(c.cookies, unsigned)
	if c.of[hash] = slices.DeleteFunc(c.of[hash], func(u string) bool { return u == unsigned }); len(c.of[hash]) == 0 {
		delete(c.of, hash)
	}
}

// put keeps what was just read of a sid: its row, or only the sid where there
// is no live session. It returns the entry, which may know better than the row
// when the session was seen.
func (c *cache) put(row Session, live bool, now time.Time, gen uint64) entry {
	row.Address, row.Agent = "", ""
	e := entry{Session: row, live: live, read: now.Sub(c.began)}
	c.mu.Lock()
	defer c.mu.Unlock()
	was, hash, _ := c.findLocked(e.SID)
	seen := max(db.Micros(e.Seen), c.seen[e.SID])
	if was != nil {
		seen = max(seen, was.get(atSeen))
	}
	e.Seen = db.Time(seen)
	p := pack(&e)
	if gen != c.gen || p == nil {
		return e
	}
	c.drop(hash)
	if !live {
		if c.none >= mostNo {
			c.dropIf(func(p packed) bool { return !p.live() })
		}
		c.none++
	}
	c.places[hash] = c.shelf.put(p)
	return e
}

func (c *cache) forget(sids ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gen++
	for _, sid := range sids {
		c.dropSID(sid)
	}
}

func (c *cache) dropSID(sid string) {
	if p, hash, _ := c.findLocked(sid); p != nil {
		c.drop(hash)
	}
}

func (c *cache) dropIf(due func(packed) bool) {
	for hash, at := range c.places {
		if due(c.shelf.at(at)) {
			c.drop(hash)
		}
	}
}

// drop drops the entry whose sid has the hash, if there is one, and with it
// the cookies that name it.
func (c *cache) drop(hash uint64) {
	at, ok := c.places[hash]
	if !ok {
		return
	}
	p := packed(c.shelf.at(at)).whole()
	if !p.live() {
		c.none--
	}
	for _, unsigned := range c.of[hash] {
		delete(c.cookies, unsigned)
	}
	delete(c.of, hash)
	delete(c.places, hash)
	c.shelf.drop(at, p)
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
		c.dropSID(sid)
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
func (c *cache) sawIt(sid string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen[sid] = db.Micros(now)
	if p, _, _ := c.findLocked(sid); p != nil {
		p.set(atSeen, db.Micros(now))
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
	c.latest = max(newest, 1)
	c.emptyLocked()
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
		if p, hash, _ := c.findLocked(ch.sid); p != nil && p.live() && p.get(atChanged) < ch.at {
			c.drop(hash)
		}
	}
}

// age drops the entries that nobody asked for lately, and makes the shelf
// smaller when it is sparse.
func (c *cache) age(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropIf(func(p packed) bool { return now.Sub(c.began)-time.Duration(p.get(atRead)) > dropAfter })
	if c.shelf.sparse() {
		c.moveLocked()
	}
}

// moveLocked moves what is left to a new shelf.
func (c *cache) moveLocked() {
	var to shelf
	for hash, at := range c.places {
		c.places[hash] = to.put(packed(c.shelf.at(at)).whole())
	}
	for unsigned, has := range c.cookies {
		has.at = c.places[has.hash]
		c.cookies[unsigned] = has
	}
	c.shelf = to
}
