package session

import (
	"hash/maphash"
	"time"
)

// fingerprint is two hashes of a cookie, under keys that are made at start and
// known to nobody. A cookie that was never verified and has the fingerprint of one
// that was is not found but by 2^128 tries, each of which is a request; whoever
// changes a cookie of their own can only hit their own session again.
type fingerprint [2]uint64

// fingerprintOf returns the fingerprint of the cookie; host is where a gate
// cookie is good.
func (c *cache) fingerprintOf(name, host, value string) fingerprint {
	return fingerprint{
		maphash.String(c.seed, value) + maphash.String(c.seed2, name),
		maphash.String(c.seed2, value) + maphash.String(c.seed, host),
	}
}

// verified is a cookie whose signature was verified, and what it names: 56 bytes
// with its place in the table. With the cookie's text they were 350.
type verified struct {
	fingerprint

	entry *entry
	keys  *[]codec // what verified it
	old   bool     // an old key signed it
}

// is reports whether the cookie is the one with the fingerprint, verified with
// the keys.
func (v *verified) is(sent *fingerprint, keys *[]codec) bool {
	return v.keys == keys && v.fingerprint == *sent
}

// cookieSet returns where the cookie is remembered.
func (c *cache) cookieSet(sent *fingerprint) *set[verified] {
	return c.cookies.set(sent[0])
}

// find returns the fresh entry that the cookie names, if it is the very one
// that was verified with the keys in use, and whether an old one signed it; else
// an entry that is not live.
func (c *cache) find(sent fingerprint, keys *[]codec, now time.Time) (e *entry, old bool) {
	v := c.cookieSet(&sent).find(func(v *verified) bool { return v.is(&sent, keys) })
	if v == nil || !c.fresh(v.entry, now) {
		return &unknown, false
	}
	return v.entry, v.old
}

// remember keeps the verified cookie with the sid's entry: verifying it again
// would cost more than all the rest of finding its session.
func (c *cache) remember(sent fingerprint, keys *[]codec, sid string, old bool) {
	e := c.entry(sid)
	if e == nil {
		return
	}
	set := c.cookieSet(&sent)
	set.dropIf(func(v *verified) bool { return !c.has(v.entry) || v.is(&sent, keys) })
	set.put(&verified{sent, e, keys, old}, func(v *verified) int64 { return int64(v.entry.read) })
}
