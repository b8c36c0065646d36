// Package db opens the SQLite database, brings its tables up to date and runs
// transactions. One connection writes, others read beside it. It refuses a
// database that a newer glassjar made, and a file that was taken away or
// replaced while it was open. A transaction that Tx has committed is on disk.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"runtime"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrNone means that no row matched.
	ErrNone = errors.New("no such row")
	// ErrConflict means that a row with that key exists.
	ErrConflict = errors.New("the row exists")
	// ErrUnavailable means that the database cannot answer now: it is locked,
	// full, read-only, broken or gone. Nothing was changed.
	ErrUnavailable = errors.New("the database is unavailable")
)

// patience bounds one use of the database, its wait for locks included.
const patience = 4 * time.Second

// DB is an open database. Its methods may be called from many goroutines.
type DB struct {
	write, read *sql.DB
	reads       *statements
	path        string
	wal         string      // path of the -wal file
	file        os.FileInfo // what path was when it was opened
}

// Tx is a transaction that may write. Others wait until it ends.
type Tx struct{ statements statements }

// Row is one result row, ready to be scanned.
type Row interface{ Scan(dest ...any) error }

// Querier is what rows can be read from: a *DB, or a *Tx to see its changes.
type Querier interface {
	query(ctx context.Context, q string, args []any) (*sql.Rows, context.CancelFunc, error)
}

// Open opens the database file at path, making it (mode 0600) where there is
// none, and brings its tables up to date, one process at a time. It refuses
// files that others can read, and another program's database, which it leaves
// as it is. Errors: ErrForeign, ErrUnavailable and the file system's.
func Open(ctx context.Context, path string) (*DB, error) {
	d := &DB{path: path}
	var err error
	if d.file, err = createFile(path); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	unlock, err := lock(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	defer unlock()
	if d.wal, err = walPath(path); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if err := checkOurs(ctx, path); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	d.write, d.read = open(path, "_txlock=immediate"), open(path, "_query_only=1")
	d.write.SetMaxOpenConns(1)
	d.read.SetMaxOpenConns(2 * runtime.NumCPU())
	d.read.SetMaxIdleConns(2)
	d.reads = &statements{in: d.read, known: map[string]*sql.Stmt{}}
	if err := migrate(ctx, d.write); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Close closes the database; calls after it fail.
func (d *DB) Close() error {
	return errors.Join(d.write.Close(), d.read.Close())
}

// open returns a pool whose every connection has our pragmas: an Exec would
// reach only one of them.
func open(path, more string) *sql.DB {
	return connect(path, "_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_dqs=0&"+more)
}

// connect returns a pool with the pragmas. SQLite makes no file (mode=rw): its
// mode would not be 0600, and an empty database is not the one that was taken
// away.
func connect(path, pragmas string) *sql.DB {
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=rw&_busy_timeout=3000&"+pragmas)
	if err != nil {
		panic(err) // the driver is compiled in
	}
	return pool
}

// Tx runs fn in a transaction and commits it, or takes everything back when
// fn fails. Errors: ErrUnavailable, and whatever fn returned.
func (d *DB) Tx(ctx context.Context, fn func(*Tx) error) error {
	if err := d.present(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tx, err := d.write.BeginTx(ctx, nil)
	if err != nil {
		return classify("beginning a transaction", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err = fn(&Tx{statements{in: tx, known: map[string]*sql.Stmt{}}}); err == nil {
		err = classify("committing", tx.Commit())
	}
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil { // ctx ended meanwhile and took everything back
		err = classify("finishing a transaction", ctx.Err())
	}
	return err
}

// Exec runs a statement and returns the number of rows it changed.
// Errors: ErrConflict, ErrUnavailable.
func (t *Tx) Exec(ctx context.Context, q string, args ...any) (int64, error) {
	res, err := t.statements.exec(ctx, q, args)
	if err != nil {
		return 0, classify("writing", err)
	}
	return res.RowsAffected()
}

func (t *Tx) query(ctx context.Context, q string, args []any) (*sql.Rows, context.CancelFunc, error) {
	rows, err := t.statements.query(ctx, q, args)
	return rows, func() {}, err
}

func (d *DB) query(ctx context.Context, q string, args []any) (*sql.Rows, context.CancelFunc, error) {
	if err := d.present(); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	rows, err := d.reads.query(ctx, q, args)
	if err != nil {
		cancel()
	}
	return rows, cancel, err
}

// All returns every row of the query, each read by scan. The query bounds them.
// Errors: ErrUnavailable.
func All[T any](ctx context.Context, from Querier, scan func(Row) (T, error), q string, args ...any) ([]T, error) {
	return read(ctx, from, scan, math.MaxInt, q, args)
}

// One returns the first row of the query, read by scan.
// Errors: ErrNone, ErrUnavailable.
func One[T any](ctx context.Context, from Querier, scan func(Row) (T, error), q string, args ...any) (T, error) {
	first, err := read(ctx, from, scan, 1, q, args)
	if err == nil && len(first) == 0 {
		err = ErrNone
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return first[0], nil
}

// read returns the first rows of the query, most at most.
func read[T any](ctx context.Context, from Querier, scan func(Row) (T, error), most int, q string, args []any) ([]T, error) {
	rows, done, err := from.query(ctx, q, args)
	if err != nil {
		return nil, classify("reading", err)
	}
	defer done()
	defer rows.Close()
	var all []T
	for len(all) < most && rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, classify("reading a row", err)
		}
		all = append(all, one)
	}
	return all, classify("reading rows", rows.Err())
}

// Int scans a row that is one whole number.
func Int(r Row) (n int64, err error) {
	err = r.Scan(&n)
	return n, err
}

// Text scans a row that is one string.
func Text(r Row) (s string, err error) {
	err = r.Scan(&s)
	return s, err
}

// present returns ErrUnavailable when the file is no longer the one that was
// opened: SQLite would go on writing into a file that nobody can find.
func (d *DB) present() error {
	now, err := os.Stat(d.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if !os.SameFile(now, d.file) {
		return fmt.Errorf("%w: %s was replaced", ErrUnavailable, d.path)
	}
	return nil
}

// classify gives a driver's error its place among ours; doing says what was
// tried, in the gerund.
func classify(doing string, err error) error {
	var se *sqlite.Error
	switch {
	case err == nil, errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
	case !errors.As(err, &se):
		return fmt.Errorf("%s: %w", doing, err)
	case se.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE, se.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fmt.Errorf("%s: %w", doing, ErrConflict)
	case se.Code()&0xff == sqlite3.SQLITE_ERROR, se.Code()&0xff == sqlite3.SQLITE_CONSTRAINT:
		return fmt.Errorf("%s: %w", doing, err) // our own mistake: bad SQL, a broken rule
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
}

// Micros returns t as the database keeps it: microseconds since 1970.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time returns the UTC time that the database keeps as n microseconds.
func Time(n int64) time.Time { return time.UnixMicro(n).UTC() }
