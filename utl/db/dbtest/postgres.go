package dbtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
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

// ForTest starts a server for one test. Without PostgreSQL the test is skipped, and
// fails where CI=true.
func ForTest(tb testing.TB) *Server {
	tb.Helper()
	s, err := Start()
	if skips(err) {
		tb.Skip("SKIPPED: ", err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// programs returns the folder of PostgreSQL's programs, of the newest version
// where there are several.
func programs() (string, error) {
	all, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres") // Debian has them in no PATH
	if err != nil {
		return "", err
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path)))) // 0 is the oldest
		return n
	}
	if len(all) > 0 {
		return filepath.Dir(slices.MaxFunc(all, func(a, b string) int { return version(a) - version(b) })), nil
	}
	path, err := exec.LookPath("postgres")
	if err != nil {
		return "", errMissing
	}
	path, err = filepath.EvalSymlinks(path) // initdb is beside it
	return filepath.Dir(path), err
}

func (s *Server) start(bin string) error {
	as, err := owner(s.folder)
	if err != nil {
		return err
	}
	data := filepath.Join(s.folder, "data")
	if err := initdb(bin, data, as); err != nil {
		return err
	}
	s.again = func() (err error) {
		s.running, err = launch(bin, data, as, s.settings()...)
		return err
	}
	if err := s.again(); err != nil {
		return err
	}
	return s.prepare()
}

// settings are those of a server that may lose everything.
func (s *Server) settings() []string {
	return []string{
		"listen_addresses=", "unix_socket_directories=" + s.folder, "max_connections=300", "shared_buffers=32MB",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "deadlock_timeout=100ms",
	}
}

func initdb(bin, data string, as *syscall.SysProcAttr) error {
	cmd := exec.CommandContext(context.Background(), filepath.Join(bin, "initdb"), "-D", data, "-U", "glassjar", // #nosec G204 -- our own
		"--auth=trust", "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C.UTF-8")
	cmd.SysProcAttr, cmd.Dir = as, filepath.Dir(data)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// instance is a running PostgreSQL.
type instance struct {
	process *os.Process
	died    chan string // gets why it ended
}

// launch starts PostgreSQL on the data, with settings like name=value.
func launch(bin, data string, as *syscall.SysProcAttr, settings ...string) (*instance, error) {
	var log bytes.Buffer
	args := []string{"-D", data}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	server := exec.CommandContext(context.Background(), filepath.Join(bin, "postgres"), args...) // #nosec G204 -- our own
	server.SysProcAttr, server.Dir, server.Stderr = as, filepath.Dir(data), &log
	started, died := make(chan error, 1), make(chan string, 1)
	go func() { // its thread must live as long as the server: Pdeathsig is the thread's death
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := server.Start()
		started <- err
		if err == nil {
			err = server.Wait()
			died <- fmt.Sprintf("postgres ended: %v: %s", err, &log)
		}
	}()
	err := <-started
	return &instance{server.Process, died}, err
}

// signal sends the signal to every process of the server.
func (i *instance) signal(s syscall.Signal) error {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", i.process.Pid, i.process.Pid))
	if err != nil {
		return err
	}
	if err := i.process.Signal(s); err != nil {
		return err
	}
	for pid := range strings.FieldsSeq(string(children)) {
		child, err := strconv.Atoi(pid)
		if err == nil {
			err = syscall.Kill(child, s)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) {
			return err
		}
	}
	return nil
}

// owner gives the folder to whom the server runs as, and returns how to run as
// them.
func owner(folder string) (*syscall.SysProcAttr, error) {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Geteuid() != 0 {
		return attr, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return attr, os.Chown(folder, int(uid), int(gid))
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

// url returns the URL of the database with the name.
func (s *Server) url(name string) string {
	return "postgres:///" + name + "?user=glassjar&sslmode=disable&host=" + s.folder
}

// New returns the URL of a database that the test has for itself: migrated, and
// empty. To make one takes five times as long as to empty it.
func (s *Server) New(tb testing.TB) string {
	tb.Helper()
	name := s.take()
	if name == "" {
		name = s.create(tb, "migrated")
	}
	url := s.url(name)
	tb.Cleanup(func() {
		s.mu.Lock()
		odd := s.odd[url]
		s.mu.Unlock()
		if tb.Failed() || odd || empty(url) != nil {
			s.drop(tb, name)
			return
		}
		s.mu.Lock()
		s.free = append(s.free, name)
		s.mu.Unlock()
	})
	return url
}

func (s *Server) take() (name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free) - 1; n >= 0 {
		name, s.free = s.free[n], s.free[:n]
	}
	return name
}

// empty leaves the rows that a new database has.
func empty(url string) error {
	pool, err := sql.Open("pgx", url)
	if err != nil {
		return err
	}
	defer pool.Close()
	_, err = pool.ExecContext(context.Background(), `DO $$ DECLARE t regclass; BEGIN
		SET LOCAL session_replication_role = replica; -- no foreign keys: no order
		FOR t IN SELECT oid FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname <> 'goose_db_version' LOOP
			IF pg_relation_size(t) < 100000 THEN
				EXECUTE 'DELETE FROM ' || t;
			ELSE
				EXECUTE 'TRUNCATE ' || t || ' CASCADE';
			END IF;
		END LOOP;
		PERFORM setval(format('%I', sequencename)::regclass, start_value, false) FROM pg_sequences WHERE schemaname = current_schema();
		INSERT INTO changes (at, sid, account_id) VALUES (0, '', '');
	END $$`)
	return err
}

// NewEmpty returns the URL of a database without any table.
func (s *Server) NewEmpty(tb testing.TB) string {
	tb.Helper()
	name := s.create(tb, "template0")
	tb.Cleanup(func() { s.drop(tb, name) })
	return s.url(name)
}

func (s *Server) create(tb testing.TB, template string) (name string) {
	tb.Helper()
	s.mu.Lock()
	s.made++
	name = "test" + strconv.Itoa(s.made)
	s.mu.Unlock()
	if _, err := s.admin.ExecContext(tb.Context(), `CREATE DATABASE `+name+` TEMPLATE `+template); err != nil {
		tb.Fatal(err)
	}
	return name
}

func (s *Server) drop(tb testing.TB, name string) {
	tb.Helper()
	if _, err := s.admin.ExecContext(context.Background(), `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
		tb.Error(err)
	}
}

// Exec runs the statements in the database that the URL names, as its operator.
func Exec(tb testing.TB, url string, statements ...string) {
	tb.Helper()
	if server != nil {
		server.mu.Lock()
		server.odd[url] = true
		server.mu.Unlock()
	}
	pool, err := sql.Open("pgx", url)
	if err != nil {
		tb.Fatal(err)
	}
	defer pool.Close()
	for _, q := range statements {
		if _, err := pool.ExecContext(tb.Context(), q); err != nil {
			tb.Fatal(strings.TrimSpace(q), ": ", err)
		}
	}
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
