package session_test

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
	"unsafe"

	"glassjar/utl/audit"
	"glassjar/utl/clocktest"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

// The limits in these tests.
const (
	idle = time.Hour
	most = 8 * time.Hour
)

// clock is a server's clock. It starts at the real time, because securecookie uses the
// machine's clock.
type clock struct{ *clocktest.Clock }

// set sets the wall clock ahead by d, or back, while no time passes.
func (c clock) set(d time.Duration) {
	now := c.Now().Add(d)
	(*struct { // the layout of a time.Time with a monotonic reading
		wall      uint64
		monotonic int64
		loc       *time.Location
	})(unsafe.Pointer(&now)).monotonic -= int64(d)
	c.Set(now)
}

// site is one server: its store, its clock and its connection to the database.
type site struct {
	*session.Store

	opt   session.Options
	db    *db.DB
	path  string
	clock clock
}

// newSite returns a server with a new database, in which ada and bob have accounts. Its
// store has polled once.
func newSite(tb testing.TB, change ...func(*session.Options)) *site {
	tb.Helper()
	s := &site{path: dbtest.New(tb), opt: session.Options{
		Keys: [][32]byte{newKey()}, Idle: idle, Max: most, Log: slog.New(slog.DiscardHandler),
	}}
	for _, f := range change {
		f(&s.opt)
	}
	s = s.another(tb)
	s.account(tb, "ada")
	s.account(tb, "bob")
	return s
}

// another returns one more server on the same database, with an empty cache. Its store
// has polled once.
func (s *site) another(tb testing.TB) *site {
	tb.Helper()
	o := s.unpolled(tb)
	o.poll(tb)
	return o
}

func (s *site) unpolled(tb testing.TB) *site {
	tb.Helper()
	o := &site{opt: s.opt, db: dbtest.OpenAt(tb, s.path), path: s.path, clock: clock{clocktest.New(time.Now())}}
	if s.clock.Clock != nil {
		o.clock.Set(s.clock.Now())
	}
	o.opt.DB, o.opt.Now = o.db, o.clock.Now
	var err error
	if o.Store, err = session.New(o.opt); err != nil {
		tb.Fatal(err)
	}
	return o
}

func newKey() (k [32]byte) {
	_, _ = rand.Read(k[:])
	return k
}

// sql runs a statement in the database, as another process could.
func (s *site) sql(tb testing.TB, q string, args ...any) {
	tb.Helper()
	s.tx(tb, func(tx *db.Tx) error {
		_, err := tx.Exec(tb.Context(), q, args...)
		return err
	})
}

func (s *site) tx(tb testing.TB, fn func(*db.Tx) error) {
	tb.Helper()
	if err := s.db.Tx(tb.Context(), fn); err != nil {
		tb.Fatal(err)
	}
}

// count returns the number that the query selects.
func (s *site) count(tb testing.TB, q string, args ...any) int64 {
	tb.Helper()
	n, err := db.One(tb.Context(), s.db, db.Int, q, args...)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// account makes an account with the id "id-" and its name.
func (s *site) account(tb testing.TB, name string) {
	tb.Helper()
	s.sql(tb, `INSERT INTO accounts (id, username, role, password, created_at) VALUES (?, ?, 'member', 'x', 1)`, "id-"+name, name)
}

// verified returns what a sign-in of that account passes to Start.
func verified(name string) session.Verified {
	return session.Verified{AccountID: "id-" + name, Username: name, Epoch: 1, Level: 1, AMR: "pwd"}
}

// signIn signs in to the account and returns the session's cookie. The request carries
// the cookies in sent.
func (s *site) signIn(tb testing.TB, name string, remember bool, sent ...*http.Cookie) *http.Cookie {
	tb.Helper()
	w := httptest.NewRecorder()
	by := audit.Actor{Address: "192.0.2.1", Agent: "Netscape"}
	if _, err := s.Start(w, request(sent...), verified(name), remember, by); err != nil {
		tb.Fatal(err)
	}
	return only(tb, w)
}

// only returns the cookie that the response sets; it must be a single one.
func only(tb testing.TB, w *httptest.ResponseRecorder) *http.Cookie {
	tb.Helper()
	set := w.Result().Cookies()
	if len(set) != 1 {
		tb.Fatalf("got %d cookies, want 1: %v", len(set), w.Header()["Set-Cookie"])
	}
	return set[0]
}

// request returns a request that carries the cookies.
func request(sent ...*http.Cookie) *http.Request {
	r := raw()
	for _, c := range sent {
		r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	return r
}

// live fails the test unless the cookie names a live session, and returns it.
func (s *site) live(tb testing.TB, c *http.Cookie) session.Session {
	tb.Helper()
	found, err := s.Find(request(c))
	if err != nil {
		tb.Fatalf("got error %v, want a live session", err)
	}
	return found
}

// none fails the test unless the request is signed out.
func (s *site) none(tb testing.TB, r *http.Request) {
	tb.Helper()
	if found, err := s.Find(r); !errors.Is(err, session.ErrNone) {
		tb.Errorf("got %+v, error %v; want ErrNone", found, err)
	}
}

func (s *site) poll(tb testing.TB) {
	tb.Helper()
	if err := s.Poll(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

func (s *site) end(tb testing.TB, sid string) {
	tb.Helper()
	if err := s.End(tb.Context(), sid, audit.Actor{}); err != nil {
		tb.Fatal(err)
	}
}
