// Package dbtest gives a test a real database of its own.
package dbtest

import (
	"database/sql"
	"path/filepath"
	"testing"

	"glassjar/utl/db"
)

// Open returns a new database in the test's temporary folder. It is closed
// when the test ends.
func Open(tb testing.TB) *db.DB {
	tb.Helper()
	return OpenAt(tb, filepath.Join(tb.TempDir(), "test.db"))
}

// OpenAt returns the database at path, as one more process would open it. It
// is closed when the test ends.
func OpenAt(tb testing.TB, path string) *db.DB {
	tb.Helper()
	d, err := db.Open(tb.Context(), path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}

// Lock takes the write lock of the database at path, as a foreign program
// would, until unlock is called.
func Lock(tb testing.TB, path string) (unlock func()) {
	tb.Helper()
	foreign, err := sql.Open("sqlite", path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = foreign.Close() })
	tx, err := foreign.BeginTx(tb.Context(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := tx.ExecContext(tb.Context(), `UPDATE accounts SET id = id`); err != nil {
		tb.Fatal(err)
	}
	return func() {
		tb.Helper()
		if err := tx.Rollback(); err != nil {
			tb.Fatal(err)
		}
	}
}
