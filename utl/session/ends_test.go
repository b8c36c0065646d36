package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

// endAll ends the account's sessions as a change of the account does.
func (s *site) endAll(t *testing.T, id, except string, q string, args ...any) []string {
	t.Helper()
	var ended []string
	s.tx(t, func(tx *db.Tx) (err error) {
		if q != "" {
			if _, err := tx.Exec(t.Context(), q, args...); err != nil {
				return err
			}
		}
		ended, err = session.EndAll(t.Context(), tx, s.clock.Now(), audit.Command(), id, except)
		return err
	})
	s.Forget(ended...)
	return ended
}

// ATTACKS A5: replayed after its end: refused at once here, and on another
// server after its next poll. Bob's session and ada's third live on, where the
// end is not of all.
func TestReplayAfterTheEnd(t *testing.T) {
	for _, tt := range []struct {
		name   string
		end    func(*testing.T, *site, session.Session)
		others bool // the end is also that of ada's other session

	}{
		{name: "signed out", end: func(t *testing.T, s *site, found session.Session) {
			s.end(t, found.SID)
		}},
		{name: "this device ended", end: func(t *testing.T, s *site, found session.Session) {
			if err := s.EndDevice(t.Context(), found.AccountID, found.ID, audit.Actor{}); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "signed out everywhere", others: true, end: func(t *testing.T, s *site, found session.Session) {
			s.endAll(t, found.AccountID, "", "")
		}},
		{name: "password changed or reset", others: true, end: func(t *testing.T, s *site, found session.Session) {
			s.endAll(t, found.AccountID, "", `UPDATE accounts SET password = 'y', epoch = epoch + 1 WHERE id = ?`, found.AccountID)
		}},
		{name: "disabled", others: true, end: func(t *testing.T, s *site, found session.Session) {
			s.endAll(t, found.AccountID, "", `UPDATE accounts SET disabled_at = 1 WHERE id = ?`, found.AccountID)
		}},
		{name: "disabled, and enabled again", others: true, end: func(t *testing.T, s *site, found session.Session) {
			s.endAll(t, found.AccountID, "", `UPDATE accounts SET disabled_at = 1 WHERE id = ?`, found.AccountID)
			s.sql(t, `UPDATE accounts SET disabled_at = 0 WHERE id = ?`, found.AccountID)
		}},
		{name: "deleted", others: true, end: func(t *testing.T, s *site, found session.Session) {
			s.endAll(t, found.AccountID, "", `DELETE FROM accounts WHERE id = ?`, found.AccountID)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			here, there := s.signIn(t, "ada", false), s.signIn(t, "ada", true)
			bob := s.signIn(t, "bob", false)
			other := s.another(t)
			for _, c := range []*http.Cookie{here, there, bob} {
				s.live(t, c)
				other.live(t, c)
			}
			tt.end(t, s, s.live(t, here))
			s.none(t, request(here))
			other.poll(t)
			other.none(t, request(here))
			for _, server := range []*site{s, other, s.another(t)} {
				server.none(t, request(here))
				server.live(t, bob)
				if tt.others {
					server.none(t, request(there))
				} else {
					server.live(t, there)
				}
			}
			n := s.count(t, `SELECT COUNT(*) FROM audit WHERE event = 'session.ended' AND account_id = 'id-ada'`)
			if want := map[bool]int64{false: 1, true: 2}[tt.others]; n != want {
				t.Errorf("%d ends are in the audit log, want %d", n, want)
			}
		})
	}
}

func TestEndOthersKeepsOne(t *testing.T) {
	s := newSite(t)
	one, two, bob := s.signIn(t, "ada", false), s.signIn(t, "ada", false), s.signIn(t, "bob", false)
	kept := s.live(t, one)
	if err := s.EndOthers(t.Context(), kept.AccountID, kept.SID, audit.Actor{}); err != nil {
		t.Fatal(err)
	}
	s.live(t, one)
	s.none(t, request(two))
	s.live(t, bob)
}

func TestEndDeviceEndsNobodyElses(t *testing.T) {
	s := newSite(t)
	bob := s.signIn(t, "bob", false)
	for _, id := range []string{s.live(t, bob).ID, s.live(t, bob).SID, "", "%"} {
		if err := s.EndDevice(t.Context(), "id-ada", id, audit.Actor{}); err != nil {
			t.Fatal(err)
		}
	}
	s.live(t, bob)
}

// ATTACKS A9: a session that came with a sign-in is ended, and the new one has
// another sid.
func TestFixation(t *testing.T) {
	s := newSite(t)
	other := s.another(t)
	for _, name := range []string{"ada", "bob"} { // the same account, and another's
		planted := s.signIn(t, "ada", true)
		before := s.live(t, planted)
		other.live(t, planted)
		fresh := s.live(t, s.signIn(t, name, false, planted))
		if fresh.SID == before.SID || fresh.ID == before.ID || fresh.Username != name {
			t.Errorf("got %+v after %+v, want a new session of %s", fresh, before, name)
		}
		s.none(t, request(planted))
		other.poll(t)
		other.none(t, request(planted))
	}
}

func TestAnOldSessionOutlivesAFailedSignIn(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	w := httptest.NewRecorder()
	v := verified("bob")
	v.Epoch = 7
	if err := s.Start(w, request(cookie), v, false, audit.Actor{}); !errors.Is(err, session.ErrChanged) {
		t.Errorf("got error %v, want ErrChanged", err)
	}
	if len(w.Header()) != 0 {
		t.Errorf("it sent %v", w.Header())
	}
	s.live(t, cookie)
	if n := s.count(t, `SELECT COUNT(*) FROM audit WHERE event <> 'signin.ok'`); n != 0 {
		t.Errorf("%d rows were recorded of what did not happen", n)
	}
}

func TestStartAfterTheAccountChanged(t *testing.T) {
	for name, q := range map[string]string{
		"its epoch went up": `UPDATE accounts SET epoch = epoch + 1 WHERE id = 'id-ada'`,
		"it was disabled":   `UPDATE accounts SET disabled_at = 1 WHERE id = 'id-ada'`,
		"it was deleted":    `DELETE FROM accounts WHERE id = 'id-ada'`,
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.sql(t, q)
			w := httptest.NewRecorder()
			if err := s.Start(w, request(), verified("ada"), true, audit.Actor{}); !errors.Is(err, session.ErrChanged) {
				t.Errorf("got error %v, want ErrChanged", err)
			}
			if n := s.count(t, `SELECT COUNT(*) FROM sessions`); n != 0 || len(w.Header()) != 0 {
				t.Errorf("got %d rows and %v, want nothing", n, w.Header())
			}
		})
	}
}

