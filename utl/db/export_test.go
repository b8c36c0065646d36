package db

import (
	"context"
	"database/sql"
)

// Pools returns the pools that write and read.
func (d *DB) Pools() (write, read *sql.DB) { return d.write, d.read }

// LockFile is how Open keeps others out.
func LockFile(ctx context.Context, path string) (unlock func(), err error) { return lock(ctx, path) }

// Prepared returns how many of the readers' statements are kept.
func (d *DB) Prepared() int { return len(d.reads.known) }
