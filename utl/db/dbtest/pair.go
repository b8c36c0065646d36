package dbtest

import (
	"context"
	"database/sql"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Pair is a PostgreSQL server and its synchronous standby, each on its own port of
// 127.0.0.1. A transaction that was committed is on both.
type Pair struct {
	tb     testing.TB
	bin    string
	folder string
	nodes  [2]node
}

// node is one of the two.
type node struct {
	data    string
	port    int
	running *instance
}

// NewPair starts a pair for this test; node 0 is the primary. If PostgreSQL is not
// installed, it skips the test, or fails it if CI=true.
func NewPair(tb testing.TB) *Pair {
	tb.Helper()
	p := &Pair{tb: tb}
	bin, err := programs()
	if skips(err) {
		tb.Skip("SKIPPED: ", err)
	}
	p.need("finding PostgreSQL", err)
	p.bin = bin
	p.folder, err = os.MkdirTemp("", "pair") //nolint:usetesting // others may not enter the test's own, and PostgreSQL runs as another
	p.need("making a folder", err)
	tb.Cleanup(func() {
		for i := range p.nodes {
			p.Kill(i)
		}
		p.need("deleting the pair", os.RemoveAll(p.folder))
	})
	for i := range p.nodes {
		p.nodes[i] = node{data: filepath.Join(p.folder, "data"+strconv.Itoa(i)), port: freePort(tb)}
	}
	p.need("making a primary", initdb(bin, p.nodes[0].data, p.as()))
	p.Start(0)
	p.Join(1)
	return p
}

func (p *Pair) need(doing string, err error) {
	p.tb.Helper()
	if err != nil {
		p.tb.Fatal(doing, ": ", err)
	}
}

func (p *Pair) as() *syscall.SysProcAttr {
	p.tb.Helper()
	as, err := owner(p.folder)
	p.need("choosing a user", err)
	return as
}

// freePort returns a TCP port that is not in use.
func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port //nolint:errcheck // of a TCP listener
}

// Port returns the node's port on 127.0.0.1.
func (p *Pair) Port(i int) int { return p.nodes[i].port }

// URL returns a DATABASE_URL with both nodes in the order of the ports, node 0 first if
// none are given.
func (p *Pair) URL(ports ...int) string {
	if len(ports) == 0 {
		ports = []int{p.nodes[0].port, p.nodes[1].port}
	}
	hosts := make([]string, len(ports))
	for i, port := range ports {
		hosts[i] = "127.0.0.1:" + strconv.Itoa(port)
	}
	return "postgres://glassjar@" + strings.Join(hosts, ",") + "/postgres?sslmode=disable"
}

// Start starts the node on its data and waits until it answers.
func (p *Pair) Start(i int) {
	p.tb.Helper()
	n := &p.nodes[i]
	var err error
	n.running, err = launch(p.bin, n.data, p.as(), "listen_addresses=127.0.0.1", "port="+strconv.Itoa(n.port),
		"unix_socket_directories="+p.folder, "max_connections=60", "shared_buffers=32MB", "fsync=off", "full_page_writes=off",
		"wal_receiver_timeout=2s", "wal_sender_timeout=2s", "wal_retrieve_retry_interval=100ms")
	p.need("starting PostgreSQL", err)
	p.until(i, `SELECT true`, "it answers")
}

// Exec runs the statements on the node.
func (p *Pair) Exec(i int, statements ...string) {
	p.tb.Helper()
	for _, q := range statements {
		p.need(q, p.ask(i, func(ctx context.Context, at *sql.DB) error {
			_, err := at.ExecContext(ctx, q)
			return err
		}))
	}
}

// Int runs the query on the node and returns the number that it selects.
func (p *Pair) Int(i int, q string) (n int) {
	p.tb.Helper()
	p.need(q, p.ask(i, func(ctx context.Context, at *sql.DB) error { return at.QueryRowContext(ctx, q).Scan(&n) }))
	return n
}

func (p *Pair) ask(i int, what func(context.Context, *sql.DB) error) error {
	at, err := sql.Open("pgx", p.URL(p.nodes[i].port)+"&connect_timeout=2")
	if err != nil {
		return err
	}
	defer at.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return what(ctx, at)
}

// until waits until the query returns true on the node.
func (p *Pair) until(i int, q, what string) {
	p.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		var is bool
		err := p.ask(i, func(ctx context.Context, at *sql.DB) error { return at.QueryRowContext(ctx, q).Scan(&is) })
		if err == nil && is {
			return
		}
		select {
		case died := <-p.nodes[i].running.died:
			p.tb.Fatal(died)
		case <-time.After(20 * time.Millisecond):
		}
		if ctx.Err() != nil {
			p.tb.Fatalf("node %d: not within 30 s: %s (error %v)", i, what, err)
		}
	}
}

// Join makes the node the synchronous standby of the other one, with a new copy of its
// data.
func (p *Pair) Join(i int) {
	p.tb.Helper()
	n, primary := &p.nodes[i], 1-i
	p.need("deleting the old data", os.RemoveAll(n.data))
	p.Exec(primary, `ALTER SYSTEM SET synchronous_standby_names = ''`, `SELECT pg_reload_conf()`)
	backup := exec.CommandContext(context.Background(), filepath.Join(p.bin, "pg_basebackup"), "-D", n.data, "-R", "-c", "fast", "--no-sync", // #nosec G204 -- our own
		"-h", "127.0.0.1", "-p", strconv.Itoa(p.nodes[primary].port), "-U", "glassjar")
	backup.SysProcAttr, backup.Dir = p.as(), p.folder
	if out, err := backup.CombinedOutput(); err != nil {
		p.tb.Fatalf("pg_basebackup: %v: %s", err, out)
	}
	p.Start(i)
	p.Exec(primary, `ALTER SYSTEM SET synchronous_standby_names = '*'`, `SELECT pg_reload_conf()`)
	p.until(primary, `SELECT COUNT(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync'`, "the standby is synchronous")
}

// Promote makes the standby a primary, as a failover manager would.
func (p *Pair) Promote(i int) {
	p.tb.Helper()
	p.until(i, `SELECT CASE WHEN pg_is_in_recovery() THEN NOT pg_promote(false) ELSE true END`, "it is promoted")
}

// Kill ends the node without warning, as a power failure would.
func (p *Pair) Kill(i int) {
	n := &p.nodes[i]
	if n.running == nil {
		return
	}
	p.Signal(i, syscall.SIGSTOP) // so that it starts no further processes
	p.Signal(i, syscall.SIGKILL)
	<-n.running.died
	n.running = nil
}

// Signal sends the signal to every process of the node.
func (p *Pair) Signal(i int, s syscall.Signal) {
	p.tb.Helper()
	p.need("sending a signal", p.nodes[i].running.signal(s))
}
