package process

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/keyring"
	"glassjar/utl/proxytest"
	"glassjar/utl/tooltest"
)

// pgbouncerINI is PgBouncer's configuration. Its values are PostgreSQL's host and
// database, and PgBouncer's address.
const pgbouncerINI = `[databases]
jar = host=%s dbname=%s user=glassjar
[pgbouncer]
listen_addr = %s
listen_port = %s
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
`

// pooler runs PgBouncer in transaction mode, with fewer connections to PostgreSQL than
// one server has to it, and returns the database's URL through it as in utl/db/README.md.
func pooler(t *testing.T, database string) string {
	t.Helper()
	program := tooltest.Need(t, "pgbouncer")
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	at := proxytest.Free(t)
	host, port, _ := strings.Cut(at, ":")
	folder, err := os.MkdirTemp("", "pgbouncer") //nolint:usetesting // PgBouncer runs as another user, who cannot open the test's own folder
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	settings := fmt.Sprintf(pgbouncerINI, u.Query().Get("host"), strings.TrimPrefix(u.Path, "/"), host, port)
	args := []string{filepath.Join(folder, "pgbouncer.ini")}
	if err := os.WriteFile(args[0], []byte(settings), 0o644); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // PgBouncer refuses to run as root
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		args = append([]string{"--user", unprivileged()}, args...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	listens(ctx, t, at)
	return "postgres://glassjar@" + at + "/jar?sslmode=disable&default_query_exec_mode=exec"
}

// unprivileged returns a user other than root.
func unprivileged() string {
	if _, err := user.Lookup("postgres"); err == nil {
		return "postgres"
	}
	return "nobody"
}

// listens waits until somebody listens on the address, or ctx ends.
func listens(ctx context.Context, t *testing.T, at string) {
	t.Helper()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", at)
		if err == nil {
			_ = c.Close()
			return
		}
		if ctx.Err() != nil {
			t.Fatal("PgBouncer does not listen: ", err)
		}
	}
}

// Attack servers/pooler, servers/listener: two servers use PgBouncer in transaction mode,
// without LISTEN and prepared statements: everything works, and sessions that end on one
// are refused on the other after a poll.
func TestThroughPgBouncer(t *testing.T) {
	t.Parallel()
	database := dbtest.Need(t).New(t)
	keys, err := keyring.New()
	if err != nil {
		t.Fatal(err)
	}
	through := pooler(t, database)
	var servers [2]*program
	for i := range servers {
		servers[i] = start(t, machine(t, through, keys))
	}
	endsElsewhere(t, servers[0], servers[1])
	for _, p := range servers {
		p.stop()
	}
}
