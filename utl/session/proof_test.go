package session_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

// prove proves the cookie's session again and returns its new cookie.
func (s *site) prove(t *testing.T, c *http.Cookie, v session.Verified) *http.Cookie {
	t.Helper()
	w := httptest.NewRecorder()
	by := audit.Actor{ID: "id-ada", Name: "ada", Address: "192.0.2.1"}
	if _, err := s.Prove(w, request(c), s.live(t, c), v, by); err != nil {
		t.Fatal(err)
	}
	return only(t, w)
}

// Attack session/proof: a proof gives the session a new cookie. The old one is refused, on
// this server at once and on others within a second. The session itself stays as it was.
func TestAProofGivesTheSessionANewSID(t *testing.T) {
	s := newSite(t, withGate)
	other := s.another(t)
	old := s.signIn(t, "ada", true)
	before, gate := s.live(t, old), s.gateCookie(t, old, onApp)
	for _, at := range []*site{s, other} {
		at.clock.Move(time.Hour / 2)
		at.poll(t)
		at.live(t, old)
	}
	if before.Proven(s.clock.Now()) {
		t.Error("a proof of half an hour ago counts")
	}

	cookie := s.prove(t, old, verified("ada"))
	s.none(t, request(old))
	found := s.live(t, cookie)
	other.live(t, cookie) // it has not polled yet
	other.none(t, request(old))
	other.poll(t)
	other.none(t, request(old))
	if diff := cmp.Diff(before, found, cmpopts.IgnoreUnexported(session.Session{}), cmpopts.IgnoreFields(session.Session{}, "Proved", "Seen")); diff != "" {
		t.Errorf("the session (-before +after):\n%s", diff)
	}
	if got, want := cookie.MaxAge, int((most-time.Hour/2)/time.Second); got > want || got < want-2 || !found.Proven(s.clock.Now()) {
		t.Errorf("the cookie's Max-Age is %d, want %d; proven: %t", got, want, found.Proven(s.clock.Now()))
	}
	if list, err := s.List(t.Context(), "id-ada"); err != nil || len(list) != 1 {
		t.Errorf("%d devices, %v; want 1", len(list), err)
	}
	for _, at := range []*site{s, other} {
		if got, err := at.FindGate(request(gate), onApp); err != nil || got.ID != before.ID {
			t.Errorf("the app's gate cookie: %+v, %v; want it to go on", got, err)
		}
	}
	rows, err := audit.Before(t.Context(), s.db, "id-ada", 1<<60, 1)
	if err != nil || len(rows) != 1 || rows[0].Kind != "session.proved" || rows[0].By.Name != "ada" {
		t.Errorf("the audit log ends with %+v, %v", rows, err)
	}
	s.end(t, found.SID)
	s.none(t, request(cookie))
	s.noneAt(t, onApp, request(gate))
}

// A proof has a fixed lifetime, and the session keeps the limits of its sign-in.
func TestAProofLastsTenMinutes(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	for _, row := range []struct {
		pass time.Duration
		want bool
	}{{0, true}, {9*time.Minute + 59*time.Second, true}, {time.Second, false}, {time.Minute, false}} {
		s.clock.Move(row.pass)
		if got := s.live(t, cookie).Proven(s.clock.Now()); got != row.want {
			t.Errorf("after %v more: proven %t, want %t", row.pass, got, row.want)
		}
	}
	cookie = s.prove(t, cookie, verified("ada"))
	if !s.live(t, cookie).Proven(s.clock.Now()) {
		t.Error("it was proven just now")
	}
	for range 9 { // the session is used all the time
		s.clock.Move(59 * time.Minute)
		if _, err := s.Find(request(cookie)); err != nil {
			return
		}
	}
	t.Error("a proof makes the absolute limit begin anew")
}

