package db

import (
	"context"
	"database/sql"
	"time"
)

// Pools returns the pools that write and read.
func (d *DB) Pools() (write, read *sql.DB) { return d.write, d.read }

// LockFile is how Open keeps others out.
func LockFile(ctx context.Context, path string) (unlock func(), err error) { return lock(ctx, path) }

// Prepared returns how many of the readers' statements are kept.
func (d *DB) Prepared() int { return len(d.reads.known) }

// Heard has the clock hear, at a time, how far the database's is ahead.
func (c *Clock) Heard(now time.Time, ahead time.Duration) { c.addAnswer(now, ahead) }

// Due reports whether a notice waits to be given.
func (d *DB) Due() bool { return len(d.push.pending) > 0 }

// CloseResting closes PostgreSQL's connections that nobody uses now.
func (d *DB) CloseResting() { d.engine.(*postgres).closeIdle() } //nolint:errcheck // it is one
