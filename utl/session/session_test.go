package session_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"glassjar/utl/audit"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

func TestASessionFromItsStartToItsEnd(t *testing.T) {
	s := newSite(t)
	s.sql(t, `UPDATE accounts SET name = 'Ada L.', role = 'owner' WHERE username = 'ada'`)
	began := s.clock.Now().UTC().Truncate(time.Microsecond)
	cookie := s.signIn(t, "ada", false)
	found := s.live(t, cookie)
	want := session.Session{
		Identity: identity.Identity{ID: "id-ada", Username: "ada", Name: "Ada L.", Role: "owner"},
		Epoch:    1, Level: 1, AMR: "pwd", Started: began, Seen: began, Proved: began,
	}
	if diff := cmp.Diff(want, found, cmpopts.IgnoreUnexported(session.Session{}), cmpopts.IgnoreFields(session.Session{}, "SID", "ID")); diff != "" {
		t.Errorf("the session (-want +got):\n%s", diff)
	}
	if len(found.SID) < 26 || len(found.ID) < 26 || found.SID == found.ID {
		t.Errorf("got sid %q and id %q, want two of 128 bits", found.SID, found.ID)
	}
	if got, want := s.Until(found), began.Add(idle); !got.Equal(want) {
		t.Errorf("it ends by itself at %v, want %v", got, want)
	}
	s.end(t, found.SID)
	s.none(t, request(cookie))
	rows, err := audit.Before(t.Context(), s.db, "id-ada", math.MaxInt64, 10)
	if err != nil || len(rows) != 2 || rows[0].Kind != "session.ended" || rows[1].Kind != "signin.ok" || rows[1].By.ID != "id-ada" {
		t.Errorf("the audit log has %+v, error %v; want signin.ok by ada, then session.ended", rows, err)
	}
}

func TestListIsTheLiveSessionsOfOneAccount(t *testing.T) {
	s := newSite(t)
	s.signIn(t, "bob", true)
	s.signIn(t, "ada", false) // it will pass the idle limit
	s.clock.Move(30 * time.Minute)
	over := s.live(t, s.signIn(t, "ada", true)) // it will pass the absolute limit, although it is used
	s.sql(t, `UPDATE sessions SET started_at = started_at - ? WHERE sid = ?`, most.Microseconds(), over.SID)
	ended, first := s.signIn(t, "ada", false), s.live(t, s.signIn(t, "ada", false))
	s.clock.Move(40 * time.Minute)
	second := s.live(t, s.signIn(t, "ada", true))
	s.end(t, s.live(t, ended).SID)
	list, err := s.List(t.Context(), "id-ada")
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []*session.Session{&first, &second} {
		one.Address, one.Agent = "192.0.2.1", "Netscape" // only List returns these
	}
	if diff := cmp.Diff([]session.Session{second, first}, list, cmpopts.IgnoreUnexported(session.Session{})); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
}

// Attack cookie/one-of-two
func TestEndingOneSessionLeavesTheOther(t *testing.T) {
	s := newSite(t)
	one, other := s.signIn(t, "ada", false), s.signIn(t, "ada", true)
	s.end(t, s.live(t, one).SID)
	s.none(t, request(one))
	s.live(t, other)
}

func TestUntilIsTheEarlierOfTheTwoLimits(t *testing.T) {
	s := newSite(t)
	now := s.clock.Now()
	for _, tt := range []struct {
		name  string
		found session.Session
		want  time.Time
	}{
		{"just started: the idle limit", session.Session{Started: now, Seen: now}, now.Add(idle)},
		{"nearly over: the absolute limit", session.Session{Started: now.Add(time.Minute - most), Seen: now}, now.Add(time.Minute)},
		{"remembered: the absolute limit", session.Session{Started: now, Seen: now, Remember: true}, now.Add(most)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.Until(tt.found); !got.Equal(tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Attack cookie/late: a request that was sent before the session ended, and arrives after
// that, is refused.
func TestALateCookie(t *testing.T) {
	s := newSite(t)
	first := s.signIn(t, "ada", true)
	s.clock.Move(30 * time.Minute)
	if err := s.SetKeys([][32]byte{newKey(), s.opt.Keys[0]}); err != nil {
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
