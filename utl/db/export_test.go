package db

import (
	"context"
	"database/sql"
	"os"
	"time"

	"github.com/pressly/goose/v3"
)

// Pools returns the pools that write and that read.
func (d *DB) Pools() (write, read *sql.DB) { return d.write, d.read }

// LockFile takes the lock that Open takes.
func LockFile(ctx context.Context, path string) (unlock func(), err error) { return lock(ctx, path) }

// Prepared returns how many prepared statements are cached for reads.
func (d *DB) Prepared() int { return len(d.reads.known) }

// Heard adds one answer to the clock: at the time now, the database's clock was so far
// ahead.
func (c *Clock) Heard(now time.Time, ahead time.Duration) { c.addAnswer(now, ahead) }

// Due reports whether a notification is to be sent.
func (d *DB) Due() bool { return len(d.push.pending) > 0 }

// CloseResting closes PostgreSQL's idle connections.
func (d *DB) CloseResting() { d.engine.(*postgres).closeIdle() } //nolint:errcheck // only tests on PostgreSQL call it

// CopyInto writes a copy of an SQLite database to the file, for a backup at path.
func (d *DB) CopyInto(ctx context.Context, to *os.File, path string) error {
	return d.engine.(*sqliteFile).copyInto(ctx, to, path) //nolint:errcheck // only tests on SQLite call it
}

// Advice returns what to do about the error with SQLite's code.
func Advice(code int) string { return advice(code) }

// RunMigration runs a PostgreSQL migration of these statements.
func RunMigration(ctx context.Context, tx *sql.Tx, statements string) error {
	return run(goose.DialectPostgres, statements)(ctx, tx)
}
