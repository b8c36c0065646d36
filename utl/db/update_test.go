package db_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// older changes the database at path to the version before the table of backups.
func older(t *testing.T, path string) {
	t.Helper()
	pool, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for _, q := range []string{`DROP TABLE backups`, `DROP TABLE pending_signups`, `DELETE FROM goose_db_version WHERE version_id >= 22`} {
		if _, err := pool.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
}

// Before the tables are updated, the database is copied to a file beside it with mode
// 0600; an earlier copy is replaced. No copy is made of a new database or of one that
// needs no update.
func TestKeptBeforeAnUpdate(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	for name, kept := range map[string]string{"jar.db": "jar.before-update.db", "jar": "jar.before-update.db"} {
		folder := t.TempDir()
		path, kept := filepath.Join(folder, name), filepath.Join(folder, kept)
		d, err := db.Open(t.Context(), path) // creates it
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		mustPut(t, d, "a")
		if err := dbtest.OpenAt(t, path).Close(); err != nil { // needs no update
			t.Fatal(err)
		}
		if _, err := os.Stat(kept); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s: kept without an update: %v", name, err)
		}
		for _, more := range []string{"b", "c"} {
			mustPut(t, d, more)
			older(t, path)
			if err := dbtest.OpenAt(t, path).Close(); err != nil {
				t.Fatal(err)
			}
		}
		info, err := os.Stat(kept)
		if err != nil || info.Mode() != 0o600 {
			t.Fatalf("%s: the kept file is %v, error %v", name, info, err)
		}
		found, err := db.CheckFile(t.Context(), kept)
		if err != nil || len(found.Problems) > 0 || found.Version >= 22 || !found.CreatedAt.IsZero() {
			t.Errorf("%s: kept is %+v, error %v", name, found, err)
		}
		holds(t, copied(t, kept), "a b c")
	}
}

// If the copy cannot be made, the tables are not updated, and the error says why.
func TestAnUpdateThatCannotBeTakenBack(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	folder := t.TempDir()
	path := filepath.Join(folder, "jar.db")
	if err := dbtest.OpenAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	older(t, path)
	if err := os.Mkdir(filepath.Join(folder, "jar.before-update.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	if d, err := db.Open(t.Context(), path); err == nil || d != nil {
		t.Errorf("it was updated: %v", err)
	} else if want := "keeping the database as it is, before its tables are brought up to date"; !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if err := os.Remove(filepath.Join(folder, "jar.before-update.db")); err != nil {
		t.Fatal(err)
	}
	dbtest.OpenAt(t, path)
}

// Check finds an overwritten page, a reference to a missing row and tables of a newer
// version. CheckFile refuses a file that is not glassjar's.
func TestCheck(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	folder := t.TempDir()
	path := filepath.Join(folder, "jar.db")
	d := dbtest.OpenAt(t, path)
	mustPut(t, d, "a")
	if problems, err := d.Check(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("got %q, error %v of a good one", problems, err)
	}
	backup := filepath.Join(folder, "saved.db")
	if err := d.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	found, err := db.CheckFile(t.Context(), backup)
	if err != nil || len(found.Problems) > 0 || found.CreatedAt.IsZero() || found.Version != found.Known {
		t.Errorf("got %+v, error %v of a backup", found, err)
	}
	broken := append([]byte(nil), before...)
	for i := 3 * 4096; i < 9*4096; i++ {
		broken[i] ^= 0xff
	}
	if err := os.WriteFile(backup, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := db.CheckFile(t.Context(), backup); err == nil && len(found.Problems) == 0 {
		t.Error("a broken file is called whole")
	}
	if err := os.WriteFile(backup, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := db.CheckFile(t.Context(), backup); err != nil || len(found.Problems) != 1 {
		t.Errorf("got %+v, error %v of an empty file", found, err)
	}
	version(t, path, 9999)
	if found, err := db.CheckFile(t.Context(), path); err != nil || found.Version != 9999 || found.Known >= 9999 {
		t.Errorf("got %+v, error %v of a newer program's", found, err)
	}
}
