// Package dbtest gives each test a real database of its own. Tests run on SQLite, and a
// package whose TestMain calls Main runs all of its tests on PostgreSQL as well.
package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"glassjar/utl/db"
)

// server is the PostgreSQL of this run of the tests, or nil if they run on SQLite.
var server *Server

// Main runs the package's tests on SQLite and then on PostgreSQL, and returns the exit
// code. If PostgreSQL is not installed, it prints so, and fails if CI=true. With -short
// the tests run on SQLite only.
func Main(m *testing.M) int {
	flag.Parse()
	if code := m.Run(); code != 0 || alone() || testing.Short() {
		return code
	}
	var err error
	server, err = Start()
	switch {
	case skips(err):
		fmt.Println("SKIPPED: the tests on PostgreSQL:", err)
		return 0
	case err != nil:
		fmt.Println("starting PostgreSQL:", err)
		return 1
	}
	fmt.Println("the same tests on PostgreSQL:")
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Println("stopping PostgreSQL:", err)
		return 1
	}
	return code
}

// skips reports whether err means that PostgreSQL is not installed, where that is
// allowed.
func skips(err error) bool {
	return errors.Is(err, errMissing) && os.Getenv("CI") != "true" //nolint:forbidigo // not a setting of the program
}

// alone reports whether go test was asked for something that is to run once: fuzzing,
// benchmarks, or a list of tests.
func alone() bool {
	return slices.ContainsFunc([]string{"test.fuzz", "test.bench", "test.list"}, func(name string) bool {
		f := flag.Lookup(name)
		return f != nil && f.Value.String() != ""
	})
}

// OnPostgres returns the server of this run, or nil if the tests run on SQLite.
func OnPostgres() *Server { return server }

// OnlyPostgres returns the server if the tests run on PostgreSQL, and otherwise skips
// the test.
func OnlyPostgres(tb testing.TB) *Server {
	tb.Helper()
	if server == nil {
		tb.Skip("only with PostgreSQL")
	}
	return server
}

// OnlySQLite skips the test if the tests run on PostgreSQL; why is the reason.
func OnlySQLite(tb testing.TB, why string) {
	tb.Helper()
	if server != nil {
		tb.Skip("only with SQLite: ", why)
	}
}

// Open returns a new database for this test only. It is closed when the test ends.
func Open(tb testing.TB) *db.DB {
	tb.Helper()
	return OpenAt(tb, New(tb))
}

// New returns the path or URL of a new database, for OpenAt.
func New(tb testing.TB) string {
	tb.Helper()
	if server != nil {
		return server.New(tb)
	}
	return filepath.Join(tb.TempDir(), "test.db")
}

// OpenAt opens the database at a path or PostgreSQL URL, as another process would. A
// missing file is made as a copy of a database whose tables were made once in this
// process, because making them each time would take most of the time of the tests. It
// is closed when the test ends.
func OpenAt(tb testing.TB, at string) *db.DB {
	tb.Helper()
	open := db.Open
	if strings.HasPrefix(at, "postgres:") {
		open = db.OpenPostgres
	} else {
		makeFile(tb, at)
	}
	d, err := open(tb.Context(), at)
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

// makeFile makes the file at path if it is missing.
func makeFile(tb testing.TB, path string) {
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
}

// migrated returns the bytes of a database with all tables and no rows.
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
	if err := d.Close(); err != nil { // moves the -wal file's pages into the database
		return nil, err
	}
	return os.ReadFile(path) // #nosec G304 -- made above
})

// Lock takes the write lock of the SQLite database at path, as another program could,
// until unlock is called.
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
