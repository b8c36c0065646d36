package webtest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/mail"
)

// Write writes a file in PAGES_DIR.
func (s *Site) Write(tb testing.TB, name, content string) {
	tb.Helper()
	name = filepath.Join(s.Pages, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// Add creates an account with the password good.
func (s *Site) Add(tb testing.TB, username, role string) account.Account {
	tb.Helper()
	a, err := s.Accounts.Add(tb.Context(), account.NewAccount{Username: username, Password: Good, Role: role}, audit.Command())
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

// Asks creates an account with the password good, which waits for approval.
func (s *Site) Asks(tb testing.TB, username string) {
	tb.Helper()
	if n := s.Texts(tb, `SELECT id FROM accounts WHERE role = 'owner'`); len(n) == 0 {
		s.Add(tb, "founder", account.Owner)
	}
	if _, err := s.Accounts.SignUp(tb.Context(), account.NewAccount{Username: username, Password: Good}, true, audit.Actor{}); err != nil {
		tb.Fatal(err)
	}
}

// Link returns the path of a new link: /join/… for a role, /reset/… for a
// username.
func (s *Site) Link(tb testing.TB, of string) string {
	tb.Helper()
	kind, newLink := account.Reset, s.Accounts.NewReset
	if of == account.Member { // members can be invited only once there is an owner
		if n := s.Texts(tb, `SELECT id FROM accounts WHERE role = 'owner'`); len(n) == 0 {
			s.Add(tb, "founder", account.Owner)
		}
	}
	if of == account.Owner || of == account.Member {
		kind, newLink = account.Join, s.Accounts.NewJoin
	}
	code, err := newLink(tb.Context(), of, audit.Command())
	if err != nil {
		tb.Fatal(err)
	}
	return "/" + kind + "/" + code
}

// MailedLink returns the path of a new link to username's account as in a mail: /lock/…,
// or /confirm/… for an unconfirmed email address.
func (s *Site) MailedLink(tb testing.TB, kind mail.Kind, username string) string {
	tb.Helper()
	a, err := s.Accounts.Find(tb.Context(), username)
	if err != nil {
		tb.Fatal(err)
	}
	of, code, _, err := s.Accounts.MailLink(tb.Context(), mail.Message{Kind: kind, AccountID: a.ID, To: a.Email})
	if err != nil {
		tb.Fatal(err)
	}
	return "/" + of + "/" + code
}

// SignUpLink returns the path of a new link that creates the account username; it was
// mailed to username@mail.example.
func (s *Site) SignUpLink(tb testing.TB, username string) string {
	tb.Helper()
	if n := s.Texts(tb, `SELECT id FROM accounts WHERE role = 'owner'`); len(n) == 0 {
		s.Add(tb, "founder", account.Owner)
	}
	wanted := account.NewAccount{Username: username, Password: Good, Email: username + "@mail.example"}
	if err := s.Accounts.AskSignUp(tb.Context(), wanted, audit.Actor{}); err != nil {
		tb.Fatal(err)
	}
	id := s.Texts(tb, `SELECT id FROM pending_signups WHERE username = ? ORDER BY created_at DESC LIMIT 1`, username)
	of, code, _, err := s.Accounts.MailLink(tb.Context(), mail.Message{Kind: mail.SignUp, To: wanted.Email, LinkID: id[0]})
	if err != nil {
		tb.Fatal(err)
	}
	return "/" + of + "/" + code
}

// Texts returns the rows of a query for one text column.
func (s *Site) Texts(tb testing.TB, query string, args ...any) []string {
	tb.Helper()
	all, err := db.All(context.Background(), s.DB, db.Text, query, args...)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

// Exec changes the database directly, without the stores.
func (s *Site) Exec(tb testing.TB, query string, args ...any) {
	tb.Helper()
	err := s.DB.Tx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), query, args...)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// Spoil replaces the account's stored hash with one that cannot be verified.
func (s *Site) Spoil(t *testing.T, username, hash string) {
	t.Helper()
	s.Exec(t, `UPDATE accounts SET password = ? WHERE username = ?`, hash, username)
}

// Disable disables the account.
func (s *Site) Disable(tb testing.TB, username string) {
	tb.Helper()
	if err := s.Accounts.Disable(tb.Context(), username, audit.Command()); err != nil {
		tb.Fatal(err)
	}
}

// Lock locks the account.
func (s *Site) Lock(tb testing.TB, username string) {
	tb.Helper()
	a, err := s.Accounts.Find(tb.Context(), username)
	if err == nil {
		err = s.Accounts.LockOwn(tb.Context(), a, audit.Command())
	}
	if err != nil {
		tb.Fatal(err)
	}
}

// Delete deletes the account.
func (s *Site) Delete(t *testing.T, username string) {
	t.Helper()
	if err := s.Accounts.Delete(t.Context(), username, audit.Command()); err != nil {
		t.Fatal(err)
	}
}

// Record adds an event of the account's, a second after the last one.
func (s *Site) Record(t *testing.T, username, kind string) {
	t.Helper()
	s.Clock.Move(time.Second)
	found, err := s.Accounts.Find(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	err = s.DB.Tx(t.Context(), func(tx *db.Tx) error {
		return audit.Record(t.Context(), tx, s.Clock.Now(), audit.Command(), audit.Event{Kind: kind, AccountID: found.ID})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Usernames of the same length: only the first has an account.
const (
	KnownName   = "known-one"
	UnknownName = "no-suchon"
)

// State returns everything that a POST could change, as text.
func (s *Site) State(t *testing.T) string {
	t.Helper()
	return strings.Join(s.Texts(t, strings.Join([]string{
		`SELECT id || username || password || epoch || disabled_at || waiting_at || session_epoch || name || email || email_confirmed || role || group_names || locked_until FROM accounts`,
		`SELECT id FROM notices`,
		`SELECT id FROM forgotten`,
		`SELECT id || code_hash FROM pending_signups WHERE code_hash IS NOT NULL`,
		`SELECT id || sent_at FROM mails`,
		`SELECT sid || ended_at || epoch || turn FROM sessions`,
		`SELECT code_hash || used_at FROM links`,
		`SELECT id || secret_hash || used_at FROM app_passwords`,
		`SELECT id || name || used_at FROM passkeys`,
		`SELECT hash FROM used_challenges`,
		`SELECT id || name || host || upstream || url || group_names || level || programs FROM apps`,
		`SELECT account_id || last_step FROM authenticators`,
		`SELECT code_hash || used_at FROM recovery_codes`,
		`SELECT code_hash || wrong FROM pending_signins`,
		`SELECT account_id || in_row FROM code_failures`,
		`SELECT at || event || account_id FROM audit`,
		`SELECT key_hash || failures FROM throttle`,
	}, " UNION ALL ")+" ORDER BY 1"), "\n")
}

// AppPassword creates an app password for username, whose password must be good, and
// returns its secret.
func (s *Site) AppPassword(tb testing.TB, username string, wanted account.AppPassword) string {
	tb.Helper()
	a, err := s.Accounts.Find(tb.Context(), username)
	if err != nil {
		tb.Fatal(err)
	}
	secret, err := s.Accounts.NewAppPassword(tb.Context(), a, wanted, audit.Command())
	if err != nil {
		tb.Fatal(err)
	}
	return secret
}

// Passes asks the gate about the URL with the Authorization header.
func (w *World) Passes(tb testing.TB, address, authorization string) *Answer {
	tb.Helper()
	return w.Ask(tb, "/gate/check", Asked(address, "Authorization", authorization))
}
