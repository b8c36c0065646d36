package session_test

import (
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// Write writes when a session was last seen, at most once a minute, and adds no row to
// changes.
func TestLastSeen(t *testing.T) {
	s := newSite(t)
	cookie, other := s.signIn(t, "ada", false), s.another(t)
	other.live(t, cookie)
	start := s.clock.Now()
	changed := s.count(t, `SELECT MAX(id) FROM changes`)
	for _, tt := range []struct {
		wait time.Duration
		want time.Duration // the written time, since the start
	}{
		{time.Minute - time.Millisecond, 0},
		{time.Millisecond, time.Minute},
		{30 * time.Second, time.Minute},
		{29 * time.Second, time.Minute},
		{10 * time.Second, 129 * time.Second},
		{5 * time.Minute, 429 * time.Second},
	} {
		s.clock.Move(tt.wait)
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
	if got := s.count(t, `SELECT MAX(id) FROM changes`); got != changed {
		t.Error("it was a change")
	}
	other.poll(t)
	if live, _ := other.Kept(); live != 1 {
		t.Error("another server forgot the session")
	}
}

// seenAfter returns the time from start to the last seen in the row of the only session.
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
	s.clock.Move(2 * time.Minute)
	behind.clock.Move(90 * time.Second)
	s.live(t, cookie)
	behind.live(t, cookie)
	s.write(t)
	behind.write(t)
	if got := s.seenAfter(t, start); got != 2*time.Minute {
		t.Errorf("seen after %v, want the later of the two", got)
	}
}

// If a row is read again before a noted last seen is written, the noted time is not
// forgotten, so that the session does not appear idle.
func TestLastSeenOutlivesAReading(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	for range 3 {
		s.clock.Move(idle - time.Second)
		s.poll(t)
		s.live(t, cookie)
		s.Invalidate(s.live(t, cookie).SID) // as a change of the role does
	}
}

// The same holds if the row is read while last seen is being written.
func TestLastSeenOutlivesAReadingDuringAWrite(t *testing.T) {
	s := newSite(t)
	s.interleave(t)
	cookie := s.signIn(t, "ada", false)
	s.live(t, cookie)
	s.clock.Move(idle - time.Second)
	s.poll(t)
	s.live(t, cookie)
	s.clock.Move(time.Minute)
	s.poll(t)
	midRead = func() { s.write(t) }
	s.live(t, cookie)
}

// Times noted while a write fails are not overwritten by the older ones that it could
// not write.
func TestLastSeenDuringAFailedWrite(t *testing.T) {
	dbtest.OnlySQLite(t, "one lock keeps every writer waiting")
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t)
		start := s.clock.Now()
		cookie := s.signIn(t, "ada", false)
		s.clock.Move(time.Minute)
		s.live(t, cookie)
		unlock := dbtest.Lock(t, s.path)
		failed := make(chan error)
		go func() { failed <- s.Write(t.Context()) }()
		synctest.Wait() // until Write waits for the lock
		s.clock.Move(time.Minute)
		s.live(t, cookie)
		if err := <-failed; !errors.Is(err, db.ErrUnavailable) {
			t.Errorf("got error %v, want db.ErrUnavailable", err)
		}
		unlock()
		s.write(t)
		if got := s.seenAfter(t, start); got != 2*time.Minute {
			t.Errorf("%v is written, want 2m", got)
		}
	})
}

func TestAFailedWriteLosesNothing(t *testing.T) {
	s := newSite(t)
	start := s.clock.Now()
	ada, bob := s.signIn(t, "ada", false), s.signIn(t, "bob", false)
	s.clock.Move(time.Minute)
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
	s.clock.Move(time.Minute)
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

// If more sessions were seen than Run writes at once, those seen first are written
// first, so that none waits forever.
func TestLastSeenIsWrittenInTurn(t *testing.T) {
	s := newSite(t)
	s.crowd(t, 501)
	start, hour := db.Micros(s.clock.Now()), time.Hour.Microseconds()
	for i := range 501 {
		s.Saw(strconv.Itoa(i+1), start+hour-int64(i))
	}
	for _, want := range []int64{start, start + hour} {
		if err := s.WriteSome(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		if got := s.count(t, `SELECT seen_at FROM sessions WHERE sid = '1'`); got != want {
			t.Errorf("the one seen last: %d is written, want %d", got, want)
		}
	}
	if n := s.count(t, `SELECT COUNT(*) FROM sessions WHERE seen_at = ?`, start); n != 0 {
		t.Errorf("of %d nothing is written", n)
	}
}
