package db_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// If PostgreSQL has closed a connection, the next query does not fail.
func TestConnectionsThatWereEnded(t *testing.T) {
	s := dbtest.OnlyPostgres(t)
	url := s.New(t)
	d := dbtest.OpenAt(t, url)
	mustPut(t, d, "a")
	end := func() {
		dbtest.Exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	}
	end()
	holds(t, d, "a")
	end()
	mustPut(t, d, "b")
	tries := 0
	err := d.Tx(t.Context(), func(tx *db.Tx) error {
		if tries++; tries == 1 {
			end()
		}
		_, err := tx.Exec(t.Context(), `INSERT INTO accounts (id, username, role, password, created_at) VALUES ('c', 'c', '', '', 1)`)
		return err
	})
	if err != nil || tries != 2 {
		t.Errorf("ended in the middle of a transaction: error %v after %d tries; want none after 2", err, tries)
	}
	holds(t, d, "a b c")
	unavailable(t, "ended each time", d.Tx(t.Context(), func(tx *db.Tx) error {
		end()
		_, err := tx.Exec(t.Context(), `DELETE FROM accounts`)
		return err
	}))
	holds(t, d, "a b c")
}

// Of two transactions in a deadlock PostgreSQL rolls one back; it runs again.
func TestADeadlock(t *testing.T) {
	dbtest.OnlyPostgres(t)
	d := dbtest.Open(t)
	mustPut(t, d, "a")
	mustPut(t, d, "b")
	var met, all sync.WaitGroup
	met.Add(2)
	runs := [2]int{}
	for i, order := range [][]string{{"a", "b"}, {"b", "a"}} {
		all.Go(func() {
			err := d.Tx(t.Context(), func(tx *db.Tx) error {
				runs[i]++
				for n, id := range order {
					if _, err := tx.Exec(t.Context(), `UPDATE accounts SET epoch = epoch + 1 WHERE id = ?`, id); err != nil {
						return err
					}
					if n == 0 && runs[i] == 1 {
						met.Done()
						met.Wait()
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if runs[0]+runs[1] < 3 {
		t.Errorf("they ran %v times, want one of them again", runs)
	}
	if n, err := db.One(t.Context(), d, db.Int, `SELECT SUM(epoch) FROM accounts`); err != nil || n != 6 {
		t.Errorf("the epochs are %d together, error %v; want 6", n, err)
	}
}

// Tx.Lock makes a transaction of another server wait until the one that holds the lock
// ends. A lock of another name does not wait.
func TestLock(t *testing.T) {
	at := dbtest.New(t)
	a, b := dbtest.OpenAt(t, at), dbtest.OpenAt(t, at)
	var steps []string
	locked, done := make(chan struct{}), make(chan error, 1)
	go func() {
		<-locked
		done <- b.Tx(t.Context(), func(tx *db.Tx) error {
			err := tx.Lock(t.Context(), "one")
			steps = append(steps, "second")
			return err
		})
	}()
	err := a.Tx(t.Context(), func(tx *db.Tx) error {
		if err := tx.Lock(t.Context(), "one"); err != nil {
			return err
		}
		close(locked)
		if dbtest.OnPostgres() != nil {
			if err := b.Tx(t.Context(), func(tx *db.Tx) error { return tx.Lock(t.Context(), "two") }); err != nil {
				return err
			}
			for waiting := int64(0); waiting == 0 && len(done) == 0; {
				var err error
				if waiting, err = db.One(t.Context(), b, db.Int, `SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`); err != nil {
					return err
				}
			}
		}
		steps = append(steps, "first")
		return nil
	})
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(steps, " "); got != "first second" {
		t.Errorf("the order was %q", got)
	}
}

// Idle connections may be closed by many goroutines at once, as after many failed
// requests, while others use the pool: no connection is lost or closed twice.
func TestRestingConnectionsAreClosedByOneAtATime(t *testing.T) {
	dbtest.OnlyPostgres(t)
	d := dbtest.Open(t)
	read := func() {
		if _, err := ids(t.Context(), d); err != nil {
			t.Error(err)
		}
	}
	closes := func() {
		for range 10 {
			d.CloseResting()
		}
	}
	for range 200 {
		for _, then := range []func(){read, closes} {
			var all sync.WaitGroup
			for range 4 { // fewer than the pool has connections: they become idle
				all.Go(read)
				all.Go(then)
			}
			all.Wait()
		}
	}
	pool, _ := d.Pools()
	for began := time.Now(); pool.Stats().InUse > 0; read() { // a connection may still be opening
		if time.Since(began) > 10*time.Second {
			t.Fatalf("nobody uses the pool: %+v", pool.Stats())
		}
	}
}
