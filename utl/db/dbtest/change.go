package dbtest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/db"
)

// Dump returns every column of every row of every table, sorted.
func Dump(tb testing.TB, d *db.DB) (all []string) {
	tb.Helper()
	texts := func(q string, args ...any) []string {
		rows, err := db.All(tb.Context(), d, db.Text, q, args...)
		if err != nil {
			tb.Fatal(err)
		}
		return rows
	}
	tables := `SELECT name FROM sqlite_schema WHERE type = 'table'`
	if server != nil {
		tables = `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`
	}
	for _, table := range texts(tables) {
		rows := `SELECT CAST(to_jsonb(t) AS TEXT) FROM ` + table + ` t`
		if server == nil {
			rows = fmt.Sprintf(`SELECT json_array(%s) FROM %s`, strings.Join(texts(`SELECT name FROM pragma_table_info(?)`, table), ", "), table)
		}
		for _, row := range texts(rows) {
			all = append(all, table+" "+row)
		}
	}
	slices.Sort(all)
	return all
}

// Refuse makes the database reject every INSERT or UPDATE (what) on the table whose row
// meets the condition when, until allow is called.
func Refuse(tb testing.TB, d *db.DB, what, table, when string) (allow func()) {
	tb.Helper()
	on := fmt.Sprintf(`CREATE TRIGGER refuse BEFORE %s ON %s `, what, table)
	refuse, again := []string{on + `WHEN ` + when + ` BEGIN SELECT RAISE(ABORT, 'no'); END`}, `DROP TRIGGER refuse`
	if server != nil {
		refuse = []string{
			`CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'`,
			on + `FOR EACH ROW WHEN (` + when + `) EXECUTE FUNCTION refuse()`,
		}
		again += ` ON ` + table
	}
	run(tb, d, refuse...)
	return func() { tb.Helper(); run(tb, d, again) }
}

func run(tb testing.TB, d *db.DB, statements ...string) {
	tb.Helper()
	err := d.Tx(tb.Context(), func(tx *db.Tx) error {
		for _, q := range statements {
			if _, err := tx.Exec(tb.Context(), q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// Away makes the database at the path or URL unavailable until back is called.
func Away(tb testing.TB, at string) (back func()) {
	tb.Helper()
	if server == nil {
		move := func(from, to string) {
			if err := os.Rename(from, to); err != nil {
				tb.Fatal(err)
			}
		}
		move(at, at+".away")
		return func() { move(at+".away", at) }
	}
	u, err := url.Parse(at)
	if err != nil {
		tb.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	admin := func(q string) {
		if _, err := server.admin.ExecContext(context.Background(), q); err != nil {
			tb.Fatal(err)
		}
	}
	admin(`ALTER DATABASE ` + name + ` ALLOW_CONNECTIONS false`)
	admin(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '` + name + `'`)
	return func() { admin(`ALTER DATABASE ` + name + ` ALLOW_CONNECTIONS true`) }
}
