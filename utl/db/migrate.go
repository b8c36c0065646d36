package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables up to date. The caller holds the lock: goose takes
// none on SQLite.
func migrate(ctx context.Context, pool *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, pool, files,
		goose.WithDisableGlobalRegistry(true), goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	have, know, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("reading the database's version: %w", classify("asking", err))
	}
	if have > know {
		return fmt.Errorf("the database is of version %d, newer than this program, which knows %d: use a newer glassjar", have, know)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("updating the tables: %w", classify("migrating", err))
	}
	return nil
}

// lock waits until no other process holds the file's lock (flock), or ctx
// ends, and returns what gives it back.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- beside the database
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) // #nosec G115 -- a file descriptor
		switch {
		case err == nil:
			return func() { _ = f.Close() }, nil
		case ctx.Err() != nil:
			return nil, errors.Join(ctx.Err(), f.Close())
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return nil, errors.Join(&os.PathError{Op: "flock", Path: path, Err: err}, f.Close())
		}
		time.Sleep(10 * time.Millisecond) // a waiting flock would not hear ctx
	}
}
