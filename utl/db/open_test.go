package db_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

func TestOpenGivesUpWaitingWhenCtxEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	ctx, cancel := context.WithCancel(t.Context())
	unlock, err := db.LockFile(ctx, path+".lock") // as a program that migrates holds it
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		_, err := db.Open(ctx, path)
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
	unlock()
	dbtest.OpenAt(t, path)
}

// TestMain is the test, or, started by one with DB_CHILD set, a real process
// that opens the database there and writes its row.
func TestMain(m *testing.M) {
	path := os.Getenv("DB_CHILD")
	if path == "" {
		os.Exit(m.Run())
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // wait for the start
	d, err := db.Open(context.Background(), path)
	if err == nil {
		id := fmt.Sprint(os.Getpid())
		err = errors.Join(put(context.Background(), d, id, id), d.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Ten processes that open a database which is not there: one makes it, all can
// use it.
func TestTenProcessesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	var children []*exec.Cmd
	var starts []io.Closer
	for range 10 {
		c := exec.CommandContext(t.Context(), os.Args[0])
		c.Env = append(os.Environ(), "DB_CHILD="+path)
		c.Stderr = t.Output()
		start, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		children, starts = append(children, c), append(starts, start)
	}
	for _, start := range starts {
		if err := start.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, c := range children {
		if err := c.Wait(); err != nil {
			t.Error(err)
		}
	}
	d := dbtest.OpenAt(t, path)
	if n, err := db.One(t.Context(), d, db.Int, `SELECT COUNT(*) FROM accounts`); n != 10 || err != nil {
		t.Errorf("%d rows, error %v; want 10", n, err)
	}
	if got, err := ids(t.Context(), d); err == nil {
		holds(t, d, got)
	}
}

func TestTenGoroutinesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			d, err := db.Open(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(put(t.Context(), d, fmt.Sprint(i), fmt.Sprint(i)), d.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	holds(t, dbtest.OpenAt(t, path), "0 1 2 3 4 5 6 7 8 9")
}
