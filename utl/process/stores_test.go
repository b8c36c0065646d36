package process

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/keyring"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

// stores are the stores on a folder's database: the test is another process that uses it,
// besides the program.
type stores struct {
	t        testing.TB
	db       *db.DB
	sessions *session.Store
	accounts *account.Store
}

// beside opens the folder's database. Close it before a kill, if no other process may
// have it open then.
func beside(t testing.TB, folder string) *stores {
	t.Helper()
	data, err := db.Open(context.Background(), filepath.Join(folder, "glassjar.db"))
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Ensure(filepath.Join(folder, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := session.New(session.Options{
		DB: data, Keys: ring.Derive("session"), GateKeys: ring.Derive("gate"), Idle: 24 * time.Hour, Max: 720 * time.Hour,
		Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &stores{t, data, sessions, account.New(account.Options{DB: data, Sessions: sessions, Now: time.Now})}
}

func (s *stores) close() {
	s.t.Helper()
	if err := s.db.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// goodHash is the hash of good, computed once, so that thousands of accounts can be created.
var goodHash = sync.OnceValues(func() (string, error) {
	return password.NewHasher(password.Recommended(), 1, 0).Hash(context.Background(), good)
})

// add creates members with these usernames and the password good.
func (s *stores) add(names ...string) {
	s.t.Helper()
	hash, err := goodHash()
	if err != nil {
		s.t.Fatal(err)
	}
	ctx := context.Background()
	err = s.db.Tx(ctx, func(tx *db.Tx) error {
		for _, name := range names {
			now := time.Now()
			if _, err := tx.Exec(ctx, `INSERT INTO accounts (id, username, role, password, created_at) VALUES (?, ?, ?, ?, ?)`,
				"id-"+name, name, account.Member, hash, db.Micros(now)); err != nil {
				return err
			}
			e := audit.Event{Kind: "account.added", AccountID: "id-" + name, Username: name}
			if err := audit.Record(ctx, tx, now, audit.Command(), e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// signIn starts a session for an account from add, as another server would, and returns a
// browser with its cookie.
func (s *stores) signIn(p *program, name string) *browser {
	s.t.Helper()
	w := httptest.NewRecorder()
	v := session.Verified{AccountID: "id-" + name, Username: name, Epoch: 1, Level: 1}
	if _, err := s.sessions.Start(w, httptest.NewRequest(http.MethodPost, "/auth", nil), v, false, audit.Actor{Address: "192.0.2.1"}); err != nil {
		s.t.Fatal(err)
	}
	b := newBrowser(p)
	for _, c := range w.Result().Cookies() {
		b.cookies[c.Name] = c.Value
	}
	return b
}

// one returns the number that the query returns.
func (s *stores) one(query string, args ...any) int64 {
	s.t.Helper()
	n, err := db.One(context.Background(), s.db, db.Int, query, args...)
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// halves are queries that return 0 unless a change was stored in part: each change and
// its audit entry belong together.
var halves = []string{
	`SELECT (SELECT COUNT(*) FROM sessions) - (SELECT COUNT(*) FROM audit WHERE event = 'signin.ok')`,
	`SELECT (SELECT COUNT(*) FROM sessions WHERE ended_at > 0) - (SELECT COUNT(*) FROM audit WHERE event = 'session.ended')`,
	`SELECT (SELECT COUNT(*) FROM links WHERE used_at > 0) - (SELECT COUNT(*) FROM audit WHERE event = 'link.used')`,
	`SELECT (SELECT COUNT(*) FROM accounts) - (SELECT COUNT(*) FROM audit WHERE event = 'account.added')
		+ (SELECT COUNT(*) FROM audit WHERE event = 'account.deleted')`,
	`SELECT COUNT(*) FROM accounts WHERE epoch <> 1
		+ (SELECT COUNT(*) FROM audit WHERE account_id = accounts.id AND event IN ('password.changed', 'account.disabled'))
		+ (SELECT COUNT(*) FROM audit WHERE event = 'database.restored' AND at > accounts.created_at)`,
	`SELECT COUNT(*) FROM accounts WHERE (disabled_at > 0) <>
		EXISTS (SELECT 1 FROM audit WHERE account_id = accounts.id AND event = 'account.disabled')`,
	`SELECT COUNT(*) FROM sessions WHERE ended_at = 0 AND account_id NOT IN (SELECT id FROM accounts WHERE disabled_at = 0)`,
}

// sound fails the test if SQLite finds the database damaged, or if a change is stored in
// part.
func (p *program) sound() {
	p.t.Helper()
	s := beside(p.t, p.folder)
	defer s.close()
	verdict, err := db.One(context.Background(), s.db, db.Text, `PRAGMA integrity_check`)
	if err != nil || verdict != "ok" {
		p.t.Fatalf("integrity_check: %q, error %v", verdict, err)
	}
	for _, q := range halves {
		if n := s.one(q); n != 0 {
			p.t.Errorf("half a change is written: got %d, want 0 of\n%s", n, q)
		}
	}
}
