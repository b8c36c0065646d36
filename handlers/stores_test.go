package handlers_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// write puts a file under PAGES_DIR.
func (s *testSite) write(tb testing.TB, name, content string) {
	tb.Helper()
	name = filepath.Join(s.pages, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// add makes an account with the password good.
func (s *testSite) add(tb testing.TB, username, role string) account.Account {
	tb.Helper()
	a, err := s.accounts.Add(tb.Context(), account.Wanted{Username: username, Password: good, Role: role}, audit.Command())
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// link returns the path of a new link: /join/… for a role, /reset/… for a
// username.
func (s *testSite) link(tb testing.TB, of string) string {
	tb.Helper()
	kind, newLink := account.Reset, s.accounts.NewReset
	if of == account.Member { // who is invited by an owner
		if n := s.texts(tb, `SELECT id FROM accounts WHERE role = 'owner'`); len(n) == 0 {
			s.add(tb, "founder", account.Owner)
		}
	}
	if of == account.Owner || of == account.Member {
		kind, newLink = account.Join, s.accounts.NewJoin
	}
	code, err := newLink(tb.Context(), of, audit.Command())
	if err != nil {
		tb.Fatal(err)
	}
	return "/" + kind + "/" + code
}

// texts returns the rows of a query for one column of text.
func (s *testSite) texts(tb testing.TB, query string, args ...any) []string {
	tb.Helper()
	all, err := db.All(context.Background(), s.db, db.Text, query, args...)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// exec changes the database behind the stores' backs.
func (s *testSite) exec(tb testing.TB, query string, args ...any) {
	tb.Helper()
	err := s.db.Tx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), query, args...)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// spoil makes the account's stored hash one that nobody can run.
func (s *testSite) spoil(t *testing.T, username, hash string) {
	t.Helper()
	s.exec(t, `UPDATE accounts SET password = ? WHERE username = ?`, hash, username)
}

// disable disables the account.
func (s *testSite) disable(tb testing.TB, username string) {
	tb.Helper()
	if err := s.accounts.Disable(tb.Context(), username, audit.Command()); err != nil {
		tb.Fatal(err)
	}
}

func (s *testSite) delete(t *testing.T, username string) {
	t.Helper()
	if err := s.accounts.Delete(t.Context(), username, audit.Command()); err != nil {
		t.Fatal(err)
	}
}

// record adds an event to the account's, a second after the last one.
func (s *testSite) record(t *testing.T, username, kind string) {
	t.Helper()
	s.clock.move(time.Second)
	found, err := s.accounts.Find(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	err = s.db.Tx(t.Context(), func(tx *db.Tx) error {
		return audit.Record(t.Context(), tx, s.clock.now(), audit.Command(), audit.Event{Kind: kind, AccountID: found.ID})
	})
	if err != nil {
		t.Fatal(err)
	}
}
