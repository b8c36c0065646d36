package db_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// insert adds an account with that id and username.
const insert = `INSERT INTO accounts (id, username, role, password, created_at) VALUES (?, ?, 'member', '', 1)`

// execute runs the statement in a transaction of its own.
func execute(ctx context.Context, d *db.DB, q string, args ...any) error {
	return d.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, q, args...)
		return err
	})
}

// put adds an account with that id and username, and returns the error.
func put(ctx context.Context, d *db.DB, id, username string) error {
	return execute(ctx, d, insert, id, username)
}

func mustPut(t *testing.T, d *db.DB, id string) {
	t.Helper()
	if err := put(t.Context(), d, id, id); err != nil {
		t.Fatal(err)
	}
}

// ids returns the ids of the accounts, sorted, separated by spaces.
func ids(ctx context.Context, from db.Querier) (string, error) {
	all, err := db.All(ctx, from, db.Text, `SELECT id FROM accounts ORDER BY id`)
	return strings.Join(all, " "), err
}

// holds fails the test unless these are the ids of the accounts and the database is
// intact.
func holds(t *testing.T, d *db.DB, want string) {
	t.Helper()
	if got, err := ids(t.Context(), d); err != nil || got != want {
		t.Errorf("it holds %q, error %v; want %q", got, err, want)
	}
	if d.Postgres() {
		return
	}
	if got, err := db.One(t.Context(), d, db.Text, `PRAGMA integrity_check`); err != nil || got != "ok" {
		t.Errorf("the integrity check says %q, error %v", got, err)
	}
}

func TestPragmasOnEveryConnection(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about pragmas")
	d := dbtest.Open(t)
	write, read := d.Pools()
	want := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "3000", "query_only": "0"}
	check := func(pool *sql.DB, n int) {
		for range n {
			conn, err := pool.Conn(t.Context()) // it stays in use: the next call opens another one
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			got := map[string]string{}
			for pragma := range want {
				var value string
				if err := conn.QueryRowContext(t.Context(), `PRAGMA `+pragma).Scan(&value); err != nil {
					t.Fatal(err)
				}
				got[pragma] = value
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the pragmas (-want +got):\n%s", diff)
			}
			if _, err := conn.ExecContext(t.Context(), `SELECT "typo"`); err == nil {
				t.Error(`"typo" is taken for a string`)
			}
		}
	}
	check(write, 1)
	want["query_only"] = "1"
	check(read, 4)
	if n := write.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d connections may write, want 1", n)
	}
}

func TestAReadCannotWrite(t *testing.T) {
	dbtest.OnlySQLite(t, "PostgreSQL reads and writes over one pool")
	d := dbtest.Open(t)
	if _, err := db.All(t.Context(), d, db.Text, `INSERT INTO accounts (id, username, role, password, created_at)
		VALUES ('a', 'a', '', '', 1) RETURNING id`); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("got error %v, want db.ErrUnavailable", err)
	}
	holds(t, d, "")
}

func TestTx(t *testing.T) {
	d := dbtest.Open(t)
	mustPut(t, d, "a")
	own := errors.New("our own")
	for _, tt := range []struct {
		name string
		fn   func(tx *db.Tx) error
		want error
	}{
		{"our own error", func(tx *db.Tx) error { return own }, own},
		{"an id twice", func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), insert, "a", "z"); return err }, db.ErrConflict},
		{"a username twice", func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), insert, "z", "a"); return err }, db.ErrConflict},
		{"no row", func(tx *db.Tx) error {
			_, err := db.One(t.Context(), tx, db.Int, `SELECT 1 FROM accounts WHERE id = 'z'`)
			return err
		}, db.ErrNone},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := d.Tx(t.Context(), func(tx *db.Tx) error {
				n, err := tx.Exec(t.Context(), insert, "b", "b")
				if err != nil || n != 1 {
					t.Errorf("got %d rows, error %v; want 1", n, err)
				}
				if got, err := ids(t.Context(), tx); err != nil || got != "a b" {
					t.Errorf("inside it holds %q, error %v; want its own change", got, err)
				}
				if got, err := ids(t.Context(), d); err != nil || got != "a" {
					t.Errorf("outside it holds %q, error %v; want nothing of it yet", got, err)
				}
				return tt.fn(tx)
			})
			if !errors.Is(err, tt.want) || errors.Is(err, db.ErrUnavailable) {
				t.Errorf("got error %v, want %v", err, tt.want)
			}
			holds(t, d, "a")
		})
	}
}

func TestTxThatPanics(t *testing.T) {
	d := dbtest.Open(t)
	mustPut(t, d, "a")
	defer func() {
		if recover() == nil {
			t.Error("the panic is gone")
		}
		holds(t, d, "a")
		mustPut(t, d, "b") // fails if the only connection is still in use
	}()
	_ = d.Tx(t.Context(), func(tx *db.Tx) error {
		_, _ = tx.Exec(t.Context(), insert, "b", "b")
		panic("ours")
	})
}

// A mistake in a query is not reported as ErrUnavailable.
func TestMistakes(t *testing.T) {
	d := dbtest.Open(t)
	for _, q := range []string{`SELEC`, `SELECT nothing FROM accounts`, `SELECT 'x'`, `SELECT NULL`} {
		_, err := db.One(t.Context(), d, db.Int, q)
		for _, other := range []error{db.ErrNone, db.ErrConflict, db.ErrUnavailable} {
			if err == nil || errors.Is(err, other) {
				t.Errorf("%s: got error %v, want one of its own", q, err)
			}
		}
	}
	if err := d.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO accounts (id) VALUES ('a')`)
		return err
	}); err == nil || errors.Is(err, db.ErrConflict) || errors.Is(err, db.ErrUnavailable) {
		t.Errorf("got error %v for a rule of the table, want one of its own", err)
	}
}

func TestOneIsTheFirst(t *testing.T) {
	d := dbtest.Open(t)
	mustPut(t, d, "b")
	mustPut(t, d, "a")
	if got, err := db.One(t.Context(), d, db.Text, `SELECT id FROM accounts ORDER BY id`); err != nil || got != "a" {
		t.Errorf("got %q, error %v; want a", got, err)
	}
	if _, err := db.One(t.Context(), d, db.Text, `SELECT id FROM accounts WHERE id = ?`, "' OR 1=1 --"); !errors.Is(err, db.ErrNone) {
		t.Errorf("got error %v, want db.ErrNone", err)
	}
}

// A sweep skips the rows that another server is changing.
func TestASweepWaitsForNobody(t *testing.T) {
	dbtest.OnlyPostgres(t)
	at := dbtest.New(t)
	a, b := dbtest.OpenAt(t, at), dbtest.OpenAt(t, at)
	mustPut(t, a, "a")
	mustPut(t, a, "b")
	err := a.Tx(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(t.Context(), `UPDATE accounts SET epoch = 2 WHERE id = 'a'`); err != nil {
			return err
		}
		return b.Sweep(t.Context(), `DELETE FROM accounts WHERE id IN (SELECT id FROM accounts LIMIT ? /* FOR UPDATE SKIP LOCKED */)`)
	})
	if err != nil {
		t.Fatal(err)
	}
	holds(t, a, "a")
}

func TestTimes(t *testing.T) {
	now := time.Now()
	if got := db.Time(db.Micros(now)); !got.Equal(now.Truncate(time.Microsecond)) || got.Location() != time.UTC {
		t.Errorf("got %v, want %v in UTC", got, now)
	}
}
