package session_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

// away makes the database file unavailable until back is called.
func (s *site) away(t *testing.T) (back func()) {
	t.Helper()
	return dbtest.Away(t, s.path)
}

// unknown fails the test unless Find reports that it cannot tell whether the cookie's
// session is live.
func (s *site) unknown(t *testing.T, c *http.Cookie) {
	t.Helper()
	if _, err := s.Find(request(c)); !errors.Is(err, db.ErrUnavailable) || errors.Is(err, session.ErrNone) {
		t.Errorf("got error %v, want db.ErrUnavailable", err)
	}
}

// Attack fault/file-gone: when the database file is gone, cached sessions stay live for 10 s
// after the start of the last successful poll. Then no session counts as live or ended.
func TestAnOutage(t *testing.T) {
	s := newSite(t)
	cookie, unread := s.signIn(t, "ada", false), s.signIn(t, "bob", false)
	s.live(t, cookie)
	back := s.away(t)
	s.clock.Move(10*time.Second - 1)
	s.live(t, cookie)
	s.unknown(t, unread)
	s.none(t, request(cookiesNamed(s.Name(), "bad")))
	if !s.Healthy() {
		t.Error("not healthy before its 10 s are over")
	}
	s.clock.Move(1)
	s.unknown(t, cookie)
	if err := s.Poll(t.Context()); !errors.Is(err, db.ErrUnavailable) || s.Healthy() {
		t.Errorf("Poll gave error %v, healthy %v; want db.ErrUnavailable and no health", err, s.Healthy())
	}
	s.unknown(t, cookie)
	back()
	s.live(t, cookie)
	s.poll(t)
	if s.live(t, cookie); !s.Healthy() {
		t.Error("not healthy after a good poll")
	}
}

func TestAnEntryIsReadAgainAfterAMinute(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	s.live(t, cookie)
	s.sql(t, `UPDATE accounts SET role = 'owner'`) // without a row in changes
	s.clock.Move(time.Minute - 1)
	s.poll(t)
	if got := s.live(t, cookie).Role; got != "member" {
		t.Errorf("got role %q within the minute, want the cache's", got)
	}
	back := s.away(t)
	s.clock.Move(1)
	if got := s.live(t, cookie).Role; got != "member" {
		t.Errorf("got role %q when the row cannot be read, want the trusted cache's", got)
	}
	back()
	if got := s.live(t, cookie).Role; got != "owner" {
		t.Errorf("got role %q after the minute, want the row's", got)
	}
}

// Attack fault/clock: a machine that slept, or whose clock was set, does not use its cache
// until it has polled.
func TestACacheIsTrustedByBothClocks(t *testing.T) {
	for _, tt := range []struct {
		name        string
		passes, set time.Duration
		want        bool
	}{
		{"9 s later", 9 * time.Second, 0, true},
		{"10 s later", 10 * time.Second, 0, false},
		{"asleep for 10 s", 0, 10 * time.Second, false},
		{"the clock set back by 5 s", 0, -5 * time.Second, true},
		{"the clock set back by 10 s", 0, -10 * time.Second, false},
		{"10 s later, the clock set back by as much", 10 * time.Second, -10 * time.Second, false},
		{"the clock set on by ten years", 0, 10 * 365 * 24 * time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			cookie := s.signIn(t, "ada", true)
			s.live(t, cookie)
			s.sql(t, `UPDATE accounts SET role = 'owner'`)
			s.clock.Move(tt.passes)
			s.clock.set(tt.set)
			if got := s.Healthy(); got != tt.want {
				t.Errorf("healthy %v, want %v", got, tt.want)
			}
			if tt.set > most {
				return // it was refused, as it should be
			}
			if got := s.live(t, cookie).Role == "member"; got != tt.want {
				t.Errorf("answered by the cache: %v, want %v", got, tt.want)
			}
		})
	}
}

func TestNoSuchSessionIsRememberedBriefly(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	s.sql(t, `UPDATE sessions SET ended_at = 1`)
	s.none(t, request(cookie))
	s.sql(t, `UPDATE sessions SET ended_at = 0`) // the program never does this
	s.clock.Move(5*time.Second - 1)
	s.poll(t)
	back := s.away(t)
	s.none(t, request(cookie))
	back()
	s.clock.Move(1)
	s.live(t, cookie)
}

func TestNoSuchSessionIsRememberedInBounds(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about memory")
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	s.live(t, cookie)
	for i := range 12_000 {
		s.Miss(fmt.Sprint(i), s.clock.Now())
		if i%999 != 0 {
			continue // counting is slow: not every time
		}
		if live, none := s.Kept(); live != 1 || none > 8192 || none == 0 {
			t.Fatalf("after %d: %d live, %d none; want 1 and at most 8,192", i, live, none)
		}
	}
	if _, none := s.Kept(); none < 6000 {
		t.Errorf("%d none are left", none)
	}
	back := s.away(t)
	s.live(t, cookie) // the flood has not evicted it
	back()
}

func (s *site) sweep(t *testing.T) {
	t.Helper()
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestEntriesThatNobodyAsksForLeave(t *testing.T) {
	s := newSite(t)
	asked, left := s.signIn(t, "ada", true), s.signIn(t, "bob", true)
	s.live(t, left)
	s.Miss("x", s.clock.Now())
	for range 11 {
		s.live(t, asked)
		s.clock.Move(time.Minute)
		s.poll(t)
		s.sweep(t)
	}
	if live, none := s.Kept(); live != 1 || none != 0 {
		t.Errorf("%d live and %d none are left; want the one that is asked for", live, none)
	}
	s.live(t, left)
}
