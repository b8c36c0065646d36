package db_test

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// put adds an account with the id and the username.
func put(ctx context.Context, d *db.DB, id, username string) error {
	return d.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO accounts (id, username, role, password, created_at) VALUES (?, ?, 'member', '', 1)`, id, username)
		return err
	})
}

func mustPut(t *testing.T, d *db.DB, id string) {
	t.Helper()
	if err := put(t.Context(), d, id, id); err != nil {
		t.Fatal(err)
	}
}

// ids returns the accounts' ids.
func ids(ctx context.Context, from db.Querier) (string, error) {
	all, err := db.All(ctx, from, db.Text, `SELECT id FROM accounts ORDER BY id`)
	return strings.Join(all, " "), err
}

// holds fails the test unless the accounts' ids are these, and the database is
// whole.
func holds(t *testing.T, d *db.DB, want string) {
	t.Helper()
	if got, err := ids(t.Context(), d); err != nil || got != want {
		t.Errorf("it holds %q, error %v; want %q", got, err, want)
	}
	if got, err := db.One(t.Context(), d, db.Text, `PRAGMA integrity_check`); err != nil || got != "ok" {
		t.Errorf("the integrity check says %q, error %v", got, err)
	}
}

func TestOpenMakesAPrivateFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	d := dbtest.OpenAt(t, path)
	mustPut(t, d, "a")
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) != 4 {
		t.Errorf("got %v, error %v; want the file, its lock, and what SQLite keeps beside it", files, err)
	}
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, error %v; want 0600", f, info.Mode(), err)
		}
	}
}

func TestOpenAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	for _, id := range []string{"a", "b", "c"} {
		d, err := db.Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		mustPut(t, d, id)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	holds(t, dbtest.OpenAt(t, path), "a b c")
}

// Every character that a file's name may have, those of a URI too.
func TestOpenOddPaths(t *testing.T) {
	for _, name := range []string{
		"a b.db", "a?mode=memory", "a#b.db", "a%20b.db", "a%", "ü €.db", "a&b=c.db", "a:b.db", ":memory:", "'\".db", "a;b", "a\\b", "+.db", "a\nb", "-", "file:x", "dir?/dir#/a.db",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			d := dbtest.OpenAt(t, path)
			mustPut(t, d, "a")
			holds(t, d, "a")
			if got, err := db.One(t.Context(), d, db.Text, `SELECT file FROM pragma_database_list`); err != nil || filepath.Base(got) != filepath.Base(path) {
				t.Errorf("SQLite opened %q, error %v; want %q", got, err, path)
			}
			if info, err := os.Stat(path); err != nil || info.Size() == 0 {
				t.Errorf("the file is %v, error %v", info, err)
			}
		})
	}
}

func TestOpenARelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"test.db", "./dot.db", "x:y.db", "?.db", "-v.db"} {
		d := dbtest.OpenAt(t, path)
		mustPut(t, d, "a")
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s: the file is %v, error %v", path, info, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(folder, "newer.db")
	version(t, newer, 9999)
	for _, tt := range []struct {
		name, path, want string
		is               error
	}{
		{"a folder", folder, "is a directory", nil},
		{"no such folder", filepath.Join(folder, "no", "test.db"), "no such file", fs.ErrNotExist},
		{"something else", text, "not a database", db.ErrUnavailable},
		{"a newer program's", newer, "of version 9999, newer than this program", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := db.Open(t.Context(), tt.path)
			if err == nil || d != nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, error %v; want one with %q", d, err, tt.want)
			}
		})
	}
	version(t, newer, 9999) // was left as it was: what it says can be said again
	if got, err := os.ReadFile(text); err != nil || !strings.HasPrefix(string(got), "not a database") {
		t.Errorf("what was no database was changed, or error %v", err)
	}
}

// version makes the database at path one of the version.
func version(t *testing.T, path string, v int) {
	t.Helper()
	if d, err := db.Open(t.Context(), path); err == nil {
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	foreign, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	if _, err := foreign.ExecContext(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)`, v); err != nil {
		t.Fatal(err)
	}
}

