package session_test

import (
	"database/sql/driver"
	"os"
	"testing"
	"time"

	"modernc.org/sqlite"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

// midRead is called in the middle of the next read of an account's row, in a test that
// called interleave.
var midRead func()

func TestMain(m *testing.M) {
	sqlite.MustRegisterScalarFunction("mid_read", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		if do := midRead; do != nil {
			midRead = nil
			do()
		}
		return "", nil
	})
	os.Exit(dbtest.Main(m))
}

// interleave makes the database call midRead when it reads rows of sessions.
func (s *site) interleave(t *testing.T) {
	t.Helper()
	dbtest.OnlySQLite(t, "a function of SQLite's halts the read")
	s.sql(t, `ALTER TABLE accounts RENAME TO people`)
	s.sql(t, `CREATE VIEW accounts AS SELECT * FROM people WHERE mid_read() = ''`)
	s.sql(t, `CREATE TRIGGER next_epoch INSTEAD OF UPDATE ON accounts BEGIN
		UPDATE people SET session_epoch = NEW.session_epoch WHERE id = NEW.id; END`)
}

// Attack cookie/replay, race/ended-session: a row that was read before its session ended, and
// arrives after that, is not cached.
func TestARowReadBeforeTheEnd(t *testing.T) {
	for _, tt := range []struct {
		name     string
		unpolled bool
		meantime func(s, other *site, sid string)
	}{
		{"ended here", false, func(s, _ *site, sid string) { s.end(t, sid) }},
		{"every session of the account ended here", false, func(s, _ *site, _ string) {
			if err := s.EndOthers(t.Context(), "id-ada", "", audit.Actor{}); err != nil {
				t.Error(err)
			}
		}},
		{"ended elsewhere, and polled", false, func(s, other *site, sid string) { other.end(t, sid); s.poll(t) }},
		{"ended elsewhere, and polled for the first time", true, func(s, other *site, sid string) { other.end(t, sid); s.poll(t) }},
		{"ended here, not yet written", false, func(s, _ *site, sid string) {
			back := s.away(t)
			if s.End(t.Context(), sid, audit.Actor{}) == nil {
				t.Error("End wrote into a file that is not there")
			}
			back()
			s.poll(t)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			reader := s.unpolled(t) // polling fails after interleave
			s.interleave(t)
			cookie := s.signIn(t, "ada", false)
			sid := s.live(t, cookie).SID
			if !tt.unpolled {
				reader.poll(t)
			}
			midRead = func() { tt.meantime(reader, s, sid) }
			_, _ = reader.Find(request(cookie)) // it reads the row before the end
			if midRead != nil {
				t.Fatal("the row was not read")
			}
			reader.none(t, request(cookie))
			reader.poll(t)
			reader.none(t, request(cookie))
		})
	}
}

// A poll that finds no changes does not prevent a row that is being read from being
// cached.
func TestAPollWithoutNews(t *testing.T) {
	s := newSite(t)
	s.interleave(t)
	cookie := s.signIn(t, "ada", false)
	s.poll(t)
	midRead = func() { s.poll(t) }
	s.live(t, cookie)
	back := s.away(t)
	s.live(t, cookie)
	back()
}

// Attack fault/clock: if the clock of one server is wrong or set back, all servers still see
// each other's changes.
func TestChangesAreSeenWhateverTheClock(t *testing.T) {
	for _, tt := range []struct {
		name string
		by   time.Duration
	}{
		{"50 s ahead", 50 * time.Second},
		{"50 s behind", -50 * time.Second},
		{"an hour ahead", time.Hour},
		{"an hour behind", -time.Hour},
		{"ten years ahead", 10 * 365 * 24 * time.Hour},
		{"ten years behind", -10 * 365 * 24 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			wrong := s.another(t)
			wrong.clock.Move(tt.by)
			for i := range 6 { // in turns
				cookie := s.signIn(t, "ada", true)
				found := s.live(t, cookie)
				s.poll(t)
				ender := []*site{wrong, s}[i%2]
				ender.end(t, found.SID)
				sweepChanges(t, ender)
				s.poll(t)
				s.none(t, request(cookie))
				s.clock.Move(time.Second)
				wrong.clock.Move(time.Second)
			}
		})
	}
}

