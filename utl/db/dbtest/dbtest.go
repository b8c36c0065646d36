// Package dbtest gives a test a real database of its own.
package dbtest

import (
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
