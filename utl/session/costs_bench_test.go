package session_test

import (
	"database/sql"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

var (
	manyAccounts = flag.Int("accounts", 100_000, "with how many accounts the benchmarks of costs compare 10")
	manySessions = flag.Int("sessions", 300_000, "how many rows of sessions those have; 10 accounts have 100")
)

const (
	seenRows  = 100  // rows that a write of last seen changes
	sweptRows = 1000 // one more than the rows that a sweep deletes
)

// filled is a server on a database with that many accounts and sessions.
type filled struct {
	*site

	accounts, sessions int
	operate            func(q string) // runs a statement in the database directly
	turn               int            // number of the present measurement
}

// rows returns the statements that fill a new database. The order of the sessions' rows
// follows neither accounts nor starts. Indexes are made last, which is faster.
func (f *filled) rows(now int64) []string {
	count := func(n int) string {
		return fmt.Sprintf(`WITH RECURSIVE c (n) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT n + 1 FROM c WHERE n < %d) `, n-1)
	}
	return []string{
		`DROP INDEX sessions_by_account`, `DROP INDEX sessions_by_start`,
		`INSERT INTO accounts (id, username, role, password, created_at) ` + count(f.accounts) + `SELECT 'id-p' || n, 'p' || n, 'member', 'x', 1 FROM c`,
		`INSERT INTO sessions (sid, id, account_id, started_at, seen_at, remember, address, agent) ` + count(f.sessions) +
			fmt.Sprintf(`SELECT 'sid-' || (n * 48271 %% 2147483647), 'dev-' || (n * 48271 %% 2147483647), 'id-p' || (n %% %d), %d - n * 300, %[2]d, 0, '192.0.2.1', '' FROM c ORDER BY 1`, f.accounts, now),
		`CREATE INDEX sessions_by_account ON sessions (account_id, ended_at, epoch, started_at)`,
		`CREATE INDEX sessions_by_start ON sessions (started_at)`,
		`ANALYZE`,
	}
}

func (f *filled) fill() {
	for _, q := range f.rows(db.Micros(f.clock.Now().Add(-time.Second))) {
		f.operate(q)
	}
}

// nth returns the sid of one of the sessions and a request of its browser. The sessions
// of consecutive numbers are far apart in the database.
func (f *filled) nth(i int) (sid string, r *http.Request) {
	n := i * 7919 % f.sessions
	sid = fmt.Sprint("sid-", n*48271%2147483647)
	started := (db.Micros(f.clock.Now().Add(-time.Second)) - int64(n)*300) / 1_000_000
	payload := fmt.Sprintf(`{"username":"p%d","sid":"%s","started":%d}`, n%f.accounts, sid, started)
	return sid, request(cookiesNamed(f.Name(), sign(f.opt.Keys[0], f.Name(), started, payload)))
}

// costs are the measured operations. ready prepares one measurement and is not measured
// itself.
var costs = []struct {
	name      string
	ready, do func(b *testing.B, f *filled)
}{
	{"start", nil, func(b *testing.B, f *filled) {
		b.Helper()
		f.signIn(b, fmt.Sprint("p", f.turn*7919%f.accounts), false)
	}},
	{
		"row",
		func(_ *testing.B, f *filled) { sid, _ := f.nth(f.turn); f.Invalidate(sid) },
		func(b *testing.B, f *filled) {
			b.Helper()
			_, r := f.nth(f.turn)
			if _, err := f.Find(r); err != nil {
				b.Fatal(err)
			}
		},
	},
	{"poll", nil, func(b *testing.B, f *filled) { b.Helper(); f.poll(b) }},
	{
		"seen",
		func(b *testing.B, f *filled) {
			b.Helper()
			if err := f.Write(b.Context()); err != nil { // not measured: last-seen times noted by reading rows
				b.Fatal(err)
			}
			for i := range seenRows {
				sid, _ := f.nth(f.turn*seenRows + i)
				f.Saw(sid, db.Micros(f.clock.Now())+int64(f.turn)*60_000_000)
			}
		},
		func(b *testing.B, f *filled) {
			b.Helper()
			if err := f.Write(b.Context()); err != nil {
				b.Fatal(err)
			}
		},
	},
	{
		"sweep",
		func(_ *testing.B, f *filled) {
			f.operate(fmt.Sprintf(`INSERT INTO sessions (sid, id, account_id, started_at, seen_at, ended_at, remember, address, agent)
				WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < %d) SELECT 'old-' || n, 'old-' || n, 'id-p' || n, 1 + n, 1, 1, 0, '', '' FROM c`, sweptRows-2))
		},
		func(b *testing.B, f *filled) {
			b.Helper()
			if err := f.Sweep(b.Context()); err != nil {
				b.Fatal(err)
			}
		},
	},
}

// compare reports what each operation costs with many rows, and the ratio to its cost
// with few: the best of 5 rounds of 20, with few and many in turn, because the
// machine's speed varies.
func compare(b *testing.B, few, many *filled) {
	b.Helper()
	for _, cost := range costs {
		best := map[*filled]time.Duration{}
		for range 5 {
			for _, f := range []*filled{few, many} {
				var took time.Duration
				for range 20 {
					f.turn++
					if cost.ready != nil {
						cost.ready(b, f)
					}
					began := time.Now()
					cost.do(b, f)
					took += time.Since(began)
				}
				if best[f] == 0 || took < best[f] {
					best[f] = took
				}
				f.operate(fmt.Sprintf(`DELETE FROM sessions WHERE started_at >= %d`, db.Micros(f.clock.Now()))) // those of "start": each account has as many as before
			}
		}
		b.ReportMetric(float64(best[many])/20/1e3, "µs-"+cost.name)
		b.ReportMetric(float64(best[many])/float64(best[few]), cost.name+"-many÷10")
	}
}

// BenchmarkPostgresCosts measures the start of a session, the read of a row, a poll, a
// write of 100 last-seen times and a sweep of 999 rows, with many accounts and sessions
// in relation to 10 accounts. PostgreSQL may read the whole of a table with a few
// thousand rows, but not of one with a million.
func BenchmarkPostgresCosts(b *testing.B) {
	server := dbtest.Need(b)
	made := func(accounts, sessions int) *filled {
		f := &filled{site: onPostgres(b, server), accounts: accounts, sessions: sessions}
		f.operate = func(q string) { dbtest.Exec(b, f.path, q) }
		f.fill()
		f.operate(`VACUUM`)
		return f
	}
	few, many := made(10, 100), made(*manyAccounts, *manySessions)
	const whole = `SELECT SUM(seq_scan) FROM pg_stat_user_tables WHERE relname IN ('accounts', 'sessions')`
	before := server.Count(b, many.path, whole)
	for range b.N {
		compare(b, few, many)
	}
	b.ReportMetric(float64(server.Count(b, many.path, whole)-before), "reads-of-a-whole-table")
	b.ReportMetric(float64(server.Count(b, many.path, `SELECT 100 * n_tup_hot_upd / n_tup_upd FROM pg_stat_user_tables WHERE relname = 'sessions'`)), "%-seen-heap-only")
	b.ReportMetric(float64(server.Count(b, many.path, `SELECT pg_database_size(current_database()) / 1000000`)), "MB")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkFileCosts measures the same with SQLite.
func BenchmarkFileCosts(b *testing.B) {
	made := func(accounts, sessions int) *filled {
		s := &site{path: filepath.Join(b.TempDir(), "glassjar.db"), opt: session.Options{
			Keys: [][32]byte{newKey()}, Idle: idle, Max: most, Log: slog.New(slog.DiscardHandler),
		}}
		f := &filled{site: s.another(b), accounts: accounts, sessions: sessions}
		operator, err := sql.Open("sqlite", "file:"+f.path+"?_pragma=busy_timeout(60000)&_pragma=cache_size(-200000)")
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = operator.Close() })
		f.operate = func(q string) {
			if _, err := operator.ExecContext(b.Context(), q); err != nil {
				b.Fatal(q, ": ", err)
			}
		}
		f.fill()
		return f
	}
	few, many := made(10, 100), made(*manyAccounts, *manySessions)
	for range b.N {
		compare(b, few, many)
	}
	b.ReportMetric(0, "ns/op")
}
