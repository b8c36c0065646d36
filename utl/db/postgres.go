package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

const (
	connections   = 8 // of one server, beside the reserve: twice PostgreSQL's cores serve all servers
	reserveSize   = 2 // connections
	connectWait   = 2 * time.Second
	connectionAge = 30 * time.Minute
	idleAge       = 5 * time.Minute // an idle connection is closed after this time
)

// postgres is the engine of a PostgreSQL database.
type postgres struct {
	cfg   *pgx.ConnConfig
	fence *fence
	text  spellings
	pools []*sql.DB

	closing sync.Mutex // held by closeIdle
}

// limits are settings of each PostgreSQL session, because PostgreSQL goes on with a
// statement when the server that sent it is gone. Behind a pooler
// (default_query_exec_mode=exec) they must be set on the role: a pooler refuses a
// connection that sends such settings.
var limits = map[string]string{
	"statement_timeout":                   "4s",
	"lock_timeout":                        "2s",
	"idle_in_transaction_session_timeout": "10s",
}

// OpenPostgres opens the PostgreSQL database that the URL names and brings its
// tables up to date, one server at a time. The URL may name several hosts: the
// first that takes writes is used. It refuses a database with another program's
// tables. Errors: ErrForeign, ErrUnavailable; none holds the URL or the password.
func OpenPostgres(ctx context.Context, url string) (*DB, error) {
	cfg, err := connection(url)
	if err != nil {
		return nil, err
	}
	f := newFence(cfg)
	f.ask(ctx)
	p := &postgres{cfg: cfg, fence: f}
	d := &DB{engine: p, read: pool(*cfg, connections, f.options()...), reserve: pool(*cfg, reserveSize, f.options()...), push: newPush()}
	if err := migratePostgres(ctx, d.read); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database: %w", owned(cfg, err)), d.read.Close(), d.reserve.Close())
	}
	d.write, p.pools = d.read, []*sql.DB{d.read, d.reserve}
	d.reads, d.reserved = p.statements(d.read), p.statements(d.reserve)
	return d, nil
}

// owned adds to the error of a role that may not make tables what it lacks.
func owned(cfg *pgx.ConnConfig, err error) error {
	if pe, ok := errors.AsType[*pgconn.PgError](err); !ok || pe.Code != "42501" {
		return err
	}
	return fmt.Errorf("%w: the role must own the database and what is in it: ALTER DATABASE %s OWNER TO %s",
		err, pgx.Identifier{cfg.Database}.Sanitize(), pgx.Identifier{cfg.User}.Sanitize())
}

// connection returns the URL's connection settings.
func connection(url string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, errors.New("opening the database: DATABASE_URL cannot be read: postgres://user:password@host/name?sslmode=verify-full, with %40 for an @ in the password") // not err, which holds most of it
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectWait
	}
	cfg.DialFunc = dialer.DialContext
	return cfg, nil
}

// pooled reports whether the URL is set up for a pooler in front of PostgreSQL, which
// may give each transaction another connection.
func pooled(cfg pgx.ConnConfig) bool {
	return cfg.DefaultQueryExecMode != pgx.QueryExecModeCacheStatement
}

// pool returns a pool of so many connections.
func pool(cfg pgx.ConnConfig, size int, more ...stdlib.OptionOpenDB) *sql.DB {
	for name, value := range limits {
		if _, set := cfg.RuntimeParams[name]; !set && !pooled(cfg) {
			cfg.RuntimeParams[name] = value
		}
	}
	p := stdlib.OpenDB(cfg, more...)
	p.SetMaxOpenConns(size)
	p.SetMaxIdleConns(size)
	p.SetConnMaxLifetime(connectionAge)
	p.SetConnMaxIdleTime(idleAge)
	return p
}

// migratePostgres updates the tables, one server at a time. If they are older than the
// program, it needs two connections of the pool, and sets no time limits in its
// transactions: a migration may take longer than a request.
func migratePostgres(ctx context.Context, p *sql.DB) error {
	if err := checkServer(ctx, p); err != nil || upToDate(ctx, p) {
		return err
	}
	held, err := p.BeginTx(ctx, nil)
	if err != nil {
		return classify("connecting", err)
	}
	defer func() { _ = held.Rollback() }() // releases the lock
	for _, q := range []string{
		noTimeLimit, `SET LOCAL idle_in_transaction_session_timeout = 0`, `SET LOCAL lock_timeout = 0`,
		`SELECT pg_advisory_xact_lock(hashtextextended('glassjar migrates', 0))`, // in a transaction: it works through a pooler
	} {
		if _, err := held.ExecContext(ctx, q); err != nil {
			return classify("waiting for other servers that migrate", err)
		}
	}
	return migrate(ctx, goose.DialectPostgres, p, nil)
}

// upToDate reports whether exactly this program's migrations were made. An error, as
// without tables, counts as no.
func upToDate(ctx context.Context, p *sql.DB) bool {
	all, err := migrations(goose.DialectPostgres)
	if err != nil {
		return false
	}
	var newest int64
	var made int
	err = p.QueryRowContext(ctx, `SELECT MAX(version_id), COUNT(DISTINCT version_id) FROM goose_db_version`).Scan(&newest, &made)
	return err == nil && newest == all[len(all)-1].Version && made == len(all)+1 // goose begins with 0
}

