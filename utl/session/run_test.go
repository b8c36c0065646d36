package session_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

// ticking returns a server that uses the clock of a synctest bubble.
func ticking(t *testing.T, change ...func(*session.Options)) *site {
	t.Helper()
	s := newSite(t, change...)
	s.opt.DB, s.opt.Now = s.db, time.Now
	var err error
	if s.Store, err = session.New(s.opt); err != nil {
		t.Fatal(err)
	}
	return s
}

// run starts Run. stop ends it and waits until it has returned.
func (s *site) run(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		s.Run(ctx)
		close(done)
	}()
	synctest.Wait()
	return func() {
		cancel()
		<-done
	}
}

// sleep sleeps and then waits until Run has finished what it does at that time.
func sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// Attack cookie/replay: every other server refuses an ended session within a second.
func TestRunSeesChangesWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ticking(t)
		defer s.run(t)()
		if !s.Healthy() {
			t.Error("Run has not asked the database at once")
		}
		for range 10 {
			cookie := s.signIn(t, "ada", false)
			sid := s.live(t, cookie).SID
			s.another(t).end(t, sid)
			s.live(t, cookie)
			sleep(time.Second)
			s.none(t, request(cookie))
			sleep(330 * time.Millisecond) // another moment between two polls
		}
		sleep(5 * time.Minute)
		if !s.Healthy() {
			t.Error("not healthy after five minutes")
		}
	})
}

func TestRunWritesLastSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ticking(t)
		defer s.run(t)()
		cookie, start := s.signIn(t, "ada", false), time.Now()
		sleep(2 * time.Minute)
		s.live(t, cookie)
		sleep(5 * time.Second)
		if got := db.Time(s.count(t, `SELECT MAX(seen_at) FROM sessions`)).Sub(start).Round(time.Second); got != 2*time.Minute {
			t.Errorf("5 s after a visit it is written that it was after %v, want 2m", got)
		}
	})
}

// What could not be written during an outage is written when Run ends. The log has one
// line when the store stops being healthy and one when it is healthy again.
func TestRunThroughAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := ticking(t, func(o *session.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		stop := s.run(t)
		cookie := s.signIn(t, "ada", false)
		s.live(t, cookie)
		back := s.away(t)
		sleep(9 * time.Second)
		s.live(t, cookie)
		sleep(2 * time.Second)
		s.unknown(t, cookie)
		back()
		sleep(time.Second)
		s.live(t, cookie)
		sleep(2 * time.Minute)
		found := s.live(t, cookie)
		back = s.away(t)
		if err := s.End(t.Context(), found.SID, audit.Actor{}); !errors.Is(err, db.ErrUnavailable) {
			t.Errorf("got error %v, want db.ErrUnavailable", err)
		}
		back()
		stop()
		if n := s.count(t, `SELECT COUNT(*) FROM sessions WHERE ended_at > 0 AND seen_at > started_at + 100000000`); n != 1 {
			t.Error("the end, or when it was last seen, was not written at the end")
		}
		if got := log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "healthy=false") || !strings.Contains(got, "healthy=true") {
			t.Errorf("the log says:\n%s", got)
		}
	})
}

func TestRunStopsDuringAnOutageAndSaysWhatIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s := ticking(t, func(o *session.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		stop := s.run(t)
		found := s.live(t, s.signIn(t, "ada", false))
		defer s.away(t)()
		if s.End(t.Context(), found.SID, audit.Actor{}) == nil {
			t.Error("it ended in a file that is not there")
		}
		stop()
		if got := log.String(); !strings.Contains(got, "writing pending ends") || strings.Contains(got, found.SID) {
			t.Errorf("the log says:\n%s", got)
		}
	})
}
