package session_test

import (
	"errors"
	"math"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

// Attack cookie/replay, fault/database-away: a sign-out while the database is unavailable.
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
	other.live(t, cookie) // it cannot know of the end yet
	if err := s.Poll(t.Context()); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("Poll: got error %v, want db.ErrUnavailable", err)
	}
	s.none(t, request(cookie))
	s.clock.Move(time.Hour)
	s.none(t, request(cookie)) // of other sessions it cannot tell any more
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
	if last, err := audit.Before(t.Context(), s.db, "id-ada", math.MaxInt64, 1); err != nil || last[0].Kind != "session.ended" || last[0].By.Name != "ada" {
		t.Errorf("the audit log has %+v, error %v; want ada's end of it", last, err)
	}
	s.poll(t)
	if n := s.count(t, `SELECT COUNT(*) FROM audit WHERE event = 'session.ended'`); n != 1 {
		t.Errorf("%d ends are recorded, want 1", n)
	}
}

// A session whose end is still to be written stays refused when its account changes.
func TestAChangeBeforeTheEndIsWritten(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	found, other := s.live(t, cookie), s.another(t)
	back := s.away(t)
	if s.End(t.Context(), found.SID, audit.Actor{}) == nil {
		t.Error("End wrote into a file that is not there")
	}
	back()
	s.tx(t, func(tx *db.Tx) error { return session.AccountChanged(t.Context(), tx, s.clock.Now(), "id-ada") })
	s.InvalidateAccount("id-ada")
	s.none(t, request(cookie))
	s.poll(t)
	s.none(t, request(cookie))
	other.none(t, request(cookie))
}

// If the audit log cannot be written, the end of a session is not written either.
func TestAnEndThatCannotBeRecorded(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	sid := s.live(t, cookie).SID
	s.sql(t, `ALTER TABLE audit RENAME TO away`)
	if err := s.End(t.Context(), sid, audit.Actor{}); err == nil {
		t.Error("it ended unrecorded")
	}
	s.none(t, request(cookie))
	if n := s.count(t, `SELECT COUNT(*) FROM sessions WHERE ended_at = 0`); n != 1 {
		t.Error("the end is in its row")
	}
	if _, err := s.Start(httptest.NewRecorder(), request(), verified("bob"), false, audit.Actor{}); err == nil {
		t.Error("it started unrecorded")
	}
	s.sql(t, `ALTER TABLE away RENAME TO audit`)
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
		"Write":     s.Write(t.Context()), // there is nothing to write
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

// Attack fault/lock: another process locks the database. Many sign-outs that wait for the
// lock delay a poll no more than one does.
func TestEndsDuringALock(t *testing.T) {
	dbtest.OnlySQLite(t, "one lock keeps every writer waiting")
	synctest.Test(t, func(t *testing.T) { // its clock advances without waiting
		s := newSite(t)
		s.clock.Move(time.Minute)
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
		defer dbtest.Lock(t, s.path)()
		s.poll(t) // nothing is left to write
	})
}

// A read that hangs does not extend the 10 s for which the cache is used.
func TestTrustIsJudgedWhenTheReadHasFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := ticking(t)
		s.interleave(t)
		s.poll(t)
		hang := func() { time.Sleep(5 * time.Second) } // longer than db's timeout
		cookie := s.signIn(t, "ada", false)
		s.live(t, cookie)
		time.Sleep(time.Minute)
		s.poll(t)
		midRead = hang
		s.live(t, cookie) // the row cannot be read, but the cache is trusted
		time.Sleep(time.Second)
		midRead = hang
		s.unknown(t, cookie) // it was trusted when the read began, but not when it failed
		s.live(t, cookie)
	})
}
