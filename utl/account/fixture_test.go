package account_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/account/accounttest"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

const (
	good  = accounttest.Password
	other = "a purple lamp on the stairs"
)

var (
	tiny    = accounttest.Tiny
	keeper  = audit.Actor{ID: "the keeper's id", Name: "keeper", Address: "192.0.2.1", Agent: "a browser"}
	visitor = audit.Actor{Address: "192.0.2.2", Agent: "another browser"}
)

// fixture is an account store with a real database and a real session store, and a clock that
// the test sets.
type fixture struct {
	*account.Store

	db       *db.DB
	at       string // the database's URL or path
	sessions *session.Store
	clock    *clock
}

// clock is a clock in a time zone other than UTC. Each reading advances it by one
// microsecond, so that no two events have the same time.
type clock struct{ micros atomic.Int64 }

func (c *clock) now() time.Time {
	return db.Time(c.micros.Add(1)).In(time.FixedZone("Kiritimati", 14*60*60)).Add(time.Nanosecond)
}
func (c *clock) set(at time.Time)    { c.micros.Store(db.Micros(at)) }
func (c *clock) add(d time.Duration) { c.micros.Add(d.Microseconds()) }

func open(t *testing.T) *fixture {
	t.Helper()
	h := &fixture{at: dbtest.New(t), clock: &clock{}}
	h.clock.set(time.Now())
	return h.second(t)
}

// second returns a second server on the same database, with connections of its own.
func (h *fixture) second(t *testing.T) *fixture {
	t.Helper()
	o := &fixture{db: dbtest.OpenAt(t, h.at), at: h.at, clock: h.clock}
	o.sessions = accounttest.Sessions(t, o.db, o.clock.now)
	o.Store = o.with(password.NewHasher(accounttest.Tiny, 2, 200))
	return o
}

// with returns a second store on the same database, with this Hasher.
func (h *fixture) with(hasher *password.Hasher) *account.Store {
	return account.New(account.Options{DB: h.db, Sessions: h.sessions, Hasher: hasher, Host: "jar.example", Now: h.clock.now})
}

// add creates an account with the password good.
func (h *fixture) add(t *testing.T, name, role string) account.Account {
	t.Helper()
	if err := h.Free(t.Context(), name, keeper); err != nil && !errors.Is(err, account.ErrNotDeleted) {
		t.Fatalf("freeing %q: %v", name, err)
	}
	a, err := h.Add(t.Context(), account.NewAccount{Username: name, Password: good, Role: role}, keeper)
	if err != nil {
		t.Fatalf("adding %q: %v", name, err)
	}
	return a
}

// link returns the code from made, and fails the test on an error.
func link(t *testing.T, made func() (string, error)) string {
	t.Helper()
	code, err := made()
	if err != nil || code == "" {
		t.Fatalf("making a link: %q, %v", code, err)
	}
	return code
}

func (h *fixture) join(t *testing.T, role string) string {
	t.Helper()
	return link(t, func() (string, error) { return h.NewJoin(t.Context(), role, keeper) })
}

func (h *fixture) reset(t *testing.T, name string) string {
	t.Helper()
	return link(t, func() (string, error) { return h.NewReset(t.Context(), name, keeper) })
}

// start starts a session and returns its cookie.
func (h *fixture) start(ctx context.Context, v session.Verified) (*http.Cookie, error) {
	w, r := httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodPost, "/auth", http.NoBody)
	if _, err := h.sessions.Start(w, r, v, false, visitor); err != nil {
		return nil, err
	}
	return http.ParseSetCookie(w.Header().Get("Set-Cookie"))
}

// signIn signs in as the sign-in page does, and returns the session's cookie.
func (h *fixture) signIn(ctx context.Context, name, pw string) (*http.Cookie, error) {
	a, err := h.Authenticate(ctx, name, pw)
	if err != nil {
		return nil, err
	}
	return h.start(ctx, a.Verified(1, "pwd"))
}

// signedIn is signIn, but fails the test on an error; afterwards the session is in the cache.
func (h *fixture) signedIn(t *testing.T, name, pw string) *http.Cookie {
	t.Helper()
	c, err := h.signIn(t.Context(), name, pw)
	if err != nil {
		t.Fatalf("signing in as %q: %v", name, err)
	}
	if !h.live(t, c) {
		t.Fatalf("the new session of %q is not live", name)
	}
	return c
}

// live reports whether the cookie's session is live.
func (h *fixture) live(t *testing.T, c *http.Cookie) bool {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
	r.AddCookie(c)
	_, err := h.sessions.Find(r)
	if err != nil && !errors.Is(err, session.ErrNone) {
		t.Fatal(err)
	}
	return err == nil
}

// exec changes the database directly, without the store.
func (h *fixture) exec(t *testing.T, q string, args ...any) {
	t.Helper()
	err := h.db.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), q, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// texts returns the rows of a query that selects one text.
func (h *fixture) texts(t *testing.T, q string, args ...any) []string {
	t.Helper()
	rows, err := db.All(t.Context(), h.db, db.Text, q, args...)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// usernames returns the usernames of all accounts.
func (h *fixture) usernames(t *testing.T) []string {
	t.Helper()
	return h.texts(t, `SELECT username FROM accounts ORDER BY username`)
}

// hash returns the account's password hash.
func (h *fixture) hash(t *testing.T, name string) string {
	t.Helper()
	return h.texts(t, `SELECT password FROM accounts WHERE username = ?`, name)[0]
}

// log returns the audit log, oldest first: actor, event, account, detail.
func (h *fixture) log(t *testing.T) []string {
	t.Helper()
	rows := h.texts(t, `SELECT actor || ' ' || event || ' ' || username || ' ' || detail FROM audit ORDER BY id`)
	for i, r := range rows {
		rows[i] = strings.Join(strings.Fields(r), " ")
	}
	return rows
}

// dump returns every column of every row of the database.
func (h *fixture) dump(t *testing.T) []string {
	t.Helper()
	return dbtest.Dump(t, h.db)
}

// full makes the database refuse the operation (what) on the table, until room is called.
func (h *fixture) full(t *testing.T, what, table string) (room func()) {
	t.Helper()
	return dbtest.Refuse(t, h.db, what, table, "1 = 1")
}

// is reports whether err is want and its text contains nothing more than want's.
func is(err, want error) bool {
	return errors.Is(err, want) && (want == nil || err.Error() == want.Error())
}
