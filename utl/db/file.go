package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"glassjar/utl/files"
)

// ErrForeign means that the file or database was not made by glassjar.
var ErrForeign = errors.New("it is not glassjar's database, and nothing in it was changed: set DATABASE_URL to another")

// createFile creates the file with mode 0600 if it is missing, and returns its
// FileInfo. It refuses a file that other users can read.
func createFile(path string) (os.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- the owner's setting
	if errors.Is(err, fs.ErrNotExist) {
		folder := filepath.Dir(path)
		if _, missing := os.Stat(folder); errors.Is(missing, fs.ErrNotExist) {
			return nil, fmt.Errorf("its folder is missing: mkdir -p %s, or set DATABASE_URL to another place: %w", folder, err)
		}
	}
	if _, missing := os.Stat(path); errors.Is(err, fs.ErrPermission) && errors.Is(missing, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", err, needFolder)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := checkSecret(path); err != nil {
		return nil, err
	}
	return f.Stat()
}

// checkSecret refuses a database that other users can read: the file itself, or those
// that SQLite keeps beside it.
func checkSecret(path string) error {
	target, err := filepath.EvalSymlinks(path) // SQLite keeps its files beside a link's target
	if err != nil {
		return err
	}
	for _, name := range []string{path, target + "-wal", target + "-shm", target + ".lock"} {
		if err := files.Secret(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// walPath returns the path of the -wal file. If path is a symlink, SQLite keeps that
// file beside its target.
func walPath(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	return target + "-wal", err
}

// lock takes the lock that a process holds while it opens the database, waiting until
// it is free or ctx ends, and returns a function that unlocks it. The lock file is not
// removed.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(target+".lock", os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- beside the database
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("%w: %s", err, needFolder)
	}
	if err != nil {
		return nil, err
	}
	if err := files.Lock(ctx, f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// checkOurs returns ErrForeign if another program made the database. Call it before
// opening a connection, which could change the file.
func checkOurs(ctx context.Context, path string) error {
	f, err := os.Open(path) // #nosec G304 -- the owner's setting
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, len(magic))
	switch n, err := io.ReadFull(f, head); {
	case n == 0 && errors.Is(err, io.EOF):
		return nil // a new file
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case string(head) != magic:
		return fmt.Errorf("%s is no SQLite database: %w", path, ErrForeign)
	}
	pool := connect(path, "_query_only=1")
	defer pool.Close()
	return checkTables(ctx, pool, path)
}

// magic is how every SQLite database begins.
const magic = "SQLite format 3\x00"

// checkTables returns ErrForeign if there are tables, but not those of glassjar.
// Tables of Litestream do not count. goose's table may be there alone, after a first
// start that was killed.
func checkTables(ctx context.Context, pool *sql.DB, path string) error {
	var all, versions, ours int
	err := pool.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(name = 'goose_db_version'), 0), COALESCE(SUM(name IN ('accounts', 'sessions', 'links')), 0)
		FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' AND name NOT LIKE '\_litestream\_%' ESCAPE '\'`).
		Scan(&all, &versions, &ours)
	if err != nil {
		return classify("reading which tables there are", err)
	}
	if all > 0 && (versions == 0 || ours < 3 && all > 1) {
		return fmt.Errorf("%s is another program's database: %w", path, ErrForeign)
	}
	return nil
}
