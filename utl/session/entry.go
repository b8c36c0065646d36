package session

import (
	"strings"
	"sync/atomic"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/identity"
)

// entry is what is known of a sid: its session, without what the devices list
// alone shows, or that no live session has it. Many goroutines read it at once:
// only seen and gone change.
//
// Its texts are one string. With eight, 100,000 sessions take 17 MB more of the
// process, and the garbage collector has eight times as much to visit.
type entry struct {
	texts    string        // SID, ID, the account's id, Username, Name, Role, Groups, Email, turn, AMR
	ends     [10]uint32    // where each of them ends
	started  int64         // microseconds, like the row's
	proved   int64         // microseconds, like the row's
	epoch    int64         // the account's
	read     time.Duration // when, since the cache began
	seen     atomic.Int64  // microseconds
	slot     uint32        // of cache.accounts, by the account's hash,
	mark     uint32        // and what stood there: another number now means that the account's sessions were forgotten
	gone     atomic.Bool   // not in the cache any more: nobody may use it
	live     bool
	remember bool
	level    int8
}

// unknown is the entry of a sid of which nothing is known.
var unknown entry

// newEntry returns the entry of a row, or of the row's sid where no live
// session has it.
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

// saw notes that the session was seen at a time, in microseconds, unless it was
// seen later.
func (e *entry) saw(at int64) {
	for was := e.seen.Load(); was < at && !e.seen.CompareAndSwap(was, at); {
		was = e.seen.Load()
	}
}