// checkServer returns an error if the database is another program's, or if PostgreSQL's
// version or the database's encoding is not supported.
func checkServer(ctx context.Context, p *sql.DB) error {
	var version, all, versions, ours int
	var encoding string
	err := p.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
			COUNT(*), COUNT(*) FILTER (WHERE relname = 'goose_db_version'),
			COUNT(*) FILTER (WHERE relname IN ('accounts', 'sessions', 'links'))
		FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'f') -- tables and views`).Scan(&version, &encoding, &all, &versions, &ours)
	switch {
	case err != nil:
		return classify("reading which tables there are", err)
	case version < 140000:
		return fmt.Errorf("PostgreSQL is of version %d: 14 or newer is needed", version/10000)
	case encoding != "UTF8":
		return fmt.Errorf("the database's encoding is %s: make it with ENCODING 'UTF8' TEMPLATE template0", encoding)
	case all > 0 && (versions == 0 || ours < 3 && all > 1):
		return fmt.Errorf("it is another program's database: %w", ErrForeign)
	}
	return nil
}

// checkPresent does nothing: every use of a connection fails by itself.
func (p *postgres) checkPresent() error { return nil }

// withTimeout returns a ctx that does not end with the request: cancelling a query
// closes its connection, so browsers that hang up could close all of them.
func (p *postgres) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	free, cancel := context.WithTimeout(context.WithoutCancel(ctx), useTimeout)
	at, ok := ctx.Deadline()
	if !ok {
		return free, cancel
	}
	free, sooner := context.WithDeadline(free, at)
	return free, func() { sooner(); cancel() }
}

// boundedTx limits each answer to useTimeout, and the transaction to three times that,
// so that a transaction that makes progress over a slow network is not cancelled.
func (p *postgres) boundedTx(ctx context.Context) (context.Context, *watch) {
	free, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*useTimeout)
	w := &watch{cancel: cancel}
	if at, ok := ctx.Deadline(); ok {
		sooner, end := context.WithDeadline(free, at)
		free, w.cancel = sooner, func() { end(); cancel() }
	}
	w.timer = time.AfterFunc(useTimeout, func() { w.late.Store(true); w.cancel() })
	return free, w
}

func (p *postgres) lock(ctx context.Context, tx *Tx, name string) error {
	_, err := tx.statements.exec(tx.within(ctx), `SELECT pg_advisory_xact_lock(hashtextextended(?, 0))`, []any{name})
	return err
}

// isRetryable reports whether PostgreSQL rolled the transaction back because of a
// deadlock or a serialization failure.
func (p *postgres) isRetryable(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == "40P01" || pe.Code == "40001")
}

func (p *postgres) lostConnection(err error) bool {
	var ce *pgconn.ConnectError
	if err == nil || errors.As(err, &ce) || !isCut(err) {
		return false
	}
	p.closeIdle()
	return true
}

// closeIdle closes the idle connections. A mutex is needed: while SetMaxIdleConns
// closes connections, database/sql would write into the same slice if another call
// allowed idle connections again.
func (p *postgres) closeIdle() {
	p.closing.Lock()
	defer p.closing.Unlock()
	for _, pool := range p.pools {
		size := pool.Stats().MaxOpenConnections
		pool.SetMaxIdleConns(0) // which closes them
		pool.SetMaxIdleConns(size)
	}
}

// isCut reports whether an error means that a connection is gone.
func isCut(err error) bool {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pe.Code == "57P01" || pe.Code == "57P02" // ended by an administrator, or after a crash
	}
	var oe *net.OpError
	return errors.As(err, &oe) && !oe.Timeout() || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, driver.ErrBadConn)
}

func (p *postgres) statements(in runner) *statements { return &statements{in: in, text: &p.text} }

// postgresError returns the error of this package that an error of PostgreSQL or its
// driver stands for, or nil.
func postgresError(err error) error {
	var ce *pgconn.ConnectError
	var pe *pgconn.PgError
	var ne net.Error
	if errors.As(err, &pe) && !errors.As(err, &ce) {
		return sqlstateError(pe.Code)
	}
	if errors.As(err, &ce) || errors.As(err, &ne) || isCut(err) {
		return ErrUnavailable
	}
	return nil
}

// sqlstateError returns the error of this package that an SQLSTATE stands for, or nil.
// The first two characters of an SQLSTATE are its class.
func sqlstateError(code string) error {
	switch code {
	case "23505":
		return ErrConflict
	case "22021": // a text that PostgreSQL cannot store, so no row has it
		return ErrNone
	case "25006", "25P03", "55P03": // read-only, idle in a transaction for too long, lock timeout
		return ErrUnavailable
	}
	switch code[:2] {
	case "08", "28", "40", "53", "57", "58", "XX": // connection, authorization, rollback, resources, operator intervention, system, corruption
		return ErrUnavailable
	}
	return nil
}
