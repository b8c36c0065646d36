package db_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// Attack keys/file: if others can read one of the database's files, or the target of a
// symlink, Open refuses the database.
func TestOpenRefusesFilesThatOthersCanRead(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	folder := t.TempDir()
	path, link := filepath.Join(folder, "test.db"), filepath.Join(folder, "link.db")
	d := dbtest.OpenAt(t, path) // as long as it is open, all of its files stay
	mustPut(t, d, "a")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for _, end := range []string{"", "-wal", "-shm", ".lock"} {
		if err := os.Chmod(path+end, 0o640); err != nil {
			t.Fatal(err)
		}
		for _, at := range []string{path, link} {
			_, err := db.Open(t.Context(), at)
			if err == nil || !strings.Contains(err.Error(), end+" has mode 0640 and holds secrets: chmod 600 ") {
				t.Errorf("%s of %s with mode 0640: got error %v", end, filepath.Base(at), err)
			}
		}
		if err := os.Chmod(path+end, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 {
		if err := os.Chown(path+"-wal", 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "-wal belongs to another user (uid 65534)") {
			t.Errorf("another owner: got error %v", err)
		}
		if err := os.Chown(path+"-wal", 0, 0); err != nil {
			t.Fatal(err)
		}
	}
	holds(t, dbtest.OpenAt(t, link), "a")
}

// Another program's database is refused and not changed by one byte.
func TestOpenRefusesAnotherProgramsDatabase(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	for _, tt := range []struct{ name, make string }{
		{"other tables", `CREATE TABLE posts (id INTEGER)`},
		{"a table that is called as ours", `CREATE TABLE accounts (id INTEGER)`},
		{"another program that uses goose", `CREATE TABLE goose_db_version (id INTEGER); CREATE TABLE accounts (id INTEGER)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := foreign(t, tt.make)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := db.Open(t.Context(), path); !errors.Is(err, db.ErrForeign) || !strings.Contains(err.Error(), "another program's database") {
				t.Errorf("got error %v, want db.ErrForeign", err)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
				t.Errorf("it was changed, or error %v", err)
			}
		})
	}
	for _, tt := range []struct{ name, make string }{
		{"no table", `PRAGMA user_version = 1`},
		{"what a killed first start left", `CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT,
			version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now'))); INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1)`},
		{"Litestream's tables", `CREATE TABLE _litestream_seq (id INTEGER); CREATE TABLE _litestream_lock (id INTEGER)`},
	} {
		t.Run(tt.name, func(t *testing.T) { mustPut(t, dbtest.OpenAt(t, foreign(t, tt.make)), "a") })
	}
}

// foreign returns the path of a new database on which the statements were run.
func foreign(t *testing.T, statements string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "foreign.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pool, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	return path
}
