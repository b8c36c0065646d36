package session_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/session"
)

// ticket returns a new ticket for the session, which leads on to a page.
func (s *site) ticket(t *testing.T, found session.Session) string {
	t.Helper()
	code, err := s.NewTicket(t.Context(), found, "https://app.example.com/page?a=b")
	if err != nil || len(code) < 26 {
		t.Fatalf("got %q, error %v; want a code of 128 bits", code, err)
	}
	return code
}

func (s *site) noTicket(t *testing.T, code string) {
	t.Helper()
	if found, url, err := s.Redeem(t.Context(), code); !errors.Is(err, session.ErrTicket) || url != "" && err == nil || found.Username != "" {
		t.Errorf("got %+v, %q, error %v; want ErrTicket", found, url, err)
	}
}

func TestATicketIsGoodOnce(t *testing.T) {
	s := newSite(t)
	want := s.live(t, s.signIn(t, "ada", false))
	code := s.ticket(t, want)
	other := s.another(t) // tickets lead from one server to any
	found, url, err := other.Redeem(t.Context(), code)
	if err != nil || found.SID != want.SID || found.Username != "ada" || url != "https://app.example.com/page?a=b" {
		t.Errorf("got %+v, %q, error %v; want %+v", found, url, err, want)
	}
	s.noTicket(t, code)
	other.noTicket(t, code)
}

func TestATicketThatIsNone(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", false)
	found := s.live(t, cookie)
	code := s.ticket(t, found)
	for _, other := range []string{"", "%", code + "x", code[1:], found.SID, found.ID} {
		s.noTicket(t, other)
	}
	if n := s.count(t, `SELECT COUNT(*) FROM tickets WHERE code_hash <> ? AND sid = ?`, code, found.SID); n != 1 {
		t.Errorf("%d tickets are kept, want 1, without its code", n)
	}
	s.clock.pass(session.TicketLife)
	s.noTicket(t, code)
	late := s.ticket(t, found)
	s.clock.pass(session.TicketLife - time.Millisecond)
	if _, _, err := s.Redeem(t.Context(), late); err != nil {
		t.Errorf("just in time: got error %v", err)
	}
}

func TestATicketEndsWithItsSession(t *testing.T) {
	s := newSite(t)
	found := s.live(t, s.signIn(t, "ada", false))
	code := s.ticket(t, found)
	s.another(t).end(t, found.SID)
	s.poll(t)
	s.noTicket(t, code)
}

// ATTACKS A4: no cookie says when the session started.
func TestATicketOfASessionThatIsOver(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", true)
	s.clock.pass(most - time.Second)
	code := s.ticket(t, s.live(t, cookie)) // it was seen just now
	s.clock.pass(time.Second)
	s.noTicket(t, code)
}

func TestTicketsAreSwept(t *testing.T) {
	s := newSite(t)
	found := s.live(t, s.signIn(t, "ada", true))
	for range 3 {
		s.ticket(t, found)
		s.clock.pass(session.TicketLife)
	}
	s.ticket(t, found)
	if n := s.count(t, `SELECT COUNT(*) FROM tickets`); n != 1 {
		t.Errorf("%d tickets are kept, want the last", n)
	}
}

func TestTicketsDuringAnOutage(t *testing.T) {
	s := newSite(t)
	found := s.live(t, s.signIn(t, "ada", true))
	code := s.ticket(t, found)
	back := s.away(t)
	if _, err := s.NewTicket(t.Context(), found, "x"); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("NewTicket: got error %v, want db.ErrUnavailable", err)
	}
	if _, _, err := s.Redeem(t.Context(), code); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("Redeem: got error %v, want db.ErrUnavailable", err)
	}
	back()
	if _, _, err := s.Redeem(t.Context(), code); err != nil {
		t.Errorf("after it: got error %v", err)
	}
}

// ATTACKS H: one ticket
func TestRaceOfATicket(t *testing.T) {
	s := newSite(t)
	found := s.live(t, s.signIn(t, "ada", true))
	other := s.another(t)
	for range rounds {
		code := s.ticket(t, found)
		var won atomic.Int32
		use := func(server *site) func() {
			return func() {
				_, _, err := server.Redeem(t.Context(), code)
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, session.ErrTicket) {
					t.Error(err)
				}
			}
		}
		if atOnce(use(s), use(s), use(other), use(other)); won.Load() != 1 {
			t.Errorf("%d won, want 1", won.Load())
		}
	}
}
