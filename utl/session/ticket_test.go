package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"glassjar/utl/db"
	"glassjar/utl/session"
)

// ticket returns the code of a new ticket for the session and a page's URL.
func (s *site) ticket(t *testing.T, found session.Session) string {
	t.Helper()
	code, err := s.NewTicket(t.Context(), found, "https://app.example.com/page?a=b", "a nonce's hash")
	if err != nil || len(code) < 26 {
		t.Fatalf("got %q, error %v; want a code of 128 bits", code, err)
	}
	return code
}

func (s *site) noTicket(t *testing.T, code string) {
	t.Helper()
	if got, err := s.Redeem(t.Context(), code); !errors.Is(err, session.ErrTicket) || got.Session.Username != "" {
		t.Errorf("got %+v, error %v; want ErrTicket", got, err)
	}
}

func TestATicketIsGoodOnce(t *testing.T) {
	s := newSite(t)
	want := s.live(t, s.signIn(t, "ada", false))
	code := s.ticket(t, want)
	other := s.another(t) // any server may redeem a ticket
	got, err := other.Redeem(t.Context(), code)
	if err != nil || got.Session.SID != want.SID || got.Session.Username != "ada" || got.URL != "https://app.example.com/page?a=b" {
		t.Errorf("got %+v, error %v; want %+v", got, err, want)
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
	s.clock.Move(session.TicketLife)
	s.noTicket(t, code)
	late := s.ticket(t, found)
	s.clock.Move(session.TicketLife - time.Millisecond)
	if _, err := s.Redeem(t.Context(), late); err != nil {
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

// Attack cookie/limits: a ticket of an expired session is refused, although no cookie says
// when the session started.
func TestATicketOfASessionThatIsOver(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", true)
	s.clock.Move(most - time.Second)
	code := s.ticket(t, s.live(t, cookie)) // the session was used just now
	s.clock.Move(time.Second)
	s.noTicket(t, code)
}

func TestTicketsAreSwept(t *testing.T) {
	s := newSite(t)
	found := s.live(t, s.signIn(t, "ada", true))
	for range 3 {
		s.ticket(t, found)
		s.clock.Move(session.TicketLife)
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
	if _, err := s.NewTicket(t.Context(), found, "x", "y"); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("NewTicket: got error %v, want db.ErrUnavailable", err)
	}
	if _, err := s.Redeem(t.Context(), code); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("Redeem: got error %v, want db.ErrUnavailable", err)
	}
	back()
	if _, err := s.Redeem(t.Context(), code); err != nil {
		t.Errorf("after it: got error %v", err)
	}
}

// sendNonce returns the nonce cookie that a browser with the cookies in sent gets for
// the scope, and the hash for making tickets for that browser.
func sendNonce(t *testing.T, at session.CookieScope, sent ...*http.Cookie) (*http.Cookie, string) {
	t.Helper()
	w := httptest.NewRecorder()
	hash := at.SendNonce(w, request(sent...))
	return only(t, w), hash
}

func TestANonce(t *testing.T) {
	for _, tt := range []struct {
		at   session.CookieScope
		want http.Cookie
	}{
		{onApp, http.Cookie{Name: "__Host-glassjar-gate-next", Secure: true}},
		{onPlain, http.Cookie{Name: "glassjar-gate-next"}},
	} {
		got, hash := sendNonce(t, tt.at)
		tt.want.Path, tt.want.HttpOnly, tt.want.SameSite, tt.want.MaxAge = "/", true, http.SameSiteLaxMode, 60
		if diff := cmp.Diff(&tt.want, got, cmpopts.IgnoreFields(http.Cookie{}, "Value", "Expires", "RawExpires", "Raw")); diff != "" {
			t.Errorf("the cookie (-want +got):\n%s", diff)
		}
		if len(got.Value) < 26 || strings.Contains(hash, got.Value) {
			t.Errorf("the nonce is %q, its hash %q", got.Value, hash)
		}
		if again, same := sendNonce(t, tt.at, got); again.Value != got.Value || same != hash {
			t.Error("a browser that holds a nonce got another")
		}
		if other, hash2 := sendNonce(t, tt.at); other.Value == got.Value || hash2 == hash {
			t.Error("two browsers got one nonce")
		}
	}
}

// Attack gate/tickets: a ticket is accepted only from the browser for which it was made.
func TestATicketIsForOneBrowser(t *testing.T) {
	s := newSite(t)
	found := s.live(t, s.signIn(t, "ada", false))
	mine, hash := sendNonce(t, onApp)
	theirs, _ := sendNonce(t, onApp)
	plain, _ := sendNonce(t, onPlain, cookiesNamed("glassjar-gate-next", mine.Value))
	for _, tt := range []struct {
		row   string
		nonce string // hash of the nonce with which the ticket is made
		sent  []*http.Cookie
		want  bool
	}{
		{"its own", hash, []*http.Cookie{mine}, true},
		{"another's", hash, []*http.Cookie{theirs}, false},
		{"none", hash, nil, false},
		{"an empty one", hash, []*http.Cookie{cookiesNamed(mine.Name, "")}, false},
		{"the hash", hash, []*http.Cookie{cookiesNamed(mine.Name, hash)}, false},
		{"its own, after another's", hash, []*http.Cookie{theirs, mine}, true},
		{"its own, before junk", hash, []*http.Cookie{mine, cookiesNamed(mine.Name, "x")}, true},
		{"over http", hash, []*http.Cookie{plain}, false},
		{"made without one", "", []*http.Cookie{mine}, false},
		{"made without one, and sent none", "", nil, false},
		{"made with the hash of nothing", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", nil, false},
	} {
		code, err := s.NewTicket(t.Context(), found, "x", tt.nonce)
		if err != nil {
			t.Fatal(err)
		}
		ticket, err := s.Redeem(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		if got := ticket.MatchesBrowser(request(tt.sent...), onApp); got != tt.want || ticket.Open() != (tt.nonce == "") {
			t.Errorf("%s: got %t, want %t; it is open: %t", tt.row, got, tt.want, ticket.Open())
		}
	}
}

// Attack race/one-winner, servers/races: of concurrent uses of one ticket one succeeds.
func TestRaceOfATicket(t *testing.T) {
	s := newSite(t)
	found := s.live(t, s.signIn(t, "ada", true))
	other := s.another(t)
	for range rounds {
		code := s.ticket(t, found)
		var won atomic.Int32
		use := func(server *site) func() {
			return func() {
				_, err := server.Redeem(t.Context(), code)
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

// Each new ticket deletes several expired ones, whoever they belong to, so that they
// cannot pile up.
func TestExpiredTicketsAreDeletedInTurn(t *testing.T) {
	s := newSite(t)
	found := s.live(t, s.signIn(t, "ada", true))
	s.sql(t, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25)
		INSERT INTO tickets (code_hash, sid, url, expires_at) SELECT '' || i, '', '', i FROM n`)
	for _, want := range []int64{16, 7, 3} {
		s.ticket(t, found)
		if n := s.count(t, `SELECT COUNT(*) FROM tickets`); n != want {
			t.Errorf("%d tickets are kept, want %d", n, want)
		}
	}
}