// A proof can raise the level but never lowers it, and adds its factors to those of the
// session.
func TestAProofRaisesTheLevel(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	for _, row := range []struct {
		level     int
		amr       string
		want      int
		wantedAMR string
	}{{1, "pwd", 1, "pwd"}, {2, "otp pwd", 2, "otp pwd"}, {1, "pwd", 2, "otp pwd"}} {
		v := verified("ada")
		v.Level, v.AMR = row.level, row.amr
		cookie = s.prove(t, cookie, v)
		if got := s.live(t, cookie); got.Level != row.want || got.AMR != row.wantedAMR {
			t.Errorf("got level %d by %q, want %d by %q", got.Level, got.AMR, row.want, row.wantedAMR)
		}
	}
}

// Attack session/proof: a proof of another account, one from before a change of the account,
// and one of level 0 are refused. Of two concurrent proofs one is accepted.
func TestAProofThatIsRefused(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	found := s.live(t, cookie)
	none, changed := verified("ada"), verified("ada")
	none.Level, changed.Epoch = 0, 2
	refused := func(name string, v session.Verified, want error) {
		t.Helper()
		w := httptest.NewRecorder()
		if _, err := s.Prove(w, request(cookie), found, v, audit.Actor{}); err == nil || want != nil && !errors.Is(err, want) || len(w.Header()) > 0 {
			t.Errorf("%s: got %v and %v, want %v", name, err, w.Header(), want)
		}
	}
	refused("another account", verified("bob"), nil)
	refused("no level", none, nil)
	refused("another epoch", changed, session.ErrChanged)
	if _, err := s.Start(httptest.NewRecorder(), request(), none, false, audit.Actor{}); err == nil {
		t.Error("a session starts without a level")
	}
	s.live(t, cookie)
	newer := s.prove(t, cookie, verified("ada"))
	refused("a proof came first", verified("ada"), session.ErrChanged)
	s.sql(t, `UPDATE accounts SET disabled_at = 1 WHERE id = 'id-ada'`)
	refused("disabled", verified("ada"), session.ErrChanged)
	s.sql(t, `UPDATE accounts SET disabled_at = 0 WHERE id = 'id-ada'`)
	s.end(t, found.SID)
	found = s.fresh(t)
	refused("ended", verified("ada"), session.ErrChanged)
	s.none(t, request(newer))
}

// fresh returns ada's newest session, ended or not, as an earlier request could have
// read it.
func (s *site) fresh(t *testing.T) session.Session {
	t.Helper()
	sid, err := db.One(t.Context(), s.db, db.Text, `SELECT sid FROM sessions WHERE account_id = 'id-ada' ORDER BY started_at DESC LIMIT 1`)
	if err != nil {
		t.Fatal(err)
	}
	var found session.Session
	found.SID, found.Identity.ID, found.Username = sid, "id-ada", "ada"
	return found
}

// Attack race/one-winner: two proofs on two servers race with the end of the session: at most
// one proof is accepted, and no cookie is accepted after the end.
func TestRaceOfProofsWithAnEnd(t *testing.T) {
	s := newSite(t)
	other := s.another(t)
	for range rounds {
		cookie := s.signIn(t, "ada", false)
		found := s.live(t, cookie)
		ws, won := [2]*httptest.ResponseRecorder{httptest.NewRecorder(), httptest.NewRecorder()}, [2]bool{}
		prove := func(i int, at *site) func() {
			return func() {
				_, err := at.Prove(ws[i], request(cookie), found, verified("ada"), audit.Actor{})
				if won[i] = err == nil; err != nil && !errors.Is(err, session.ErrChanged) {
					t.Error(err)
				}
			}
		}
		atOnce(prove(0, s), prove(1, other), func() { _ = other.End(context.WithoutCancel(t.Context()), found.SID, audit.Actor{}) })
		if won[0] && won[1] {
			t.Fatal("both proofs count")
		}
		s.poll(t)
		other.poll(t)
		for i, w := range ws {
			if won[i] {
				s.none(t, request(only(t, w)))
				other.none(t, request(only(t, w)))
			}
		}
	}
}
