package session

import (
	"crypto/subtle"
	"hash/maphash"
	"strings"
	"time"
)

// signature is how many characters at the end of a cookie hold its HMAC.
const signature = 44

// cookie is one as it was sent, and what verifies it.
type cookie struct {
	name, value string
	host        string // where it is good; empty: the session cookie
	keys        *[]codec
}

// verified is a cookie whose signature was verified, and what it names.
type verified struct {
	cookie

	entry *entry
	old   bool // an old key signed it
}

// is reports whether the cookies are the same. Comparing takes the same time
// wherever two signatures differ.
func (v *verified) is(sent *cookie) bool {
	cut := len(sent.value) - signature
	return len(v.value) == len(sent.value) && v.value[:cut] == sent.value[:cut] &&
		v.name == sent.name && v.host == sent.host && v.keys == sent.keys &&
		subtle.ConstantTimeCompare([]byte(v.value[cut:]), []byte(sent.value[cut:])) == 1
}

// cookieSet returns where the cookie is remembered. Its signature alone says so:
// only what we signed gets there.
func (c *cache) cookieSet(sent *cookie) *set[verified] {
	return c.cookies.set(maphash.String(c.seed, sent.value[len(sent.value)-signature:]))
}

// find returns the fresh entry that the cookie names, if it is the very one
// that was verified with the keys in use, and whether an old one signed it; else
// an entry that is not live.
func (c *cache) find(sent cookie, now time.Time) (e *entry, old bool) {
	if len(sent.value) < signature {
		return &unknown, false
	}
	v := c.cookieSet(&sent).find(func(v *verified) bool { return v.is(&sent) })
	if v == nil || !c.fresh(v.entry, now) {
		return &unknown, false
	}
	return v.entry, v.old
}

// remember keeps the verified cookie with the sid's entry: verifying it again
// would cost more than all the rest of finding its session.
func (c *cache) remember(sent cookie, sid string, old bool) {
	e := c.entry(sid)
	if e == nil {
		return
	}
	sent.value, sent.host = strings.Clone(sent.value), strings.Clone(sent.host) // parts of all that the request brought
	set := c.cookieSet(&sent)
	set.dropIf(func(v *verified) bool { return !c.has(v.entry) || v.is(&sent) })
	set.put(&verified{sent, e, old}, func(v *verified) int64 { return int64(v.entry.read) })
}
