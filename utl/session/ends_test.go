package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

// change changes the account and ends its sessions in one transaction, as package
// account does.
func (s *site) change(ctx context.Context, id, q string) error {
	err := s.db.Tx(ctx, func(tx *db.Tx) error {
		if err := session.EndAll(ctx, tx, s.clock.Now(), audit.Command(), id, ""); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, q, id)
		return err
	})
	s.InvalidateAccount(id)
	return err
}

// What an account's change does to its row.
const (
	changePassword = `UPDATE accounts SET password = 'y', epoch = epoch + 1 WHERE id = ?`
	disable        = `UPDATE accounts SET disabled_at = 1, epoch = epoch + 1 WHERE id = ?`
	enable         = `UPDATE accounts SET disabled_at = 0 WHERE id = ?`
	remove         = `DELETE FROM accounts WHERE id = ?`
)

// endings are the ways in which a session ends.
var endings = []struct {
	name string
	all  bool // it ends ada's other session too
	end  func(ctx context.Context, s *site, found session.Session) error
}{
	{"signed out", false, func(ctx context.Context, s *site, found session.Session) error {
		return s.End(ctx, found.SID, audit.Actor{})
	}},
	{"this device ended", false, func(ctx context.Context, s *site, found session.Session) error {
		return s.EndDevice(ctx, found.Identity.ID, found.ID, audit.Actor{})
	}},
	{"signed out everywhere", true, func(ctx context.Context, s *site, found session.Session) error {
		return s.EndOthers(ctx, found.Identity.ID, "", audit.Actor{})
	}},
	{"password changed or reset", true, func(ctx context.Context, s *site, found session.Session) error {
		return s.change(ctx, found.Identity.ID, changePassword)
	}},
	{"disabled", true, func(ctx context.Context, s *site, found session.Session) error {
		return s.change(ctx, found.Identity.ID, disable)
	}},
	{"disabled, and enabled again", true, func(ctx context.Context, s *site, found session.Session) error {
		return errors.Join(s.change(ctx, found.Identity.ID, disable), s.change(ctx, found.Identity.ID, enable))
	}},
	{"deleted", true, func(ctx context.Context, s *site, found session.Session) error {
		return s.change(ctx, found.Identity.ID, remove)
	}},
}

// Attack cookie/replay: a cookie is refused after the end of its session, on this server at
// once and on another one after its next poll. Bob's session stays live, and so does ada's
// other one, unless all of hers end.
func TestReplayAfterTheEnd(t *testing.T) {
	for _, tt := range endings {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			here, there := s.signIn(t, "ada", false), s.signIn(t, "ada", true)
			bob := s.signIn(t, "bob", false)
			other := s.another(t)
			for _, c := range []*http.Cookie{here, there, bob} {
				s.live(t, c)
				other.live(t, c)
			}
			if err := tt.end(t.Context(), s, s.live(t, here)); err != nil {
				t.Fatal(err)
			}
			s.none(t, request(here))
			other.poll(t)
			other.none(t, request(here))
			for _, server := range []*site{s, other, s.another(t)} {
				server.none(t, request(here))
				server.live(t, bob)
				if tt.all {
					server.none(t, request(there))
				} else {
					server.live(t, there)
				}
			}
			n := s.count(t, `SELECT COUNT(*) FROM audit WHERE event = 'session.ended' AND account_id = 'id-ada'`)
			if want := map[bool]int64{false: 1, true: 2}[tt.all]; n != want {
				t.Errorf("%d ends are in the audit log, want %d", n, want)
			}
		})
	}
}

func TestEndOthersKeepsOne(t *testing.T) {
	s := newSite(t)
	one, two, bob := s.signIn(t, "ada", false), s.signIn(t, "ada", false), s.signIn(t, "bob", false)
	kept := s.live(t, one)
	if err := s.EndOthers(t.Context(), kept.Identity.ID, kept.SID, audit.Actor{}); err != nil {
		t.Fatal(err)
	}
	s.live(t, one)
	s.none(t, request(two))
	s.live(t, bob)
}

func TestEndDeviceEndsNobodyElses(t *testing.T) {
	s := newSite(t)
	bob := s.signIn(t, "bob", false)
	for _, id := range []string{s.live(t, bob).ID, s.live(t, bob).SID, "", "%", "\x00", "\xff"} {
		if err := s.EndDevice(t.Context(), "id-ada", id, audit.Actor{}); err != nil {
			t.Fatal(err)
		}
	}
	s.live(t, bob)
}

// Attack cookie/fixation: a sign-in ends the session of the request's cookie, and the new
// session has another sid.
func TestFixation(t *testing.T) {
	s := newSite(t)
	other := s.another(t)
	for _, name := range []string{"ada", "bob"} { // the same account, and another one
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
	if _, err := s.Start(w, request(cookie), v, false, audit.Actor{}); !errors.Is(err, session.ErrChanged) {
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
			if _, err := s.Start(w, request(), verified("ada"), true, audit.Actor{}); !errors.Is(err, session.ErrChanged) {
				t.Errorf("got error %v, want ErrChanged", err)
			}
			if n := s.count(t, `SELECT COUNT(*) FROM sessions`); n != 0 || len(w.Header()) != 0 {
				t.Errorf("got %d rows and %v, want nothing", n, w.Header())
			}
		})
	}
}

// Attack account/made-again: a new account with the username of a deleted one does not get
// its sessions.
func TestTheNameMadeAgain(t *testing.T) {
	for _, ended := range []bool{true, false} { // false: as if ending the sessions had been forgotten
		s := newSite(t)
		cookie := s.signIn(t, "ada", true)
		other := s.another(t)
		if !ended {
			s.sql(t, remove, "id-ada")
		} else if err := s.change(t.Context(), "id-ada", remove); err != nil {
			t.Fatal(err)
		}
		s.sql(t, `INSERT INTO accounts (id, username, role, password, created_at) VALUES ('id-ada-2', 'ada', 'owner', 'x', 2)`)
		other.none(t, request(cookie))
		other.poll(t)
		other.none(t, request(cookie))
		if list, err := other.List(t.Context(), "id-ada-2"); err != nil || len(list) != 0 {
			t.Errorf("the new account has %v, error %v", list, err)
		}
	}
}

// A disabled account's sessions are refused even if they were not ended.
func TestTheRowIsTheAuthority(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	s.sql(t, `UPDATE accounts SET disabled_at = 1`)
	s.none(t, request(cookie))
}

func TestABrowserThatWentAwayIsSignedOut(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.End(gone, s.live(t, cookie).SID, audit.Actor{}); err != nil {
		t.Errorf("got error %v", err)
	}
	s.another(t).none(t, request(cookie))
}

func TestEndingTwiceIsOneEnd(t *testing.T) {
	s := newSite(t)
	found := s.live(t, s.signIn(t, "ada", false))
	s.end(t, found.SID)
	const changes = `SELECT MAX(id) FROM changes`
	was := s.count(t, changes)
	s.end(t, found.SID)
	s.end(t, "no such sid")
	got := []int64{s.count(t, changes), s.count(t, `SELECT COUNT(*) FROM audit WHERE event = 'session.ended'`)}
	if diff := cmp.Diff([]int64{was, 1}, got); diff != "" {
		t.Errorf("changes and ends recorded (-want +got):\n%s", diff)
	}
}
