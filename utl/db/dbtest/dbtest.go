// Package dbtest gives a test a real database of its own.
package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"glassjar/utl/db"
)

// Open returns a new database in the test's temporary folder. It is closed
// when the test ends.
func Open(tb testing.TB) *db.DB {
	tb.Helper()
	return OpenAt(tb, filepath.Join(tb.TempDir(), "test.db"))
}

// OpenAt returns the database at path, as one more process would open it. A
// new one is a copy of one that was migrated once in this process: migrating
// each would take most of the time of the tests. It is closed when the test
// ends.
func OpenAt(tb testing.TB, path string) *db.DB {
	tb.Helper()
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		empty, err := migrated()
		if err == nil {
			err = os.WriteFile(path, empty, 0o600)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
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

// migrated returns the bytes of a database that holds nothing but its tables.
var migrated = sync.OnceValues(func() (empty []byte, err error) {
	folder, err := os.MkdirTemp("", "dbtest")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "empty.db")
	d, err := db.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil { // which moves the -wal file's pages into the database
		return nil, err
	}
	return os.ReadFile(path) // #nosec G304 -- made above
})

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
