package session_test

import (
	"errors"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// ATTACKS A5, I: a sign-out while the database is gone.
func TestEndDuringAnOutage(t *testing.T) {
	s := newSite(t)
	cookie, bob := s.signIn(t, "ada", false), s.signIn(t, "bob", false)
	other := s.another(t)
	for _, server := range []*site{s, other} {
		server.live(t, cookie)
		server.live(t, bob)
	}
	sid, asked := s.live(t, cookie).SID, s.clock.Now()
	back := s.away(t)
	if err := s.End(t.Context(), sid, audit.Actor{ID: "id-ada", Name: "ada"}); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("got error %v, want db.ErrUnavailable", err)
	}
	s.none(t, request(cookie))
	s.live(t, bob)
	other.live(t, cookie) // which cannot know yet
	if err := s.Poll(t.Context()); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("Poll: got error %v, want db.ErrUnavailable", err)
	}
	s.none(t, request(cookie))
	s.clock.pass(time.Hour)
	s.none(t, request(cookie)) // though nothing else is known any more
	s.unknown(t, bob)
	back()
	s.none(t, request(cookie))
	if n := s.count(t, `SELECT COUNT(*) FROM sessions WHERE ended_at > 0`); n != 0 {
		t.Error("the end was written before it could be")
	}
	s.poll(t)
	s.none(t, request(cookie))
	other.poll(t)
	other.none(t, request(cookie))
	if got := s.count(t, `SELECT ended_at FROM sessions WHERE sid = ?`, sid); got != db.Micros(asked) {
		t.Errorf("ended at %v, want when it was asked for, %v", db.Time(got), asked)
	}
	if last, err := audit.Last(t.Context(), s.db, "id-ada", 1); err != nil || last[0].Kind != "session.ended" || last[0].By.Name != "ada" {
		t.Errorf("the audit log has %+v, error %v; want ada's end of it", last, err)
	}
	s.poll(t)
	if n := s.count(t, `SELECT COUNT(*) FROM audit WHERE event = 'session.ended'`); n != 1 {
		t.Errorf("%d ends are recorded, want 1", n)
	}
}

func TestStartDuringAnOutage(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	s.live(t, cookie)
	defer s.away(t)()
	w := httptest.NewRecorder()
	if _, err := s.Start(w, request(cookie), verified("ada"), true, audit.Actor{}); !errors.Is(err, db.ErrUnavailable) || len(w.Header()) != 0 {
		t.Errorf("got error %v and %v, want db.ErrUnavailable and no cookie", err, w.Header())
	}
	s.live(t, cookie)
	for what, err := range map[string]error{
		"Write":     s.Write(t.Context()), // of nothing
		"EndDevice": s.EndDevice(t.Context(), "id-ada", "x", audit.Actor{}),
		"EndOthers": s.EndOthers(t.Context(), "id-ada", "x", audit.Actor{}),
		"Sweep":     s.Sweep(t.Context()),
	} {
		if want := what != "Write"; errors.Is(err, db.ErrUnavailable) != want {
			t.Errorf("%s: got error %v", what, err)
		}
	}
	if list, err := s.List(t.Context(), "id-ada"); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("List: got %v, error %v; want db.ErrUnavailable", list, err)
	}
}

// ATTACKS I: a foreign lock. Many sign-outs that wait for it cost a poll no
// more than one.
func TestEndsDuringALock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // for the waits
		s := newSite(t)
		s.clock.pass(time.Minute)
		var sids []string
		for range 20 {
			sids = append(sids, s.live(t, s.signIn(t, "ada", true)).SID)
		}
		unlock := dbtest.Lock(t, s.path)
		for _, sid := range sids {
			go func() {
				if err := s.End(t.Context(), sid, audit.Actor{}); !errors.Is(err, db.ErrUnavailable) {
					t.Errorf("got error %v, want db.ErrUnavailable", err)
				}
			}()
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		began := time.Now()
		if err := s.Poll(t.Context()); !errors.Is(err, db.ErrUnavailable) || time.Since(began) > 5*time.Second {
			t.Errorf("Poll gave error %v after %v, want db.ErrUnavailable within 5 s", err, time.Since(began))
		}
		unlock()
		s.poll(t)
		if n := s.count(t, `SELECT COUNT(*) FROM sessions WHERE ended_at = 0`); n != 0 {
			t.Errorf("%d sessions live on", n)
		}
	})
}

