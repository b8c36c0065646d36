package session_test

import (
	"testing"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// Writing last seen changes no index: PostgreSQL does it as a heap-only update, after
// which vacuum has nothing to remove from indexes.
func TestLastSeenWritesChangeNoIndex(t *testing.T) {
	dbtest.OnlyPostgres(t)
	s := newSite(t)
	for range 5 {
		s.signIn(t, "ada", false)
	}
	s.tx(t, func(tx *db.Tx) error {
		n, err := tx.Exec(t.Context(), `UPDATE sessions SET seen_at = seen_at + 1`)
		if err != nil {
			return err
		}
		hot, err := db.One(t.Context(), tx, db.Int, `SELECT pg_stat_get_xact_tuples_hot_updated('sessions'::regclass)`)
		if hot != n || n != 5 {
			t.Errorf("%d of %d updates were heap-only, want 5 of 5", hot, n)
		}
		return err
	})
}
