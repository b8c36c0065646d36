package session

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"time"
)

// fingerprint is the SHA-256 of a cookie: one with another name, host or value
// has another.
type fingerprint [sha256.Size]byte

// fingerprintOf returns the fingerprint of the cookie; host is where a gate
// cookie is good. No name or host holds the separator.
func fingerprintOf(name, host, value string) fingerprint {
	var few [512]byte // a cookie of ours is shorter, mostly
	text := append(append(few[:0], name...), 0)
	text = append(append(text, host...), 0)
	return sha256.Sum256(append(text, value...))
}

// verified is a cookie whose signature was verified, and what it names: 72 bytes
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
	return v.keys == keys && subtle.ConstantTimeCompare(v.fingerprint[:], sent[:]) == 1
}

// cookieSet returns where the cookie is remembered.
func (c *cache) cookieSet(sent *fingerprint) *set[verified] {
	return c.cookies.set(binary.LittleEndian.Uint64(sent[:]))
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
