package session

import (
	"hash/maphash"
	"time"

	"glassjar/utl/lockfree"
)

// fingerprint is 128 bits of keyed hash of a cookie. The keys are made at start and
// never leave the process, so that finding a forged cookie with the fingerprint of
// a verified one takes about 2^128 requests.
type fingerprint [2]uint64

// fingerprintOf returns the cookie's fingerprint; host is the gate cookie's host, or
// empty for the session cookie.
func (c *cache) fingerprintOf(name, host, value string) fingerprint {
	return fingerprint{
		maphash.String(c.seed, value) + maphash.String(c.seed2, name),
		maphash.String(c.seed2, value) + maphash.String(c.seed, host),
	}
}

// verified is a cookie whose signature was verified, and the entry of its session:
// 56 bytes with its pointer in the table. With the cookie's text it was 350.
type verified struct {
	fingerprint

	entry *entry
	keys  *[]codec // the keys that verified it
	old   bool     // signed with an old key
}

// is reports whether the cookie has the fingerprint and was verified with the keys.
func (v *verified) is(sent *fingerprint, keys *[]codec) bool {
	return v.keys == keys && v.fingerprint == *sent
}

// cookieSet returns the set that can hold the cookie.
func (c *cache) cookieSet(sent *fingerprint) *lockfree.Set[verified] {
	return c.cookies.Set(sent[0])
}

// find returns the fresh entry of a cookie that was verified with the keys before,
// and whether an old key signed it; if there is none, unknownEntry.
func (c *cache) find(sent fingerprint, keys *[]codec, now time.Time) (e *entry, old bool) {
	v := c.cookieSet(&sent).Find(func(v *verified) bool { return v.is(&sent, keys) })
	if v == nil || !c.isFresh(v.entry, now) {
		return &unknownEntry, false
	}
	return v.entry, v.old
}

// addVerified stores the verified cookie with the sid's entry. Verifying it again
// would cost more than the rest of finding its session.
func (c *cache) addVerified(sent fingerprint, keys *[]codec, sid string, old bool) {
	e := c.entry(sid)
	if e == nil {
		return
	}
	set := c.cookieSet(&sent)
	set.DropIf(func(v *verified) bool { return !c.has(v.entry) || v.is(&sent, keys) })
	set.Put(&verified{sent, e, keys, old}, func(v *verified) int64 { return int64(v.entry.read) })
}
