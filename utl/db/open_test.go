package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

func TestOpenMakesAPrivateFile(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
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
	dbtest.OnlySQLite(t, "it is about files")
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

// A path may contain every character that a file's name may have, also those with a
// meaning in URIs.
func TestOpenOddPaths(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
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
	dbtest.OnlySQLite(t, "it is about files")
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
	dbtest.OnlySQLite(t, "it is about files")
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
		{"no such folder", filepath.Join(folder, "no", "test.db"), "its folder is missing: mkdir -p " + filepath.Join(folder, "no"), fs.ErrNotExist},
		{"something else", text, "is no SQLite database", db.ErrForeign},
		{"a newer program's", newer, "of version 9999, newer than this program", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := db.Open(t.Context(), tt.path)
			if err == nil || d != nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, error %v; want one with %q", d, err, tt.want)
			}
		})
	}
	version(t, newer, 9999) // works only if Open has not changed the file
	if got, err := os.ReadFile(text); err != nil || !strings.HasPrefix(string(got), "not a database") {
		t.Errorf("what was no database was changed, or error %v", err)
	}
}

// version sets the version of the tables of the database at path.
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

func TestOpenGivesUpWaitingWhenCtxEnds(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	path := filepath.Join(t.TempDir(), "test.db")
	version(t, path, 0)
	ctx, cancel := context.WithCancel(t.Context())
	unlock, err := db.LockFile(ctx, path) // as a program that migrates holds it
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := db.Open(ctx, path)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
	unlock()
	dbtest.OpenAt(t, path)
}

// TestMain runs the tests. In a process that a test started with DB_CHILD set, it opens
// the database at that path and writes a row instead.
func TestMain(m *testing.M) {
	path := os.Getenv("DB_CHILD")
	if path == "" {
		registerMidSweep()
		os.Exit(dbtest.Main(m))
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // wait for the start
	d, err := db.Open(context.Background(), path)
	if err == nil {
		id := fmt.Sprint(os.Getpid())
		err = errors.Join(put(context.Background(), d, id, id), d.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// If ten processes open a database that does not exist, one creates it and all can use
// it.
func TestTenProcessesAtOnce(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	path := filepath.Join(t.TempDir(), "test.db")
	var children []*exec.Cmd
	var starts []io.Closer
	for range 10 {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), "DB_CHILD="+path)
		c.Stderr = t.Output()
		start, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children, starts = append(children, c), append(starts, start)
	}
	for _, start := range starts {
		if err := start.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, c := range children {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	d := dbtest.OpenAt(t, path)
	if n, err := db.One(t.Context(), d, db.Int, `SELECT COUNT(*) FROM accounts`); n != 10 || err != nil {
		t.Errorf("%d rows, error %v; want 10", n, err)
	}
	if got, err := ids(t.Context(), d); err == nil {
		holds(t, d, got)
	}
}

func TestTenGoroutinesAtOnce(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	path := filepath.Join(t.TempDir(), "test.db")
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			d, err := db.Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(put(t.Context(), d, fmt.Sprint(i), fmt.Sprint(i)), d.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	holds(t, dbtest.OpenAt(t, path), "0 1 2 3 4 5 6 7 8 9")
}
