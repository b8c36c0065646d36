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
	"time"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// Attack servers/first-start: fifty servers start at once on an empty database. One makes the
// tables, and all can use them.
func TestFiftyServersAtOnce(t *testing.T) {
	s := dbtest.OnlyPostgres(t)
	url := s.NewEmpty(t)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			d, err := db.OpenPostgres(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(put(t.Context(), d, fmt.Sprint(i), fmt.Sprint(i)), d.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := s.Count(t, url, `SELECT COUNT(*) FROM accounts`); n != 50 {
		t.Errorf("%d of 50 wrote", n)
	}
}

func TestPostgresThatIsRefused(t *testing.T) {
	s := dbtest.OnlyPostgres(t)
	for _, tt := range []struct {
		name, url, make, want string
		is                    error
	}{
		{"another program's", s.NewEmpty(t), `CREATE TABLE posts (id INTEGER)`, "another program's database", db.ErrForeign},
		{"another program's that uses goose", s.NewEmpty(t), `CREATE TABLE goose_db_version (id INTEGER); CREATE TABLE accounts (id INTEGER)`, "another program's database", db.ErrForeign},
		{"a newer glassjar's", s.New(t), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`, "of version 9999, newer than this program", nil},
		{"one without a migration in between", s.New(t), `DELETE FROM goose_db_version WHERE version_id = 20`, "missing", nil},
		{"one that nobody may enter", strings.Replace(s.New(t), "user=glassjar", "user=stranger", 1), "", "", db.ErrUnavailable},
		{"one that is not there", s.New(t) + "x", "", "", db.ErrUnavailable},
		{"a port where nobody is", "postgres://u:se%40cret@127.0.0.1:1/d?sslmode=disable", "", "connection refused", db.ErrUnavailable},
		{"no URL", "postgres://u:se%40cret@127.0.0.1:x/d", "", "DATABASE_URL cannot be read", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.make != "" {
				dbtest.Exec(t, tt.url, tt.make)
			}
			d, err := db.OpenPostgres(t.Context(), tt.url)
			if err == nil || d != nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("got %v, error %v; want one with %q", d, err, tt.want)
			}
			if err != nil && (strings.Contains(err.Error(), "cret") || strings.Contains(fmt.Sprintf("%+v", err), "cret")) {
				t.Errorf("the error holds the password: %v", err)
			}
		})
	}
}

// A role that may not make tables hears that it must own the database; once it does, it may.
func TestPostgresOfAnotherRole(t *testing.T) {
	s := dbtest.OnlyPostgres(t)
	url := s.NewEmpty(t)
	as := strings.Replace(url, "user=glassjar", "user=other-jar", 1)
	dbtest.Exec(t, url, `CREATE ROLE "other-jar" LOGIN`,
		`ALTER SCHEMA public OWNER TO pg_database_owner`, `REVOKE CREATE ON SCHEMA public FROM PUBLIC`) // as it is from PostgreSQL 15 on
	d, err := db.OpenPostgres(t.Context(), as)
	if err == nil || d != nil {
		t.Fatalf("got %v, error %v", d, err)
	}
	_, advice, _ := strings.Cut(err.Error(), "the role must own the database and what is in it: ")
	if !strings.HasPrefix(advice, "ALTER DATABASE ") || !strings.HasSuffix(advice, ` OWNER TO "other-jar"`) {
		t.Fatalf("got error %v, want what the role lacks", err)
	}
	dbtest.Exec(t, url, advice)
	dbtest.OpenAt(t, as)
}

// Texts are compared by their bytes, whatever the database's locale. Otherwise lists
// would be in another order than with SQLite, and an update of the C library could
// corrupt an index.
func TestTextsCompareByTheirBytes(t *testing.T) {
	d := dbtest.Open(t)
	for _, id := range []string{"ab", "a_a", "a.c", "a-b", "A"} {
		mustPut(t, d, id)
	}
	holds(t, d, "A a-b a.c a_a ab")
	if dbtest.OnPostgres() == nil {
		return
	}
	wrong, err := db.All(t.Context(), d, db.Text, `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = current_schema() AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'`)
	if err != nil || len(wrong) > 0 {
		t.Errorf("of another collation: %v, error %v", wrong, err)
	}
}

// pid returns the number of the PostgreSQL process that answers.
func pid(t *testing.T, from db.Querier) int64 {
	t.Helper()
	n, err := db.One(t.Context(), from, db.Int, `SELECT pg_backend_pid()`)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A migration, and waiting for another server's, may take longer than the time limit of a
// request's statements. A server whose tables are up to date does not wait.
func TestAMigrationMayTakeLong(t *testing.T) {
	url := dbtest.OnlyPostgres(t).New(t)
	other, _ := dbtest.OpenAt(t, url).Pools()
	migrates, err := other.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = migrates.Rollback() }()
	if _, err := migrates.ExecContext(t.Context(), `SELECT pg_advisory_xact_lock(hashtextextended('glassjar migrates', 0))`); err != nil {
		t.Fatal(err)
	}
	if err := db.RunMigration(t.Context(), migrates, `DO $$ BEGIN ASSERT current_setting('statement_timeout') = '0'; END $$`); err != nil {
		t.Errorf("a migration has a time limit: %v", err)
	}
	open := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		d, err := db.OpenPostgres(ctx, url+"&statement_timeout=500ms")
		if err == nil {
			err = d.Close()
		}
		return err
	}
	if err := open(); err != nil {
		t.Errorf("a server of the same version, while another migrates: %v", err)
	}
	const older = `UPDATE goose_db_version SET version_id = -version_id WHERE version_id = (SELECT MAX(version_id) FROM goose_db_version)`
	dbtest.Exec(t, url, older)
	opened := make(chan error, 1)
	go func() { opened <- open() }()
	for waits := false; !waits && len(opened) == 0; {
		if err := other.QueryRowContext(t.Context(), `SELECT COUNT(*) > 0 FROM pg_stat_activity WHERE datname = current_database()
			AND wait_event = 'advisory' AND clock_timestamp() - query_start > '600 ms'`).Scan(&waits); err != nil {
			t.Fatal(err)
		}
	}
	dbtest.Exec(t, url, `UPDATE goose_db_version SET version_id = -version_id WHERE version_id < 0`)
	if err := errors.Join(migrates.Rollback(), <-opened); err != nil {
		t.Errorf("a server that waited: %v", err)
	}
}

// When a client hangs up, no connection is closed, and its uncommitted transaction is
// rolled back.
func TestHangingUpCostsNoConnection(t *testing.T) {
	dbtest.OnlyPostgres(t)
	d := dbtest.Open(t)
	before := pid(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if got, err := db.One(ctx, d, db.Text, `SELECT CAST(pg_sleep(0.2) AS TEXT)`); err != nil || got != "" {
		t.Errorf("a read that had begun: got %q, error %v", got, err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	err := d.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO accounts (id, username, role, password, created_at) VALUES ('a', 'a', '', '', 1)`)
		cancel()
		if err == nil {
			_, err = tx.Exec(ctx, `DELETE FROM links`)
		}
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
	holds(t, d, "")
	if after := pid(t, d); after != before {
		t.Error("the connection was closed")
	}
}

// A query that takes too long is cancelled, in PostgreSQL as well.
func TestAQueryThatTakesTooLong(t *testing.T) {
	dbtest.OnlyPostgres(t)
	d := dbtest.Open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := db.One(ctx, d, db.Text, `SELECT CAST(pg_sleep(60) AS TEXT)`)
	unavailable(t, "a read", err)
	unavailable(t, "a write", d.Tx(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(t.Context(), `SET LOCAL statement_timeout = '50ms'`); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `SELECT pg_sleep(60)`)
		return err
	}))
	for setting, want := range map[string]string{"statement_timeout": "4s", "lock_timeout": "2s", "idle_in_transaction_session_timeout": "10s"} {
		if got, err := db.One(t.Context(), d, db.Text, `SELECT current_setting(?)`, setting); err != nil || got != want {
			t.Errorf("%s is %q, error %v; want %s", setting, got, err, want)
		}
	}
}

// When requests use every connection, Reserved still answers.
func TestTheReserveAnswers(t *testing.T) {
	dbtest.OnlyPostgres(t)
	d := dbtest.Open(t)
	write, _ := d.Pools()
	for range write.Stats().MaxOpenConnections {
		conn, err := write.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if _, err := db.One(t.Context(), d.Reserved(), db.Int, `SELECT COUNT(*) FROM accounts`); err != nil {
		t.Error(err)
	}
	busy, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := ids(busy, d)
	unavailable(t, "a read without the reserve", err)
}

// With the setting for a pooler no statement is prepared, no setting is sent when a
// connection begins, and everything works.
func TestThroughAPooler(t *testing.T) {
	d := dbtest.OpenAt(t, dbtest.OnlyPostgres(t).New(t)+"&default_query_exec_mode=exec")
	mustPut(t, d, "a")
	if err := put(t.Context(), d, "b", "a"); !errors.Is(err, db.ErrConflict) {
		t.Errorf("got error %v, want db.ErrConflict", err)
	}
	holds(t, d, "a")
	if got, err := db.One(t.Context(), d, db.Text, `SELECT current_setting('statement_timeout')`); err != nil || got != "0" {
		t.Errorf("the statement's timeout is %q, error %v; want the role's", got, err)
	}
	if n, err := db.One(t.Context(), d, db.Int, `SELECT COUNT(*) FROM pg_prepared_statements`); err != nil || n != 0 {
		t.Errorf("%d statements are prepared, error %v; want none", n, err)
	}
}

func TestPostgresBacksItselfUp(t *testing.T) {
	dbtest.OnlyPostgres(t)
	path := filepath.Join(t.TempDir(), "b.db")
	if err := dbtest.Open(t).Backup(t.Context(), path); !errors.Is(err, db.ErrNoBackup) {
		t.Errorf("got error %v, want db.ErrNoBackup", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it made the file")
	}
}

// A query for a text that PostgreSQL cannot store finds no row, and writing one fails.
func TestTextsThatPostgresRefuses(t *testing.T) {
	d := dbtest.Open(t)
	mustPut(t, d, "a")
	for _, text := range []string{"a\x00", "\xff"} {
		if _, err := db.One(t.Context(), d, db.Text, `SELECT id FROM accounts WHERE id = ?`, text); !errors.Is(err, db.ErrNone) {
			t.Errorf("%q: got error %v, want db.ErrNone", text, err)
		}
	}
}