// ATTACKS A10: an account deleted and made again under the same name.
func TestTheNameMadeAgain(t *testing.T) {
	for _, ended := range []bool{true, false} { // what if somebody forgot to end them?
		s := newSite(t)
		cookie := s.signIn(t, "ada", true)
		other := s.another(t)
		if ended {
			s.endAll(t, "id-ada", "", "")
		}
		s.sql(t, `DELETE FROM accounts WHERE id = 'id-ada'`)
		s.sql(t, `INSERT INTO accounts (id, username, role, password, created_at) VALUES ('id-ada-2', 'ada', 'owner', 'x', 2)`)
		other.none(t, request(cookie))
		other.poll(t)
		other.none(t, request(cookie))
		if list, err := other.List(t.Context(), "id-ada-2"); err != nil || len(list) != 0 {
			t.Errorf("the new account has %v, error %v", list, err)
		}
	}
}

// An account that is disabled is refused even where its sessions were not
// ended.
func TestTheRowIsTheAuthority(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	s.sql(t, `UPDATE accounts SET disabled_at = 1`)
	s.none(t, request(cookie))
}

// ATTACKS A12: what was sent before the end arrives after it.
func TestALateCookie(t *testing.T) {
	s := newSite(t)
	first := s.signIn(t, "ada", true)
	s.clock.pass(30 * time.Minute)
	if err := s.SetKeys([][]byte{newKey(), s.opt.Keys[0]}); err != nil {
		t.Fatal(err)
	}
	late := only(t, renewed(t, s, first))
	second := s.signIn(t, "ada", true, late)
	s.none(t, request(late))
	s.end(t, s.live(t, second).SID)
	for _, c := range []*http.Cookie{first, late, second} {
		s.none(t, request(c))
		s.another(t).none(t, request(c))
	}
}

// A change of the account's name or role reaches every server with its poll
// and ends nothing.
func TestTouch(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	other := s.another(t)
	s.live(t, cookie)
	other.live(t, cookie)
	s.tx(t, func(tx *db.Tx) error {
		if _, err := tx.Exec(t.Context(), `UPDATE accounts SET role = 'owner', name = 'Ada' WHERE id = 'id-ada'`); err != nil {
			return err
		}
		return session.Touch(t.Context(), tx, s.clock.Now(), "id-ada")
	})
	for _, server := range []*site{s, other} {
		if got := server.live(t, cookie).Role; got != "member" {
			t.Errorf("before the poll: got role %q from the cache, want member", got)
		}
		server.poll(t)
		if got := server.live(t, cookie); got.Role != "owner" || got.DisplayName != "Ada" {
			t.Errorf("after the poll: got role %q, name %q; want owner, Ada", got.Role, got.DisplayName)
		}
	}
}

func TestEndingTwiceIsOneEnd(t *testing.T) {
	s := newSite(t)
	found := s.live(t, s.signIn(t, "ada", false))
	s.end(t, found.SID)
	was := s.count(t, `SELECT changed_at FROM sessions`)
	s.end(t, found.SID)
	s.end(t, "no such sid")
	got := []int64{s.count(t, `SELECT changed_at FROM sessions`), s.count(t, `SELECT COUNT(*) FROM audit WHERE event = 'session.ended'`)}
	if diff := cmp.Diff([]int64{was, 1}, got); diff != "" {
		t.Errorf("changed_at and ends recorded (-want +got):\n%s", diff)
	}
}