func TestPragmasOnEveryConnection(t *testing.T) {
	d := dbtest.Open(t)
	write, read := d.Pools()
	want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "3000", "query_only": "0"}
	check := func(pool *sql.DB, n int) {
		for range n {
			conn, err := pool.Conn(t.Context()) // which stays open: the next is another
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			got := map[string]string{}
			for pragma := range want {
				var value string
				if err := conn.QueryRowContext(t.Context(), `PRAGMA `+pragma).Scan(&value); err != nil {
					t.Fatal(err)
				}
				got[pragma] = value
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the pragmas (-want +got):\n%s", diff)
			}
			if _, err := conn.ExecContext(t.Context(), `SELECT "typo"`); err == nil {
				t.Error(`"typo" is taken for a string`)
			}
		}
	}
	check(write, 1)
	want["query_only"] = "1"
	check(read, 4)
	if n := write.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d connections may write, want 1", n)
	}
}

func TestAReadCannotWrite(t *testing.T) {
	d := dbtest.Open(t)
	if _, err := db.All(t.Context(), d, db.Text, `INSERT INTO accounts (id, username, role, password, created_at)
		VALUES ('a', 'a', '', '', 1) RETURNING id`); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("got error %v, want db.ErrUnavailable", err)
	}
	holds(t, d, "")
}

func TestTx(t *testing.T) {
	d := dbtest.Open(t)
	mustPut(t, d, "a")
	own := errors.New("our own")
	insert := `INSERT INTO accounts (id, username, role, password, created_at) VALUES (?, ?, '', '', 1)`
	for _, tt := range []struct {
		name string
		fn   func(tx *db.Tx) error
		want error
	}{
		{"our own error", func(tx *db.Tx) error { return own }, own},
		{"an id twice", func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), insert, "a", "z"); return err }, db.ErrConflict},
		{"a username twice", func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), insert, "z", "a"); return err }, db.ErrConflict},
		{"no row", func(tx *db.Tx) error {
			_, err := db.One(t.Context(), tx, db.Int, `SELECT 1 FROM accounts WHERE id = 'z'`)
			return err
		}, db.ErrNone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := d.Tx(t.Context(), func(tx *db.Tx) error {
				n, err := tx.Exec(t.Context(), insert, "b", "b")
				if err != nil || n != 1 {
					t.Errorf("got %d rows, error %v; want 1", n, err)
				}
				if got, err := ids(t.Context(), tx); err != nil || got != "a b" {
					t.Errorf("inside it holds %q, error %v; want its own change", got, err)
				}
				if got, err := ids(t.Context(), d); err != nil || got != "a" {
					t.Errorf("outside it holds %q, error %v; want nothing of it yet", got, err)
				}
				return tt.fn(tx)
			})
			if !errors.Is(err, tt.want) || errors.Is(err, db.ErrUnavailable) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			holds(t, d, "a")
		})
	}
	t.Run("a panic", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
			holds(t, d, "a")
			mustPut(t, d, "b") // the only connection is free
		}()
		_ = d.Tx(t.Context(), func(tx *db.Tx) error {
			_, _ = tx.Exec(t.Context(), insert, "b", "b")
			panic("ours")
		})
	})
}

// What is our own fault is not said to be the database's.
func TestMistakes(t *testing.T) {
	d := dbtest.Open(t)
	for _, q := range []string{`SELEC`, `SELECT nothing FROM accounts`, `SELECT 'x'`, `SELECT NULL`} {
		_, err := db.One(t.Context(), d, db.Int, q)
		for _, other := range []error{db.ErrNone, db.ErrConflict, db.ErrUnavailable} {
			if err == nil || errors.Is(err, other) {
				t.Errorf("%s: got error %v, want one of its own", q, err)
			}
		}
	}
	if err := d.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO accounts (id) VALUES ('a')`)
		return err
	}); err == nil || errors.Is(err, db.ErrConflict) || errors.Is(err, db.ErrUnavailable) {
		t.Errorf("got error %v for a rule of the table, want one of its own", err)
	}
}

func TestOneIsTheFirst(t *testing.T) {
	d := dbtest.Open(t)
	mustPut(t, d, "b")
	mustPut(t, d, "a")
	if got, err := db.One(t.Context(), d, db.Text, `SELECT id FROM accounts ORDER BY id`); err != nil || got != "a" {
		t.Errorf("got %q, error %v; want a", got, err)
	}
	if _, err := db.One(t.Context(), d, db.Text, `SELECT id FROM accounts WHERE id = ?`, "' OR 1=1 --"); !errors.Is(err, db.ErrNone) {
		t.Errorf("got error %v, want db.ErrNone", err)
	}
}

func TestTimes(t *testing.T) {
	now := time.Now()
	if got := db.Time(db.Micros(now)); !got.Equal(now.Truncate(time.Microsecond)) || got.Location() != time.UTC {
		t.Errorf("got %v, want %v in UTC", got, now)
	}
}
