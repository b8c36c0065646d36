package db_test

import (
	"database/sql/driver"
	"runtime"
	"testing"

	"modernc.org/sqlite"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// midSweep is called once, in the middle of the next statement that calls mid_sweep().
var midSweep func()

func registerMidSweep() {
	sqlite.MustRegisterScalarFunction("mid_sweep", 0, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		if do := midSweep; do != nil {
			midSweep = nil
			do()
		}
		return "", nil
	})
}

// insertWhile makes the next sweep, in its middle, start an insert that has to wait.
// The inserted row holds the number of rows that the insert found. The channel receives
// its error.
func insertWhile(t *testing.T, d *db.DB) <-chan error {
	t.Helper()
	wrote := make(chan error, 1)
	midSweep = func() {
		write, _ := d.Pools()
		was := write.Stats().WaitCount
		go func() {
			wrote <- execute(t.Context(), d, `INSERT INTO tickets (code_hash, sid, url, expires_at) SELECT 'new', '', COUNT(*), 99999 FROM tickets`)
		}()
		for write.Stats().WaitCount == was { // until it waits
			runtime.Gosched()
		}
	}
	return wrote
}

// A sweep runs in several transactions, so that a waiting writer gets its turn after
// the first. What one call leaves, the next ones delete.
func TestASweepLetsOthersWrite(t *testing.T) {
	dbtest.OnlySQLite(t, "a function of SQLite's halts the sweep")
	d := dbtest.Open(t)
	count := func(q string) int64 {
		t.Helper()
		n, err := db.One(t.Context(), d, db.Int, q)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for from := 1; from <= 45_000; from += 5000 { // in parts: one statement would take too long under the race detector
		if err := execute(t.Context(), d, `WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 + 4999)
			INSERT INTO tickets (code_hash, sid, url, expires_at) SELECT 'old ' || i, '', '', i FROM n`, from); err != nil {
			t.Fatal(err)
		}
	}
	wrote := insertWhile(t, d)
	for round, want := range []int64{25_000, 5000, 0, 0} {
		if err := d.Sweep(t.Context(), `DELETE FROM tickets WHERE code_hash IN (SELECT code_hash FROM tickets
			WHERE expires_at <= ? AND mid_sweep() = '' ORDER BY expires_at LIMIT ?)`, 45000); err != nil {
			t.Fatal(err)
		}
		if n := count(`SELECT COUNT(*) FROM tickets WHERE code_hash LIKE 'old %'`); n != want {
			t.Errorf("round %d left %d rows, want %d", round+1, n, want)
		}
	}
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	if n := count(`SELECT CAST(url AS INTEGER) FROM tickets`); n != 44_000 {
		t.Errorf("the other writer found %d rows, want 44,000", n)
	}
}
