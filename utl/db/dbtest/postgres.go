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

	"glassjar/utl/db"
)

// errMissing means that the machine has no PostgreSQL.
var errMissing = errors.New("PostgreSQL is not installed (apt-get install postgresql)")

// Server is a PostgreSQL of the test's own: it listens on a socket in a temporary
// folder, loses everything when the machine does, and ends with the test's
// process.
type Server struct {
	folder string
	again  func() error // starts it on what it has

	running *instance
	admin   *sql.DB

	mu   sync.Mutex
	made int             // databases
	free []string        // names of those that are empty again
	odd  map[string]bool // URLs of those that a test changed beyond its rows
}

// Start starts a server, as another user where we are root: PostgreSQL refuses to
// run as root. An error wraps errMissing where there is no PostgreSQL.
func Start() (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "dbtest")
	if err != nil {
		return nil, err
	}
	s := &Server{folder: folder, odd: map[string]bool{}}
	if err := s.start(bin); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// Need starts a server for one test, whichever database the run is on. Without
// PostgreSQL it skips the test, and fails it where CI=true. The server ends with
// the test.
func Need(tb testing.TB) *Server {
	tb.Helper()
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

// prepare makes the database that others are copies of.
func (s *Server) prepare() error {
	admin, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	s.admin = admin
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for admin.PingContext(ctx) != nil {
		select {
		case why := <-s.running.died:
			s.running.died <- why
			return errors.New(why)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	if _, err := admin.ExecContext(ctx, `CREATE DATABASE migrated`); err != nil {
		return err
	}
	d, err := db.OpenPostgres(ctx, s.url("migrated"))
	if err != nil {
		return err
	}
	return d.Close()
}

// Stop ends the server and deletes all that it had.
func (s *Server) Stop() error {
	var err error
	if s.admin != nil {
		err = s.admin.Close()
	}
	if s.running != nil {
		_ = s.running.process.Signal(syscall.SIGQUIT) // at once: nothing is kept
		s.running.died <- <-s.running.died            // who asks again is told again
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}
