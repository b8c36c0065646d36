// Package dbtest gives a test a real database of its own: SQLite, and in a package
// whose TestMain calls Main, in a second run of all tests, PostgreSQL.
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

// server is the PostgreSQL of this run of the tests; nil: they run on SQLite.
var server *Server

// Main runs the package's tests on SQLite, and once more on PostgreSQL, and
// returns the exit code. Without PostgreSQL it says so, and fails where CI=true.
// With -short the tests run on SQLite alone.
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

// skips reports whether err is that there is no PostgreSQL, where that may be.
func skips(err error) bool {
	return errors.Is(err, errMissing) && os.Getenv("CI") != "true" //nolint:forbidigo // it is no setting of the program's
}

// alone reports whether go test was asked for what runs once: fuzzing,
// benchmarks, a list.
func alone() bool {
	return slices.ContainsFunc([]string{"test.fuzz", "test.bench", "test.list"}, func(name string) bool {
		f := flag.Lookup(name)
		return f != nil && f.Value.String() != ""
	})
}

// OnPostgres returns the server of this run; nil: the tests run on SQLite.
func OnPostgres() *Server { return server }

// OnlyPostgres returns the server of the run on PostgreSQL, and skips the test in
// the other one.
func OnlyPostgres(tb testing.TB) *Server {
	tb.Helper()
	if server == nil {
		tb.Skip("only with PostgreSQL")
	}
	return server
}

// OnlySQLite skips the test in the run on PostgreSQL, and says why.
func OnlySQLite(tb testing.TB, why string) {
	tb.Helper()
	if server != nil {
		tb.Skip("only with SQLite: ", why)
	}
}

// Open returns a new database, which is the test's own. It is closed when the
// test ends.
func Open(tb testing.TB) *db.DB {
	tb.Helper()
	return OpenAt(tb, New(tb))
}

// New returns where a new database is, for OpenAt.
func New(tb testing.TB) string {
	tb.Helper()
	if server != nil {
		return server.New(tb)
	}
	return filepath.Join(tb.TempDir(), "test.db")
}

// OpenAt returns the database at the path, or PostgreSQL's at the URL, as one more
// process would open it. A new one is a copy of one that was migrated once in
// this process: migrating each would take most of the time of the tests. It is
// closed when the test ends.
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

// makeFile makes the file at path where there is none.
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

// Lock takes the write lock of the SQLite database at path, as a foreign program
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