// A read that hangs does not stretch the 10 s of trust.
func TestTrustIsJudgedWhenTheReadHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ticking(t)
		s.interleave(t)
		s.poll(t)
		hang := func() { time.Sleep(5 * time.Second) } // more than db has patience for
		cookie := s.signIn(t, "ada", false)
		s.live(t, cookie)
		time.Sleep(time.Minute)
		s.poll(t)
		midRead = hang
		s.live(t, cookie) // the row cannot be read, but the cache is trusted
		time.Sleep(time.Second)
		midRead = hang
		s.unknown(t, cookie) // it still was when the reading began
		s.live(t, cookie)
	})
}

// Last seen is written at most once a minute, by Write, and is no change.
func TestLastSeen(t *testing.T) {
	s := newSite(t)
	cookie, other := s.signIn(t, "ada", false), s.another(t)
	other.live(t, cookie)
	start := s.clock.Now()
	changed := s.count(t, `SELECT changed_at FROM sessions`)
	for _, tt := range []struct {
		wait time.Duration
		want time.Duration // of what is written, after the start
	}{
		{time.Minute - time.Millisecond, 0},
		{time.Millisecond, time.Minute},
		{30 * time.Second, time.Minute},
		{29 * time.Second, time.Minute},
		{10 * time.Second, 129 * time.Second},
		{5 * time.Minute, 429 * time.Second},
	} {
		s.clock.pass(tt.wait)
		for range 3 {
			found := s.live(t, cookie)
			if got := found.Seen.Sub(start).Round(time.Second); got != tt.want {
				t.Errorf("after %v: seen after %v, want %v", s.clock.Now().Sub(start), got, tt.want)
			}
		}
		if s.seenAfter(t, start) >= tt.want && tt.wait > time.Minute {
			t.Error("it was written before Write")
		}
		s.write(t)
		if got := s.seenAfter(t, start); got != tt.want {
			t.Errorf("after %v: %v is written, want %v", s.clock.Now().Sub(start), got, tt.want)
		}
	}
	if got := s.count(t, `SELECT changed_at FROM sessions`); got != changed {
		t.Error("it was a change")
	}
	other.poll(t)
	if live, _, _ := other.Kept(); live != 1 {
		t.Error("another server forgot the session")
	}
}

// seenAfter returns how long after start the only session was seen, by its row.
func (s *site) seenAfter(t *testing.T, start time.Time) time.Duration {
	t.Helper()
	return db.Time(s.count(t, `SELECT seen_at FROM sessions`)).Sub(start).Round(time.Second)
}

func (s *site) write(t *testing.T) {
	t.Helper()
	if err := s.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestLastSeenNeverGoesBack(t *testing.T) {
	s := newSite(t)
	start := s.clock.Now()
	cookie := s.signIn(t, "ada", false)
	behind := s.another(t)
	s.clock.pass(2 * time.Minute)
	behind.clock.pass(90 * time.Second)
	s.live(t, cookie)
	behind.live(t, cookie)
	s.write(t)
	behind.write(t)
	if got := s.seenAfter(t, start); got != 2*time.Minute {
		t.Errorf("seen after %v, want the later of the two", got)
	}
}

// A row that was read again, before what is noted was written, does not make a
// session look idle.
func TestLastSeenOutlivesAReading(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	for range 3 {
		s.clock.pass(idle - time.Second)
		s.poll(t)
		s.live(t, cookie)
		s.Forget(s.live(t, cookie).SID) // as a changed role does
	}
}

func TestAFailedWriteLosesNothing(t *testing.T) {
	s := newSite(t)
	start := s.clock.Now()
	ada, bob := s.signIn(t, "ada", false), s.signIn(t, "bob", false)
	s.clock.pass(time.Minute)
	s.poll(t)
	s.live(t, ada)
	s.live(t, bob)
	back := s.away(t)
	for range 2 {
		if err := s.Write(t.Context()); !errors.Is(err, db.ErrUnavailable) {
			t.Errorf("got error %v, want db.ErrUnavailable", err)
		}
	}
	back()
	s.clock.pass(time.Minute)
	s.poll(t)
	s.live(t, ada)
	s.write(t)
	for name, want := range map[string]time.Duration{"ada": 2 * time.Minute, "bob": time.Minute} {
		got := db.Time(s.count(t, `SELECT seen_at FROM sessions WHERE account_id = ?`, "id-"+name)).Sub(start).Round(time.Second)
		if got != want {
			t.Errorf("%s was seen after %v, want %v", name, got, want)
		}
	}
}
