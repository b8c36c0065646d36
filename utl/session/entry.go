package session

import (
	"strings"
	"sync/atomic"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/identity"
)

// entry is the cached state of a sid: its session without the fields that only
// List fills, or that it has no live session. Many goroutines read it at once; only
// seen and gone change.
//
// Its texts are one string. With one string each, 100,000 sessions took 17 MB more,
// and the garbage collector had more pointers to follow.
type entry struct {
	texts    string        // SID, ID, the account's id, Username, Name, Role, Groups, Email, turn, AMR
	ends     [10]uint32    // the end of each in texts
	started  int64         // microseconds, like the row's
	proved   int64         // microseconds, like the row's
	epoch    int64         // the account's
	read     time.Duration // when the row was read, since the cache began
	seen     atomic.Int64  // microseconds
	slot     uint32        // the account's index in cache.accounts
	mark     uint32        // that counter's value at put: when it has changed, the entry is invalid
	gone     atomic.Bool   // evicted or invalidated: must not be used
	live     bool
	remember bool
	level    int8
}

// unknownEntry is the entry of a sid without a live session.
var unknownEntry entry

// newEntry returns the entry of a row, or, if live is false, of a sid without a
// live session.
func newEntry(row *Session, live bool, read time.Duration) *entry {
	e := &entry{
		started: db.Micros(row.Started), proved: db.Micros(row.Proved), epoch: row.Epoch,
		read: read, live: live, remember: row.Remember, level: int8(row.Level), // #nosec G115 -- 1 or 2
	}
	e.seen.Store(db.Micros(row.Seen))
	texts, end := [...]string{row.SID, row.ID, row.Identity.ID, row.Username, row.Name, row.Role, row.Groups, row.Email, row.turn, row.AMR}, 0
	e.texts = strings.Join(texts[:], "")
	for i, text := range texts {
		end += len(text)
		e.ends[i] = uint32(end) // #nosec G115 -- a row's texts are shorter
	}
	return e
}

func (e *entry) sid() string { return e.texts[:e.ends[0]] }

// session returns the session of a live entry.
func (e *entry) session() Session {
	text := func(i int) string { return e.texts[e.ends[i-1]:e.ends[i]] }
	return Session{
		SID: e.sid(), ID: text(1),
		Identity: identity.Identity{ID: text(2), Username: text(3), Name: text(4), Role: text(5), Groups: text(6), Email: text(7)},
		Epoch:    e.epoch, Level: int(e.level), AMR: text(9), turn: text(8),
		Started: db.Time(e.started), Seen: db.Time(e.seen.Load()), Proved: db.Time(e.proved), Remember: e.remember,
	}
}

// noteSeen raises the session's last seen, in microseconds, to at.
func (e *entry) noteSeen(at int64) {
	for was := e.seen.Load(); was < at && !e.seen.CompareAndSwap(was, at); {
		was = e.seen.Load()
	}
}
