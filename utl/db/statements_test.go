package db_test

import (
	"database/sql"
	"path/filepath"
	"sync"
	"testing"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

func TestAQueryIsPreparedOnce(t *testing.T) {
	dbtest.OnlySQLite(t, "PostgreSQL's driver keeps them")
	d := dbtest.Open(t)
	mustPut(t, d, "a")
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if got, err := ids(t.Context(), d); err != nil || got != "a" {
				t.Errorf("it holds %q, error %v; want %q", got, err, "a")
			}
		})
	}
	all.Wait()
	if got := d.Prepared(); got != 1 {
		t.Errorf("%d statements are kept, want 1", got)
	}
}

// A cached prepared statement stays correct after rows and tables change and after an
// error.
func TestAPreparedQueryFollowsTheDatabase(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	path := filepath.Join(t.TempDir(), "test.db")
	d := dbtest.OpenAt(t, path)
	holds(t, d, "")
	const later = `SELECT v FROM later`
	if _, err := db.One(t.Context(), d, db.Text, later); err == nil {
		t.Error("a table that is not there was read")
	}
	foreign, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	for _, tt := range []struct{ change, want string }{
		{`CREATE TABLE later AS SELECT 'one' AS v`, "one"},
		{`DROP TABLE later; CREATE TABLE later AS SELECT 7 AS n, 'two' AS v`, "two"},
	} {
		if _, err := foreign.ExecContext(t.Context(), tt.change); err != nil {
			t.Fatal(err)
		}
		if got, err := db.One(t.Context(), d, db.Text, later); err != nil || got != tt.want {
			t.Errorf("after %s it holds %q, error %v; want %q", tt.change, got, err, tt.want)
		}
	}
	mustPut(t, d, "a")
	holds(t, d, "a")
}
