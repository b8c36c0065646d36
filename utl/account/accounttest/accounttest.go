// Package accounttest gives a test accounts with sessions, on a database of its
// own, and a clock that the test moves.
package accounttest

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

// Password is everybody's.
const Password = "correct horse battery staple"

// Tiny are parameters with which a hash takes much less than a millisecond.
var Tiny = password.Params{Memory: 64, Time: 1, Threads: 1}

// Visitor is who does everything in these tests.
var Visitor = audit.Actor{Address: "192.0.2.2", Agent: "a browser"}

// World is what one server has of accounts and sessions.
type World struct {
	DB       *db.DB
	Accounts *account.Store
	Sessions *session.Store

	at     string // where the database is
	micros *atomic.Int64
}

// Open returns a server on a new database.
func Open(tb testing.TB) *World {
	tb.Helper()
	w := &World{at: dbtest.New(tb), micros: &atomic.Int64{}}
	w.micros.Store(db.Micros(time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)))
	return w.Second(tb)
}

// Second returns one more server on the same database.
func (w *World) Second(tb testing.TB) *World {
	tb.Helper()
	o := &World{DB: dbtest.OpenAt(tb, w.at), at: w.at, micros: w.micros}
	o.Sessions = Sessions(tb, o.DB, o.Now)
	o.Accounts = account.New(account.Options{
		DB: o.DB, Sessions: o.Sessions, Hasher: password.NewHasher(Tiny, 2, 200), Host: "jar.example", Now: o.Now,
	})
	return o
}

// Sessions returns a session store on the database. It has polled once, so its cache is
// trusted.
func Sessions(tb testing.TB, d *db.DB, now func() time.Time) *session.Store {
	tb.Helper()
	s, err := session.New(session.Options{
		DB: d, Keys: [][32]byte{Key("k")}, Idle: 24 * time.Hour, Max: 720 * time.Hour, Now: now, Log: slog.New(slog.DiscardHandler),
	})
	if err == nil {
		err = s.Poll(tb.Context())
	}
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// Key returns a key of 32 such characters.
func Key(c string) [32]byte { return [32]byte(bytes.Repeat([]byte(c), 32)) }

// Now is the time of every server on the database.
func (w *World) Now() time.Time { return db.Time(w.micros.Load()) }

// Pass moves the clock.
func (w *World) Pass(d time.Duration) { w.micros.Add(d.Microseconds()) }

// Owner makes an owner's account.
func (w *World) Owner(tb testing.TB, name string) account.Account {
	tb.Helper()
	a, err := w.Accounts.Add(tb.Context(), account.NewAccount{Username: name, Password: Password, Role: account.Owner}, audit.Command())
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// Again returns the account as it is now: each of its changes makes another of it.
func (w *World) Again(tb testing.TB, name string) account.Account {
	tb.Helper()
	a, err := w.Accounts.Find(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// Start starts a session.
func (w *World) Start(ctx context.Context, v session.Verified) (session.Session, error) {
	return w.Sessions.Start(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil), v, false, Visitor)
}

// Session starts a session of two factors of the account's and returns its sid.
func (w *World) Session(tb testing.TB, name string) string {
	tb.Helper()
	s, err := w.Start(tb.Context(), w.Again(tb, name).Verified(2, "otp pwd"))
	if err != nil {
		tb.Fatal(err)
	}
	return s.SID
}

// Locked runs do in a transaction that holds the account's lock, as that which
// starts a session does.
func (w *World) Locked(ctx context.Context, accountID string, do func(*db.Tx) error) error {
	return w.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := session.LockAccount(ctx, tx, accountID); err != nil {
			return err
		}
		return do(tx)
	})
}

// Texts returns the rows of a query that selects one text.
func (w *World) Texts(tb testing.TB, query string, args ...any) []string {
	tb.Helper()
	all, err := db.All(tb.Context(), w.DB, db.Text, query, args...)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// AtOnce runs do n times at once and returns the error of each.
func AtOnce(n int, do func(i int) error) []error {
	errs, begin := make([]error, n), make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-begin
			errs[i] = do(i)
		})
	}
	close(begin)
	all.Wait()
	return errs
}
