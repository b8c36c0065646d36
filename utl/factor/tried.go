package factor

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"glassjar/utl/db"
)

// maxNames is the maximum length of Tried.Names.
const maxNames = 20

// Tried is the result of Try: how many authenticator apps there are, and the secrets of
// how many of them no key decrypts.
type Tried struct {
	Apps, Broken int
	Names        []string // usernames of the first broken ones, at most 20
}

// Try decrypts every authenticator app's secret with the keys, and changes nothing.
// Errors: db.ErrUnavailable.
func (s *Store) Try(ctx context.Context) (t Tried, err error) {
	after := ""
	for {
		rows, err := db.All(ctx, s.DB, scanNamed, `SELECT f.account_id, f.secret, COALESCE(a.username, '') FROM authenticators f
			LEFT JOIN accounts a ON a.id = f.account_id WHERE f.account_id > ? ORDER BY f.account_id LIMIT ?`, after, sealRows)
		if err != nil {
			return Tried{}, fmt.Errorf("reading the authenticator apps: %w", err)
		}
		if len(rows) == 0 {
			return t, nil
		}
		after = rows[len(rows)-1].accountID
		t.Apps += len(rows)
		for _, row := range rows {
			if _, err := s.open(forApp, row.accountID, row.sealed); err == nil {
				continue
			}
			t.Broken++
			if len(t.Names) < maxNames && row.username != "" {
				t.Names = append(t.Names, row.username)
			}
		}
	}
}

// Sentence says that secrets are lost, and what to do. It is empty if none is.
func (t Tried) Sentence() string {
	if t.Broken == 0 {
		return ""
	}
	names := strings.Join(t.Names, ", ")
	if len(t.Names) < t.Broken {
		names += " and others"
	}
	return fmt.Sprintf("no session key here opens the secrets of %d of %d authenticator apps, whose codes are refused: add the older key at the end of SESSION_KEYS, "+
		"or, where it is lost, glassjar user clear-factors NAME for each of these: %s", t.Broken, t.Apps, names)
}

// OtherKey reports whether an authenticator app's secret was encrypted with a key that is
// not among the keys. It decrypts nothing, so it is quicker than Try. Errors:
// db.ErrUnavailable.
func (s *Store) OtherKey(ctx context.Context) (bool, error) {
	used, err := db.All(ctx, s.DB, db.Text, `SELECT DISTINCT key_id FROM authenticators LIMIT 100`)
	if err != nil {
		return false, fmt.Errorf("reading the authenticator apps' keys: %w", err)
	}
	for _, key := range *s.keys.Load() {
		used = slices.DeleteFunc(used, func(id string) bool { return id == idOf(key) })
	}
	return len(used) > 0, nil
}

// named is an authenticator app and its account's username.
type named struct{ accountID, sealed, username string }

func scanNamed(r db.Row) (n named, err error) {
	err = r.Scan(&n.accountID, &n.sealed, &n.username)
	return n, err
}
