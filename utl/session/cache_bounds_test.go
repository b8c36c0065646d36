package session_test

import (
	"fmt"
	"net/http"
	"runtime"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

// A full cache evicts the sessions that were read longest ago. A verified cookie is not
// accepted from memory after its session was evicted.
func TestTheCacheIsBounded(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about memory")
	s := newSite(t)
	s.KeepAtMost(24)
	var all []*http.Cookie
	for range 90 {
		s.clock.Move(time.Microsecond)
		all = append(all, s.signIn(t, "ada", true))
		s.live(t, all[len(all)-1])
		if live, _ := s.Kept(); live > 24 {
			t.Fatalf("%d sessions are in memory, want 24 at most", live)
		}
	}
	if live, _ := s.Kept(); live != 24 || s.Cookies() != live {
		t.Errorf("%d sessions are in memory with %d cookies, want 24 with one each", live, s.Cookies())
	}
	s.sql(t, `UPDATE accounts SET role = 'owner'`) // without a row in changes
	if first, last := s.live(t, all[0]).Role, s.live(t, all[89]).Role; first != "owner" || last != "member" {
		t.Errorf("the first session's role is %q, read anew; the last one's %q, from memory; want owner, member", first, last)
	}
}

// BenchmarkCacheMemory measures the memory that 100,000 cached sessions take.
func BenchmarkCacheMemory(b *testing.B) {
	const people = 100_000
	s := newSite(b)
	for b.Loop() {
		s.opt.DB, s.opt.Now = s.db, s.clock.Now
		store, err := session.New(s.opt)
		if err != nil {
			b.Fatal(err)
		}
		was := heap()
		for i := range people {
			store.Keep(session.Session{
				SID: fmt.Sprintf("%026d", i), ID: fmt.Sprintf("%026d", i), Started: s.clock.Now(), Seen: s.clock.Now(),
				Identity: identity.Identity{
					ID: fmt.Sprintf("%026d", i), Username: fmt.Sprint("person-", i), Name: fmt.Sprint("Person ", i), Role: "member",
				},
			}, s.clock.Now())
		}
		b.ReportMetric(float64(heap()-was)/people, "B/session")
		if live, _ := store.Kept(); live < people*99/100 {
			b.Errorf("%d are kept, want %d, but for a few whose set is full", live, people)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// heap returns how many bytes of the heap are in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
