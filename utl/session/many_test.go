package session_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

// notEnded counts the account's sessions that have not ended.
const notEnded = `SELECT COUNT(*) FROM sessions WHERE ended_at = 0 AND account_id = ?`

// Attack cookie/many-sign-ins: an account has at most 100 live sessions: one more sign-in
// ends its oldest session, and none of another account.
func TestAnAccountHasAHundredSessions(t *testing.T) {
	s := newSite(t)
	bob := s.signIn(t, "bob", true)
	other := s.another(t)
	var all []*http.Cookie
	for range 103 {
		s.clock.Move(time.Millisecond)
		all = append(all, s.signIn(t, "ada", true))
		if len(all) < 4 {
			s.live(t, all[len(all)-1])
			other.live(t, all[len(all)-1])
		}
	}
	if n := s.count(t, notEnded, "id-ada"); n != 100 {
		t.Errorf("ada has %d live sessions, want 100", n)
	}
	other.poll(t)
	for _, server := range []*site{s, other} {
		for i, cookie := range all {
			if i < 3 {
				server.none(t, request(cookie))
			} else {
				server.live(t, cookie)
			}
		}
		server.live(t, bob)
	}
	if n := s.count(t, `SELECT COUNT(*) FROM audit WHERE event = 'session.ended'`); n != 3 {
		t.Errorf("%d ends are recorded, want 3", n)
	}
}

// To make room for a new session, expired sessions end first, even if a live one is
// older.
func TestRoomIsMadeOfWhatIsOver(t *testing.T) {
	s := newSite(t)
	oldest := s.signIn(t, "ada", true)
	for range 99 {
		s.signIn(t, "ada", false)
	}
	s.clock.Move(idle)
	s.poll(t)
	for range 99 {
		s.signIn(t, "ada", false)
		s.live(t, oldest)
	}
	s.signIn(t, "ada", false)
	s.none(t, request(oldest))
}

