package db

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"
)

// Commits go into the -wal file. A checkpoint copies them into the database
// file: one follows when nobody has written for a second, and one a minute in
// any case, so that whoever copies the one file copies the data.
const (
	checkpointRest  = time.Second
	checkpointTicks = 60 // of checkpointRest
)

// Run keeps an SQLite file complete until ctx ends; closing the last connection
// completes it too. With PostgreSQL it keeps the Clock up to date, and sends and
// receives notifications.
func (d *DB) Run(ctx context.Context, log *slog.Logger) { d.engine.run(ctx, d, log) }

func (f *sqliteFile) run(ctx context.Context, d *DB, log *slog.Logger) {
	ticker := time.NewTicker(checkpointRest)
	defer ticker.Stop()
	var done, seen string
	for ticks := 1; ; ticks++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := f.walState()
		rested := now != done && now == seen && ticks > 1
		seen = now
		if !rested && ticks < checkpointTicks {
			continue
		}
		complete, err := d.checkpoint(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			log.WarnContext(ctx, "the database file is not complete, its -wal file has the rest", "error", err)
			done, ticks = now, 0 // if this one fails, the next is a minute later
		case complete:
			done, ticks = now, 0
		}
	}
}

// walState returns a value that changes with the -wal file, into which commands
// write too.
func (f *sqliteFile) walState() string {
	info, err := os.Stat(f.wal)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano())
}

// checkpoint copies what it can without blocking others, and reports whether that
// was everything.
func (d *DB) checkpoint(ctx context.Context) (complete bool, err error) {
	if err := d.engine.checkPresent(); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, useTimeout)
	defer cancel()
	var busy, frames, copied int64
	err = d.read.QueryRowContext(ctx, `PRAGMA wal_checkpoint(PASSIVE)`).Scan(&busy, &frames, &copied)
	return busy == 0 && frames == copied, classify("copying the -wal file into the database", err)
}