// sweepChanges deletes old changes, but no sessions, which a Sweep by a clock that is
// years ahead would delete.
func sweepChanges(t *testing.T, by *site) {
	t.Helper()
	by.tx(t, func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE sessions SET started_at = started_at + 1000000000000000`)
		return err
	})
	if err := by.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	by.sql(t, `UPDATE sessions SET started_at = started_at - 1000000000000000`)
}

// A change of an account's name or role reaches every server with its next poll and ends
// no session.
func TestAccountChanged(t *testing.T) {
	s := newSite(t)
	cookie, bob := s.signIn(t, "ada", false), s.signIn(t, "bob", false)
	other := s.another(t)
	for _, server := range []*site{s, other} {
		server.live(t, cookie)
		server.live(t, bob)
	}
	s.tx(t, func(tx *db.Tx) error {
		if _, err := tx.Exec(t.Context(), `UPDATE accounts SET role = 'owner', name = 'Ada'`); err != nil {
			return err
		}
		return session.AccountChanged(t.Context(), tx, s.clock.Now(), "id-ada")
	})
	for _, server := range []*site{s, other} {
		if got := server.live(t, cookie).Role; got != "member" {
			t.Errorf("before the poll: got role %q from the cache, want member", got)
		}
		server.poll(t)
		if got := server.live(t, cookie); got.Role != "owner" || got.Name != "Ada" {
			t.Errorf("after the poll: got role %q, name %q; want owner, Ada", got.Role, got.Name)
		}
		if got := server.live(t, bob).Role; got != "member" {
			t.Errorf("bob's session was read again: role %q", got)
		}
	}
}

func TestTheFirstPollForgetsWhatNobodyWatched(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	fresh := s.unpolled(t)
	if fresh.live(t, cookie); fresh.Healthy() {
		t.Error("it is healthy before it asked")
	}
	s.end(t, s.live(t, cookie).SID)
	fresh.poll(t)
	fresh.none(t, request(cookie))
}

func TestPollsWithoutAnyChangeForgetNothing(t *testing.T) {
	s := newSite(t) // it has polled once
	s.Miss("x", s.clock.Now())
	s.poll(t)
	if _, none := s.Kept(); none != 1 {
		t.Errorf("%d entries are left, want 1", none)
	}
	cookie := s.signIn(t, "ada", false) // the first row in changes
	s.live(t, cookie)
	s.another(t).end(t, s.live(t, cookie).SID)
	s.poll(t)
	s.none(t, request(cookie))
}

// A poll does not read changes that an earlier one has read.
func TestAPollReadsNoChangeTwice(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	s.sql(t, `UPDATE changes SET sid = ?`, s.live(t, cookie).SID) // the change that s has read
	s.sql(t, `UPDATE accounts SET role = 'owner'`)                // without a row in changes
	s.poll(t)
	if got := s.live(t, cookie).Role; got != "member" {
		t.Errorf("got role %q, read again; want the cache's", got)
	}
}

// If there are more changes than a page holds, one poll reads them all.
func TestAPollOfManyPages(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	sid := s.live(t, cookie).SID
	s.sql(t, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
		INSERT INTO changes (at, sid, account_id) SELECT 1, 'x' || i, '' FROM n`)
	s.another(t).end(t, sid)
	s.poll(t)
	s.none(t, request(cookie))
}

// A server that did not poll for so long that changes were swept, which it never read,
// empties its cache.
func TestChangesThatWereSwept(t *testing.T) {
	for _, away := range []time.Duration{9 * time.Minute, 11 * time.Minute} {
		s := newSite(t)
		other := s.another(t)
		ada, bob := s.signIn(t, "ada", true), s.signIn(t, "bob", true)
		sid := s.live(t, ada).SID
		s.live(t, bob)
		other.end(t, sid)
		other.clock.Move(away)
		other.end(t, other.live(t, bob).SID) // the sweep keeps the newest change
		other.sweep(t)
		s.clock.set(away)
		if left, want := s.count(t, `SELECT COUNT(*) FROM changes`), map[bool]int64{true: 2, false: 1}[away < 10*time.Minute]; left != want {
			t.Errorf("%v later: %d changes are left, want %d", away, left, want)
		}
		s.poll(t)
		s.none(t, request(ada))
		s.none(t, request(bob))
	}
}

// Rows are kept until no cookie for them could be accepted.
func TestSweep(t *testing.T) {
	s := newSite(t)
	old := s.signIn(t, "ada", true)
	s.end(t, s.live(t, old).SID)
	s.clock.Move(most + 24*time.Hour)
	s.signIn(t, "ada", true)
	for _, want := range []int64{2, 1} { // at the limit, and past it
		s.sweep(t)
		if n := s.count(t, `SELECT COUNT(*) FROM sessions`); n != want {
			t.Errorf("%d rows are left, want %d", n, want)
		}
		s.clock.Move(time.Second)
	}
}
