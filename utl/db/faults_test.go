package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// unavailable fails the test unless the error is db.ErrUnavailable.
func unavailable(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("%s: got error %v, want db.ErrUnavailable", what, err)
	}
}

// Attack fault/lock: another process locks the database for 10 s. Each of ten writes fails
// within 5 s, reads work meanwhile, and writes work afterwards.
func TestAForeignLock(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	synctest.Test(t, func(t *testing.T) { // its clock advances without waiting
		path := filepath.Join(t.TempDir(), "test.db")
		d := dbtest.OpenAt(t, path)
		mustPut(t, d, "a")
		unlock := dbtest.Lock(t, path)
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * 300 * time.Millisecond)
				began := time.Now()
				unavailable(t, "a write", put(t.Context(), d, "b", "b"))
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("it took %v to say so", took)
				}
			})
		}
		holds(t, d, "a")
		wg.Wait()
		unlock()
		mustPut(t, d, "b")
		holds(t, d, "a b")
	})
}

func TestAShortForeignLockIsWaitedFor(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "test.db")
		d := dbtest.OpenAt(t, path)
		unlock := dbtest.Lock(t, path)
		go func() {
			time.Sleep(2 * time.Second)
			unlock()
		}()
		mustPut(t, d, "a")
	})
}

// A transaction that takes longer than 4 s is rolled back, so that the only connection
// for writes is free again.
func TestATransactionThatTakesTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.Open(t)
		err := d.Tx(t.Context(), func(tx *db.Tx) error {
			if _, err := tx.Exec(t.Context(), `INSERT INTO links (code_hash, kind, created_at, expires_at) VALUES ('a', 'join', 1, 1)`); err != nil {
				return err
			}
			time.Sleep(5 * time.Second)
			synctest.Wait()
			_, err := tx.Exec(t.Context(), `DELETE FROM links`)
			return err
		})
		unavailable(t, "a statement after 5 s", err)
		err = d.Tx(t.Context(), func(*db.Tx) error {
			time.Sleep(5 * time.Second)
			return nil
		})
		unavailable(t, "a commit after 5 s", err)
		if n, err := db.One(t.Context(), d, db.Int, `SELECT COUNT(*) FROM links`); n != 0 || err != nil {
			t.Errorf("%d rows are left, error %v; want none", n, err)
		}
		mustPut(t, d, "a")
	})
}

// Attack fault/file-gone: the database file is gone, is replaced, and is back.
func TestAFileThatIsNotThere(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	path := filepath.Join(t.TempDir(), "test.db")
	d := dbtest.OpenAt(t, path)
	mustPut(t, d, "a")
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	closed := func(what string) {
		t.Helper()
		_, err := ids(t.Context(), d)
		unavailable(t, what+": a read", err)
		unavailable(t, what+": a write", put(t.Context(), d, "b", "b"))
	}
	closed("gone")
	if _, err := os.Stat(path); err == nil {
		t.Error("it was made anew")
	}
	other := dbtest.OpenAt(t, path)
	mustPut(t, other, "z")
	closed("replaced by another database")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	closed("replaced by a folder")
	if err := errors.Join(os.Remove(path), os.Rename(path+".away", path)); err != nil {
		t.Fatal(err)
	}
	if _, err := ids(t.Context(), d); err != nil {
		t.Errorf("back: got error %v", err)
	}
}

// If the file is gone, a new connection does not create it.
func TestAFileThatGoesBetweenTheCheckAndTheConnection(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	path := filepath.Join(t.TempDir(), "test.db")
	d := dbtest.OpenAt(t, path)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	write, read := d.Pools()
	write.SetMaxIdleConns(0)
	read.SetMaxIdleConns(0)
	for range 2 {
		if err := errors.Join(write.PingContext(t.Context()), read.PingContext(t.Context())); err == nil {
			t.Error("a connection was made to nothing")
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file was made anew")
	}
}

// Attack fault/disk: with a full or read-only database no transaction is done in part, and
// everything works once there is room again.
func TestFullAndReadOnly(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about pragmas")
	for _, tt := range []struct{ name, on, off string }{
		{"full", `PRAGMA max_page_count = 1`, `PRAGMA max_page_count = 1000000`},
		{"read-only", `PRAGMA query_only = 1`, `PRAGMA query_only = 0`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := dbtest.Open(t)
			mustPut(t, d, "a")
			write, _ := d.Pools()
			if _, err := write.ExecContext(t.Context(), tt.on); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				unavailable(t, "a write", d.Tx(t.Context(), func(tx *db.Tx) error {
					for i := range 1000 {
						if _, err := tx.Exec(t.Context(), `INSERT INTO links (code_hash, kind, created_at, expires_at) VALUES (?, 'join', 1, 1)`, fmt.Sprintf("%0100d", i)); err != nil {
							return err
						}
					}
					return nil
				}))
			}
			if n, err := db.One(t.Context(), d, db.Int, `SELECT COUNT(*) FROM links`); n != 0 || err != nil {
				t.Errorf("%d rows are left, error %v; want none", n, err)
			}
			if _, err := write.ExecContext(t.Context(), tt.off); err != nil {
				t.Fatal(err)
			}
			mustPut(t, d, "b")
			holds(t, d, "a b")
		})
	}
}

// If SQLite cannot write in the folder, the error says so. For root it always can, so the
// code stands in for it.
func TestAFolderThatCannotBeWrittenTo(t *testing.T) {
	const want = "SQLite writes files beside the database"
	if got := db.Advice(sqlite3.SQLITE_READONLY_DIRECTORY); !strings.Contains(got, want) {
		t.Errorf("the code of a read-only folder: got %q", got)
	}
	if got := db.Advice(sqlite3.SQLITE_READONLY); got != "" {
		t.Errorf("the code of a read-only file: got %q, want no advice", got)
	}
}

// Attack fault/disk: the file is overwritten and not a database any more.
func TestABrokenFile(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	path := filepath.Join(t.TempDir(), "test.db")
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil { // removes the files beside it
		t.Fatal(err)
	}
	d = dbtest.OpenAt(t, path)
	write, read := d.Pools()
	write.SetMaxIdleConns(0)
	read.SetMaxIdleConns(0)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte(strings.Repeat("x", 8192)), 0); err != nil {
		t.Fatal(err)
	}
	_, err = ids(t.Context(), d)
	unavailable(t, "a read", err)
	unavailable(t, "a write", put(t.Context(), d, "b", "b"))
}

func TestCancelled(t *testing.T) {
	d := dbtest.Open(t)
	mustPut(t, d, "a")
	ctx, cancel := context.WithCancel(t.Context())
	err := d.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM accounts`)
		cancel()
		return err
	})
	_, readErr := ids(ctx, d)
	for what, err := range map[string]error{"before the commit": err, "a write": put(ctx, d, "b", "b"), "a read": readErr} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, db.ErrUnavailable) {
			t.Errorf("%s: got error %v, want context.Canceled", what, err)
		}
	}
	holds(t, d, "a")
	late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	unavailable(t, "a write, past its deadline", put(late, d, "b", "b"))
}
