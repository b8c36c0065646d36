package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Signal sends the signal to every process of the server.
func (s *Server) Signal(tb testing.TB, sig syscall.Signal) {
	tb.Helper()
	if err := s.running.signal(sig); err != nil {
		tb.Fatal(err)
	}
}

// Full makes writes to the table fail as on a full disk. It limits the size of the
// server's files to that of the table and fills the table with rows, given as lists of
// values, until none fits; the largest row comes first. restore removes the limit.
func (s *Server) Full(tb testing.TB, database, table, columns string, rows ...string) (restore func()) {
	tb.Helper()
	as, err := owner(s.folder)
	if err != nil {
		tb.Fatal(err)
	}
	limit := func(most string) {
		tb.Helper()
		if err := s.running.each(func(pid int) error {
			set := exec.CommandContext(context.Background(), "prlimit", "--pid", strconv.Itoa(pid), "--fsize="+most+":") // #nosec G204 -- the server's user may; root without all capabilities may not
			set.SysProcAttr = as
			out, err := set.CombinedOutput()
			if strings.Contains(string(out), "No such process") {
				return syscall.ESRCH // the process has ended
			}
			if err != nil {
				err = fmt.Errorf("prlimit: %w: %s", err, out)
			}
			return err
		}); err != nil {
			tb.Fatal(err)
		}
	}
	limit(strconv.Itoa(17 << 20)) // a segment of the write-ahead log has 16 MB, and writing it must not fail
	pool, err := sql.Open("pgx", database)
	if err != nil {
		tb.Fatal(err)
	}
	defer pool.Close()
	for _, row := range rows {
		for n := 10_000; n > 0; n /= 100 { // rows that were rolled back fill the pages too
			for err = nil; err == nil; {
				_, err = pool.ExecContext(tb.Context(), fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM generate_series(1, %d)`, table, columns, row, n)) // #nosec G201 -- the test's own
			}
		}
	}
	tb.Log("full: ", err)
	return func() { limit("unlimited") }
}

// Restart stops the server, which closes every connection, and starts it again.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	if err := errors.Join(s.halt(syscall.SIGINT), s.again()); err != nil {
		tb.Fatal(err)
	}
}

// Wire is a TCP proxy in front of PostgreSQL that can lose or delay what it carries.
type Wire struct {
	to    string
	mu    sync.Mutex
	ready *sync.Cond // signals that data is carried again
	hole  bool
	slow  time.Duration
	trips int
}

// Through returns the URL of the database behind a new Wire, which at first carries
// everything at once.
func (s *Server) Through(tb testing.TB, database string) (string, *Wire) {
	tb.Helper()
	w := &Wire{to: filepath.Join(s.folder, ".s.PGSQL.5432")}
	w.ready = sync.NewCond(&w.mu)
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { w.Hole(false); _ = l.Close() })
	go func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			go w.carry(from)
		}
	}()
	u, err := url.Parse(database)
	if err != nil {
		tb.Fatal(err)
	}
	return "postgres://" + u.Query().Get("user") + "@" + l.Addr().String() + u.Path + "?sslmode=disable", w
}

// Hole makes the wire carry nothing, without closing connections, until it is called
// with false.
func (w *Wire) Hole(is bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hole = is
	w.ready.Broadcast()
}

// Slow delays each answer by that time.
func (w *Wire) Slow(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slow = by
}

// Trips returns the number of round trips so far: how often something was sent at first
// or after an answer.
func (w *Wire) Trips() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.trips
}

func (w *Wire) carry(from net.Conn) {
	defer from.Close()
	w.wait(false)
	to, err := net.Dial("unix", w.to) //nolint:noctx // a test's
	if err != nil {
		return
	}
	defer to.Close()
	var both sync.WaitGroup
	answered := true
	both.Go(func() { w.copy(to, from, false, &answered) })
	both.Go(func() { w.copy(from, to, true, &answered) })
	both.Wait()
}

// copy copies data from one end to the other until one closes, then closes the other.
// The two directions of a connection share answered.
func (w *Wire) copy(to, from net.Conn, back bool, answered *bool) {
	defer to.Close()
	some := make([]byte, 1<<16)
	for {
		n, err := from.Read(some)
		w.wait(back)
		if n > 0 {
			w.count(back, answered)
			if _, wrong := to.Write(some[:n]); wrong != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (w *Wire) count(back bool, answered *bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !back && *answered {
		w.trips++
	}
	*answered = back
}

// wait waits while nothing is to be carried, and for the delay of an answer.
func (w *Wire) wait(back bool) {
	w.mu.Lock()
	for w.hole {
		w.ready.Wait()
	}
	slow := w.slow
	w.mu.Unlock()
	if back {
		time.Sleep(slow)
	}
}

// Count runs the query in the database, as an administrator, and returns the number
// that it selects.
func (s *Server) Count(tb testing.TB, at, q string) (n int) {
	tb.Helper()
	pool, err := sql.Open("pgx", at)
	if err != nil {
		tb.Fatal(err)
	}
	defer pool.Close()
	if err := pool.QueryRowContext(tb.Context(), q).Scan(&n); err != nil {
		tb.Fatal(q, ": ", err)
	}
	return n
}
