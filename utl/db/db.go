// Package db opens the database, SQLite or PostgreSQL, updates its tables and runs
// transactions. The text of the queries is the same for both; the README tells how the
// databases differ and what each guarantees. The package refuses a database that a
// newer glassjar has updated, and an SQLite file that was removed or replaced while it
// was open. A transaction that Tx has committed is on disk.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"time"
)

var (
	// ErrNone means that no row matched.
	ErrNone = errors.New("no such row")

	// ErrConflict means that a row with that key exists already.
	ErrConflict = errors.New("the row exists")

	// ErrUnavailable means that the database cannot answer now: it is locked, full,
	// read-only, damaged or gone. Nothing was changed, with one exception: if a
	// connection to PostgreSQL was lost during a commit, it is not known whether the
	// commit took place.
	ErrUnavailable = errors.New("the database is unavailable")
)

// useTimeout is the longest time that one query may take, or with SQLite one
// transaction. Waiting for locks is included.
const useTimeout = 4 * time.Second

// DB is an open database. Its methods may be called from many goroutines.
type DB struct {
	engine engine

	write, read, reserve *sql.DB // with SQLite read and reserve are one pool, with PostgreSQL write and read
	reads, reserved      *statements
	clock                atomic.Pointer[Clock] // with PostgreSQL, once DB.Clock was called
	push                 push
	failures             atomic.Uint64 // calls that failed with ErrUnavailable
}

// engine is what differs between SQLite and PostgreSQL, apart from opening them.
type engine interface {
	// checkPresent returns ErrUnavailable when the database file is gone.
	checkPresent() error
	// withTimeout returns the ctx for one query.
	withTimeout(ctx context.Context) (context.Context, context.CancelFunc)
	// boundedTx returns the ctx of a transaction, and what watches over it.
	boundedTx(ctx context.Context) (context.Context, *watch)
	// lock is Tx.Lock.
	lock(ctx context.Context, tx *Tx, name string) error
	// isRetryable reports whether a transaction was rolled back because of a conflict
	// with another one.
	isRetryable(err error) bool
	// lostConnection reports whether err means that the connection is gone. If so it
	// closes the idle ones, so that a retry gets a new one.
	lostConnection(err error) bool
	// run is DB.Run.
	run(ctx context.Context, d *DB, log *slog.Logger)
	// failed is called with the error of every query and transaction that failed,
	// after its retries.
	failed(ctx context.Context, err error)
	// statements returns a runner of queries in the pool or transaction.
	statements(in runner) *statements

	movable
}

// Row is one result row, ready to be scanned.
type Row interface{ Scan(dest ...any) error }

// Querier is a source of rows: a *DB, or a *Tx to see the transaction's changes.
type Querier interface {
	query(ctx context.Context, q string, args []any) (*sql.Rows, context.CancelFunc, error)
}

// Postgres reports whether the database is PostgreSQL.
func (d *DB) Postgres() bool {
	_, is := d.engine.(*postgres)
	return is
}

// Close closes the database; calls after it fail. It sends a pending notification
// first, because a command ends before Run would send it.
func (d *DB) Close() error {
	select {
	case <-d.push.pending:
		d.sendNotify(context.Background())
	default:
	}
	return errors.Join(d.write.Close(), d.read.Close(), d.reserve.Close())
}

func (d *DB) query(ctx context.Context, q string, args []any) (*sql.Rows, context.CancelFunc, error) {
	return d.queryIn(ctx, d.reads, q, args)
}

func (d *DB) queryIn(ctx context.Context, in *statements, q string, args []any) (*sql.Rows, context.CancelFunc, error) {
	err := d.engine.checkPresent()
	if err == nil {
		err = ended(ctx)
	}
	if err != nil {
		d.note(err)
		return nil, nil, err
	}
	ctx, cancel := d.engine.withTimeout(ctx)
	rows, err := in.query(ctx, q, args)
	if d.engine.lostConnection(err) {
		rows, err = in.query(ctx, q, args)
	}
	if err != nil {
		d.failed(ctx, err)
		cancel()
	}
	return rows, cancel, err
}

// Failures returns how many calls failed with ErrUnavailable since the database was
// opened.
func (d *DB) Failures() uint64 { return d.failures.Load() }

// failed counts the error of a query or transaction, and hands it to the engine.
func (d *DB) failed(ctx context.Context, err error) {
	d.note(err)
	d.engine.failed(ctx, err)
}

func (d *DB) note(err error) {
	if errors.Is(classify("", err), ErrUnavailable) {
		d.failures.Add(1)
	}
}

// ended returns ctx's error, or nil.
func ended(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	default:
		return nil
	}
}

// Reserved returns a Querier over connections that requests do not use, for reads
// that must work while all others are busy.
func (d *DB) Reserved() Querier { return reserved{d} }

type reserved struct{ db *DB }

func (r reserved) query(ctx context.Context, q string, args []any) (*sql.Rows, context.CancelFunc, error) {
	return r.db.queryIn(ctx, r.db.reserved, q, args)
}

// All returns every row of the query, each read by scan. The query must have a
// LIMIT, or a condition that bounds its rows.
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

// read returns at most this many of the query's first rows.
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

// classify wraps a driver's error in the error of this package that it stands for.
// doing names what failed, such as "reading".
func classify(doing string, err error) error {
	switch {
	case err == nil, errors.Is(err, ErrUnavailable):
		return err
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", doing, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
	}
	place := sqliteError(err)
	if place == nil {
		place = postgresError(err)
	}
	switch place {
	case nil: // a bug: bad SQL, a violated constraint
		return fmt.Errorf("%s: %w", doing, err)
	case ErrUnavailable: //nolint:errorlint // the functions above return it unwrapped
		return fmt.Errorf("%s: %w: %w", doing, place, advised(err))
	}
	return fmt.Errorf("%s: %w", doing, place)
}

// Flag returns b in the form that the database stores: 1 or 0.
func Flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Micros returns t in the form that the database stores: microseconds since 1970.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// Time returns the UTC time of n microseconds since 1970, as the database stores it.
func Time(n int64) time.Time { return time.UnixMicro(n).UTC() }
