package db_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// moved is the number of rows per table that the tests move.
const moved = 3

// schema returns the type of each column of each table that is moved.
func schema(t *testing.T) map[string]map[string]string {
	t.Helper()
	d := dbtest.OpenAt(t, filepath.Join(t.TempDir(), "schema.db"))
	rows, err := db.All(t.Context(), d, db.Text, `SELECT t.name || ' ' || c.name || ' ' || c.type FROM sqlite_schema t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT IN ('changes', 'goose_db_version', 'sqlite_sequence')`)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	for _, row := range rows {
		words := strings.Fields(row)
		if all[words[0]] == nil {
			all[words[0]] = map[string]string{}
		}
		all[words[0]][words[1]] = words[2]
	}
	return all
}

// fill writes rows to the table, with a different value in every field.
func fill(t *testing.T, d *db.DB, table string, types map[string]string, rows int) {
	t.Helper()
	columns := slices.Sorted(maps.Keys(types))
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		for row := range rows {
			values := make([]any, len(columns))
			for i, column := range columns {
				n := int64(100*i + row)
				values[i] = fmt.Sprintf("%s.%s ü, \t'%d'", table, column, row)
				switch types[column] {
				case "BIGINT":
					values[i] = n + 1<<50
				case "INTEGER":
					values[i] = n
				}
			}
			q := `INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `) VALUES (?` + strings.Repeat(", ?", len(columns)-1) + `)`
			if _, err := tx.Exec(t.Context(), q, values...); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// content returns the rows of the tables as texts that are the same for both databases.
func content(t *testing.T, d *db.DB, tables map[string]map[string]string) (all []string) {
	t.Helper()
	for table, types := range tables {
		var texts []string
		for _, column := range slices.Sorted(maps.Keys(types)) {
			texts = append(texts, `'`+column+`=' || CAST(`+column+` AS TEXT)`)
		}
		rows, err := db.All(t.Context(), d, db.Text, `SELECT `+strings.Join(texts, ` || '; ' || `)+` FROM `+table)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			all = append(all, table+": "+row)
		}
	}
	slices.Sort(all)
	return all
}

func mustMove(t *testing.T, from, to *db.DB) []db.Moved {
	t.Helper()
	all, err := db.Move(t.Context(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func newFile(t *testing.T) *db.DB {
	t.Helper()
	return dbtest.OpenAt(t, filepath.Join(t.TempDir(), "test.db"))
}

// After a move to PostgreSQL, and another one back to a file, every table has the same
// rows.
func TestMove(t *testing.T) {
	dbtest.OnlyPostgres(t)
	tables := schema(t)
	file, there, back := newFile(t), dbtest.Open(t), newFile(t)
	for table, types := range tables {
		fill(t, file, table, types, moved)
	}
	want := content(t, file, tables)
	if len(want) != moved*len(tables) {
		t.Fatalf("%d rows are to be moved, want %d", len(want), moved*len(tables))
	}
	var counts []db.Moved
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		counts = append(counts, db.Moved{Table: table, Rows: moved})
	}
	for _, step := range []struct{ from, to *db.DB }{{file, there}, {there, back}} {
		if diff := cmp.Diff(counts, mustMove(t, step.from, step.to)); diff != "" {
			t.Errorf("counted (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, content(t, step.to, tables)); diff != "" {
			t.Errorf("moved (-want +got):\n%s", diff)
		}
		id, err := db.One(t.Context(), step.to, db.Int, `SELECT MAX(id) FROM audit`)
		if err != nil {
			t.Fatal(err)
		}
		delete(tables["audit"], "id")
		fill(t, step.to, "audit", tables["audit"], 1)
		tables["audit"]["id"] = "INTEGER"
		if next, err := db.One(t.Context(), step.to, db.Int, `SELECT MAX(id) FROM audit`); err != nil || next != id+1 {
			t.Errorf("the next row's number is %d after %d, error %v", next, id, err)
		}
		err = step.to.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `DELETE FROM audit WHERE id = ?`, id+1)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A database that has a row in any table is refused and not changed.
func TestMoveRefuses(t *testing.T) {
	s := dbtest.OnlyPostgres(t)
	tables := schema(t)
	file := newFile(t)
	mustPut(t, file, "a")
	for _, to := range []func() *db.DB{func() *db.DB { return dbtest.OpenAt(t, s.New(t)) }, func() *db.DB { return newFile(t) }} {
		d := to()
		for table, types := range tables {
			fill(t, d, table, types, 1)
			before := content(t, d, tables)
			if _, err := db.Move(t.Context(), file, d); !errors.Is(err, db.ErrNotEmpty) || !strings.Contains(err.Error(), table) {
				t.Errorf("%s has a row: got error %v, want db.ErrNotEmpty", table, err)
			}
			if diff := cmp.Diff(before, content(t, d, tables)); diff != "" {
				t.Errorf("%s (-before +after):\n%s", table, diff)
			}
			err := d.Tx(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), `DELETE FROM `+table)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		mustMove(t, file, d)
		holds(t, d, "a")
	}
	if _, err := db.Move(t.Context(), file, file); !errors.Is(err, db.ErrNotEmpty) {
		t.Errorf("into itself: got error %v, want db.ErrNotEmpty", err)
	}
}

// If the last table cannot be moved, no table is.
func TestMoveThatFails(t *testing.T) {
	dbtest.OnlyPostgres(t)
	tables := schema(t)
	file, to := newFile(t), dbtest.Open(t)
	for table, types := range tables {
		fill(t, file, table, types, moved)
	}
	last := slices.Max(slices.Collect(maps.Keys(tables)))
	allow := dbtest.Refuse(t, to, "INSERT", last, "true")
	if _, err := db.Move(t.Context(), file, to); err == nil || !strings.Contains(err.Error(), "copying the table "+last) {
		t.Errorf("got error %v, want one of the table %s", err, last)
	}
	if got := content(t, to, tables); len(got) > 0 {
		t.Errorf("it holds %v", got)
	}
	allow()
	mustMove(t, file, to)
}

// If the disk of the other file is full, the error names that file.
func TestMoveOntoAFullDisk(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about pragmas")
	from, path := newFile(t), filepath.Join(t.TempDir(), "other.db")
	to := dbtest.OpenAt(t, path)
	for i := range 200 {
		mustPut(t, from, fmt.Sprintf("%0100d", i))
	}
	write, _ := to.Pools()
	if _, err := write.ExecContext(t.Context(), `PRAGMA max_page_count = 1`); err != nil { // no more than it has
		t.Fatal(err)
	}
	_, err := db.Move(t.Context(), from, to)
	if !errors.Is(err, db.ErrOther) || !strings.Contains(err.Error(), "the other database: writing: "+path+" cannot be written: its disk is full") {
		t.Errorf("got error %v, want one about the other file's disk", err)
	}
}

// A database that is written to is moved as a snapshot. Of two moves into the same
// database one is refused.
func TestMoveUnderWrites(t *testing.T) {
	s := dbtest.OnlyPostgres(t)
	for _, from := range []*db.DB{newFile(t), dbtest.OpenAt(t, s.New(t))} {
		to := []*db.DB{dbtest.OpenAt(t, s.New(t)), newFile(t)}
		stop, wrote := make(chan struct{}), make(chan struct{}, 1)
		var writer, movers sync.WaitGroup
		writer.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := pair(t, from, i); err != nil {
					t.Error(err)
					return
				}
				if i == 20 {
					close(wrote)
				}
			}
		})
		<-wrote
		for _, d := range to {
			errs := make([]error, 2)
			for i := range errs {
				movers.Go(func() { _, errs[i] = db.Move(t.Context(), from, d) })
			}
			movers.Wait()
			if (errs[0] == nil) == (errs[1] == nil) || !errors.Is(errors.Join(errs...), db.ErrNotEmpty) {
				t.Errorf("two moves at once: got errors %v, want one db.ErrNotEmpty", errs)
			}
			const halves = `SELECT (SELECT COUNT(*) FROM accounts) * 1000000 + (SELECT COUNT(*) FROM links)`
			n, err := db.One(t.Context(), d, db.Int, halves)
			if err != nil || n%1000000 != n/1000000 || n == 0 {
				t.Errorf("it holds %d accounts and %d links, error %v; want as many", n/1000000, n%1000000, err)
			}
		}
		close(stop)
		writer.Wait()
	}
}

// pair writes a row to the first table that is moved and one to a later table.
func pair(t *testing.T, d *db.DB, i int) error {
	t.Helper()
	return d.Tx(t.Context(), func(tx *db.Tx) error {
		id := fmt.Sprintf("%06d", i)
		_, err := tx.Exec(t.Context(), `INSERT INTO links (code_hash, kind, created_at, expires_at) VALUES (?, '', 1, 1)`, id)
		if err == nil {
			_, err = tx.Exec(t.Context(), `INSERT INTO accounts (id, username, role, password, created_at) VALUES (?, ?, '', '', 1)`, id, id)
		}
		return err
	})
}

// Texts that PostgreSQL cannot store do not prevent a move, and neither does a pooler.
func TestMoveOfOddTexts(t *testing.T) {
	url := dbtest.OnlyPostgres(t).New(t)
	file, to := newFile(t), dbtest.OpenAt(t, url+"&default_query_exec_mode=exec")
	mustPut(t, file, "a\x00\xff")
	mustMove(t, file, to)
	holds(t, to, "a")
}
