package session

import (
	"context"
	"strings"
	"time"

	"glassjar/utl/lockfree"

	"glassjar/utl/db"
)

// Named is named.
var CookiesNamed = cookiesNamed

// Kept counts the cache's live entries and those that say "no such session".
func (s *Store) Kept() (live, none int) {
	s.cache.live.DropIf(func(*entry) bool { live++; return false })
	s.cache.negative.DropIf(func(*entry) bool { none++; return false })
	return live, none
}

// KeepAtMost makes a cache that keeps nothing yet keep so many live sessions at
// most, a multiple of 8.
func (s *Store) KeepAtMost(n int) { s.cache.live = lockfree.New[entry](n) }

// RememberAtMost forgets the remembered cookies, and no session, and keeps so many
// at most from then on, a multiple of 8.
func (s *Store) RememberAtMost(n int) { s.cache.cookies = lockfree.New[verified](n) }

// Miss makes the cache remember that there is no such session.
func (s *Store) Miss(sid string, now time.Time) {
	_, gen, _ := s.cache.get(sid, now)
	s.cache.put(Session{SID: sid}, false, now, gen)
}

// Cookies returns how many cookies are remembered.
func (s *Store) Cookies() (n int) {
	s.cache.cookies.DropIf(func(v *verified) bool {
		if s.cache.has(v.entry) {
			n++
		}
		return false
	})
	return n
}

// Keep makes the cache remember the live session.
func (s *Store) Keep(live Session, now time.Time) {
	_, gen, _ := s.cache.get(live.SID, now)
	s.cache.put(live, true, now, gen)
}

// WriteSome writes, in so many transactions at most, when sessions were last
// seen.
func (s *Store) WriteSome(ctx context.Context, most int) error { return s.write(ctx, most) }

// Saw notes when the session was last seen, in microseconds.
func (s *Store) Saw(sid string, at int64) { s.cache.requeueSeen(map[string]int64{sid: at}) }

// PollPlan returns PostgreSQL's plan for a poll without news.
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
