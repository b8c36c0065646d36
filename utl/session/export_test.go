package session

import (
	"context"
	"strings"
	"time"

	"glassjar/utl/lockfree"

	"glassjar/utl/db"
)

// CookiesNamed is cookiesNamed.
var CookiesNamed = cookiesNamed

// Kept returns how many live entries the cache holds, and how many that say "no such
// session".
func (s *Store) Kept() (live, none int) {
	s.cache.live.DropIf(func(*entry) bool { live++; return false })
	s.cache.negative.DropIf(func(*entry) bool { none++; return false })
	return live, none
}

// KeepAtMost sets the maximum number of live sessions, a multiple of 8, of a cache that
// is still empty.
func (s *Store) KeepAtMost(n int) { s.cache.live = lockfree.New[entry](n) }

// RememberAtMost removes all verified cookies from the cache and sets their maximum
// number, a multiple of 8.
func (s *Store) RememberAtMost(n int) { s.cache.cookies = lockfree.New[verified](n) }

// Miss stores in the cache that there is no session with the sid.
func (s *Store) Miss(sid string, now time.Time) {
	_, gen, _ := s.cache.get(sid, now)
	s.cache.put(Session{SID: sid}, false, now, gen)
}

// Cookies returns how many verified cookies the cache holds.
func (s *Store) Cookies() (n int) {
	s.cache.cookies.DropIf(func(v *verified) bool {
		if s.cache.has(v.entry) {
			n++
		}
		return false
	})
	return n
}

// Keep stores the live session in the cache.
func (s *Store) Keep(live Session, now time.Time) {
	_, gen, _ := s.cache.get(live.SID, now)
	s.cache.put(live, true, now, gen)
}

// WriteSome writes when sessions were last seen, in at most that many transactions.
func (s *Store) WriteSome(ctx context.Context, most int) error { return s.write(ctx, most) }

// Saw notes when the session was last seen, in microseconds, to be written later.
func (s *Store) Saw(sid string, at int64) { s.cache.requeueSeen(map[string]int64{sid: at}) }

// PollPlan returns PostgreSQL's query plan for a poll that finds no changes.
func PollPlan(ctx context.Context, d *db.DB) string {
	f := &snapshotFeed{db: d}
	if err := f.begin(ctx, time.Now(), &cache{}); err != nil {
		return err.Error()
	}
	plan, err := db.All(ctx, d, db.Text, `EXPLAIN (ANALYZE, TIMING OFF) `+selectNew, f.last.xmax, f.last.open, "0", 0, pollRows)
	if err != nil {
		return err.Error()
	}
	return strings.Join(plan, "\n")
}
