package factor

import (
	"context"
	"fmt"

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

// named is an authenticator app and its account's username.
type named struct{ accountID, sealed, username string }

func scanNamed(r db.Row) (n named, err error) {
	err = r.Scan(&n.accountID, &n.sealed, &n.username)
	return n, err
}