// crowd adds n sessions of ada, as a database from before the limit may have. The newest
// has the sid "1".
func (s *site) crowd(t *testing.T, n int) {
	t.Helper()
	now := db.Micros(s.clock.Now())
	s.sql(t, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO sessions (sid, id, account_id, started_at, seen_at, remember, address, agent)
		SELECT '' || i, '' || i, 'id-ada', CAST(? AS BIGINT) - i, ?, 1, '', '' FROM n`, n, now, now)
}

// massEndings end all sessions of an account, or all others.
var massEndings = []struct {
	name  string
	n     int  // sessions
	keeps bool // whether the session that does it lives on
	end   func(ctx context.Context, s *site, found session.Session) error
}{
	{"everywhere else", 80_000, true, func(ctx context.Context, s *site, found session.Session) error {
		return s.EndOthers(ctx, found.Identity.ID, found.SID, audit.Actor{ID: "id-ada", Name: "ada"})
	}},
	{"disabled", 2_000, false, func(ctx context.Context, s *site, found session.Session) error {
		return s.change(ctx, found.Identity.ID, disable)
	}},
	{"deleted", 2_000, false, func(ctx context.Context, s *site, found session.Session) error {
		return s.change(ctx, found.Identity.ID, remove)
	}},
}

// Attack cookie/replay, cookie/many-sign-ins: when all sessions of an account end, and there
// are more than one transaction may end, all of them are refused at once. No transaction
// ends more than 500 rows, and the last row ends too, even if the program dies in between.
func TestEightyThousandSessionsEnd(t *testing.T) {
	for _, tt := range massEndings {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := ticking(t)
				if raced || testing.Short() || s.db.Postgres() {
					tt.n /= 10
				}
				s.crowd(t, tt.n)
				cookie, bob := s.signIn(t, "ada", true), s.signIn(t, "bob", true)
				other := s.another(t)
				found := s.live(t, cookie)
				theirs := s.cookieOf(t, "ada", "1")
				for _, server := range []*site{s, other} {
					server.live(t, cookie)
					server.live(t, theirs)
				}
				if list, err := s.List(t.Context(), "id-ada"); err != nil || len(list) != 100 || list[0].SID != found.SID {
					t.Errorf("the list has %d sessions, error %v; want 100, the newest first", len(list), err)
				}
				if err := tt.end(t.Context(), s, found); err != nil {
					t.Fatal(err)
				}
				if ended := s.count(t, `SELECT COUNT(*) FROM sessions WHERE ended_at > 0`); ended > 500+101 {
					t.Errorf("%d rows ended in one transaction", ended)
				}
				other.poll(t)
				for _, server := range []*site{s, other, s.another(t)} {
					server.none(t, request(theirs))
					server.live(t, bob)
					if _, err := server.Find(request(cookie)); (err == nil) != tt.keeps {
						t.Errorf("the session that asked: error %v, kept: %v", err, tt.keeps)
					}
				}
				s.wantLastRowsEnd(t, tt.keeps)
			})
		})
	}
}

// wantLastRowsEnd fails the test unless Run ends the rows of all sessions of ada, except
// the one that is kept, and records each end in the audit log.
func (s *site) wantLastRowsEnd(t *testing.T, keepsOne bool) {
	t.Helper()
	stop := s.run(t)
	sleep(20 * time.Second)
	if !s.Healthy() {
		t.Error("the polls were late")
	}
	stop()
	var want int64
	if keepsOne {
		want = 1
	}
	if left := s.count(t, notEnded, "id-ada"); left != want {
		t.Errorf("%d sessions have not ended, want %d", left, want)
	}
	if left := s.count(t, `SELECT COUNT(*) FROM mass_ends`); left != 0 {
		t.Error("Run goes on for ever")
	}
	ended := s.count(t, `SELECT COUNT(*) FROM sessions WHERE ended_at > 0`)
	if told := s.count(t, `SELECT COUNT(*) FROM audit WHERE event = 'session.ended' AND username = 'ada'`); told != ended {
		t.Errorf("%d ends are recorded of %d", told, ended)
	}
	if changes := s.count(t, `SELECT COUNT(*) FROM changes`); changes > 110 {
		t.Errorf("other servers read %d changes", changes)
	}
}

// Attack cookie/many-sign-ins: a sign-in of such an account ends some of its sessions, not
// all at once.
func TestASignInOfAnAccountWithThousandsOfSessions(t *testing.T) {
	s := newSite(t)
	s.crowd(t, 2000)
	for _, want := range []int64{1900, 1800, 1700} {
		s.live(t, s.signIn(t, "ada", true))
		if n := s.count(t, notEnded, "id-ada"); n != want {
			t.Errorf("%d sessions are left, want %d", n, want)
		}
	}
}

// Ending sessions when there are none to end adds no row to changes, which other servers
// would have to read.
func TestEndingNothingIsNoChange(t *testing.T) {
	s := newSite(t)
	found := s.live(t, s.signIn(t, "ada", false))
	was := s.count(t, `SELECT MAX(id) FROM changes`)
	for range 3 {
		err := errors.Join(s.EndOthers(t.Context(), "id-ada", found.SID, audit.Actor{}), s.EndOthers(t.Context(), "id-bob", "", audit.Actor{}),
			s.EndDevice(t.Context(), "id-ada", "none", audit.Actor{}))
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := s.count(t, `SELECT MAX(id) FROM changes`); got != was {
		t.Errorf("there are %d changes more", got-was)
	}
}

// cookieOf returns a cookie for the account's session with the sid.
func (s *site) cookieOf(t *testing.T, name, sid string) *http.Cookie {
	t.Helper()
	started := s.count(t, `SELECT started_at FROM sessions WHERE sid = ?`, sid) / 1_000_000
	payload := fmt.Sprintf(`{"username":"%s","sid":"%s","started":%d}`, name, sid, started)
	return cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), started, payload))
}
