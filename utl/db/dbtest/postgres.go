package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// errMissing means that PostgreSQL is not installed.
var errMissing = errors.New("PostgreSQL is not installed (apt-get install postgresql)")

// Server is a PostgreSQL server for tests. It listens on a Unix socket in a temporary
// folder, does not sync its data to disk, and ends with the test's process.
type Server struct {
	folder string
	again  func() error // starts it again on the same data

	running *instance
	admin   *sql.DB

	emptying sync.Mutex // held by empty
	full     chan string
	emptied  chan error

	mu   sync.Mutex
	made int             // databases
	free []string        // names of databases that may be used again
	odd  map[string]bool // URLs of databases in which a test changed more than rows
}

// Start starts a server. If the process is root, the server runs as another user,
// because PostgreSQL refuses root. An error wraps errMissing if PostgreSQL is not
// installed.
func Start() (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "dbtest")
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder, odd: map[string]bool{}, full: make(chan string), emptied: make(chan error)}
	go s.cleaner()
	if err := s.start(bin); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// Need starts a server for one test, which stops when the test ends, even if the tests
// run on SQLite. With -short it skips the test. If PostgreSQL is not installed, it skips
// the test, or fails it if CI=true.
func Need(tb testing.TB) *Server {
	tb.Helper()
	if testing.Short() {
		tb.Skip("the test needs PostgreSQL, which -short leaves out")
	}
	s, err := Start()
	if skips(err) {
		tb.Skip("SKIPPED: ", err)
	}
	if err != nil {
		tb.Fatal("starting PostgreSQL: ", err)
	}
	tb.Cleanup(func() {
		if err := s.Stop(); err != nil {
			tb.Error("stopping PostgreSQL: ", err)
		}
	})
	return s
}

// connect connects the administrator, once the server answers.
func (s *Server) connect() error {
	var err error
	if s.admin, err = sql.Open("pgx", s.url("postgres")); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for s.admin.PingContext(ctx) != nil {
		select {
		case why := <-s.running.died:
			s.running.died <- why
			return errors.New(why)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

// halt sends the server the signal and waits until it has stopped.
func (s *Server) halt(sig syscall.Signal) error {
	err := s.running.process.Signal(sig)
	s.running.died <- <-s.running.died // put back for the next receiver
	return err
}

// Stop stops the server and deletes its data.
func (s *Server) Stop() error {
	close(s.full)
	var err error
	if s.admin != nil {
		err = s.admin.Close()
	}
	if s.running != nil {
		_ = s.halt(syscall.SIGQUIT) // without a shutdown checkpoint: the data is deleted; it may have died
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}
