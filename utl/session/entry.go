package session

import (
	"encoding/binary"
	"time"

	"glassjar/utl/db"
)

// entry is what is known of a sid: its session, without what the devices list
// alone shows, or that no live session has it. One without a sid knows nothing.
type entry struct {
	Session

	live bool
	read time.Duration // when, since the cache began
}

// packed is an entry on the shelf. There is one for every live session.
type packed []byte

// Where its numbers stand, and how long they are. The texts follow, from SID to
// Email, one after the other.
const (
	atStarted = 8 * iota // microseconds, like the row's
	atChanged
	atSeen
	atRead
	atEnds                // of each text, 2 bytes
	atFlags = atEnds + 16 // live, remember
	atTexts = atFlags + 2
)

// pack returns nil for an entry that is too long to be kept.
func pack(e *entry) packed {
	p := make(packed, atTexts, 256)
	for i, text := range [...]string{e.SID, e.ID, e.AccountID, e.Username, e.DisplayName, e.Role, e.Groups, e.Email} {
		p = append(p, text...)
		binary.LittleEndian.PutUint16(p[atEnds+2*i:], uint16(len(p)-atTexts)) //nolint:gosec // what is longer is not kept
	}
	if len(p) > block*unit {
		return nil
	}
	p.set(atStarted, db.Micros(e.Started))
	p.set(atChanged, e.changed)
	p.set(atSeen, db.Micros(e.Seen))
	p.set(atRead, int64(e.read))
	if e.live {
		p[atFlags] = 1
	}
	if e.Remember {
		p[atFlags+1] = 1
	}
	return p
}

func (p packed) set(at int, n int64) { binary.LittleEndian.PutUint64(p[at:], uint64(n)) } //nolint:gosec // get reverses it

func (p packed) get(at int) int64 { return int64(binary.LittleEndian.Uint64(p[at:])) } //nolint:gosec // set reverses it

func (p packed) end(i int) int { return int(binary.LittleEndian.Uint16(p[atEnds+2*i:])) }

func (p packed) sid() []byte { return p[atTexts:][:p.end(0)] }

func (p packed) live() bool { return p[atFlags] != 0 }

// whole returns the entry without what stands behind it on the shelf.
func (p packed) whole() packed { return p[:atTexts+p.end(7)] }

// entry unpacks it.
func (p packed) entry() entry {
	texts, from := string(p.whole()[atTexts:]), 0
	next := func(i int) string {
		text := texts[from:p.end(i)]
		from = p.end(i)
		return text
	}
	return entry{
		Session: Session{
			SID: next(0), ID: next(1), AccountID: next(2), Username: next(3), DisplayName: next(4), Role: next(5), Groups: next(6), Email: next(7),
			Started: db.Time(p.get(atStarted)), Seen: db.Time(p.get(atSeen)), Remember: p[atFlags+1] != 0, changed: p.get(atChanged),
		},
		live: p.live(), read: time.Duration(p.get(atRead)),
	}
}
