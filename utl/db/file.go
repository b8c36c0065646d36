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

// ErrForeign means that the file holds something that glassjar did not make.
var ErrForeign = errors.New("it is not glassjar's database, and nothing in it was changed: set DATABASE_URL to another file")

// createFile creates the file with mode 0600 if it is missing, and returns its
// FileInfo. It refuses a file that others can read.
func createFile(path string) (os.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- the owner's setting
	if errors.Is(err, fs.ErrNotExist) {
		folder := filepath.Dir(path)
		if _, missing := os.Stat(folder); errors.Is(missing, fs.ErrNotExist) {
			return nil, fmt.Errorf("its folder is missing: mkdir -p %s, or set DATABASE_URL to another place: %w", folder, err)
		}
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

// checkSecret refuses a database that others can read, itself or in the files
// that SQLite keeps beside it.
func checkSecret(path string) error {
	target, err := filepath.EvalSymlinks(path) // SQLite keeps them beside a link's target
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

// walPath returns the path of the -wal file, which is beside a link's target.
func walPath(path string) (string, error) {
	target, err := filepath.EvalSymlinks(path)
	return target + "-wal", err
}

// lock waits until no other process is opening the database, or ctx ends, and
// returns the function that unlocks. The lock file stays.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(target+".lock", os.O_RDWR|os.O_CREATE, 0o600) // #nosec G304 -- beside the database
	if err != nil {
		return nil, err
	}
	if err := files.Lock(ctx, f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

// checkOurs returns ErrForeign when another program made the database. Call it
// before opening any connection, which would change the file.
func checkOurs(ctx context.Context, path string) error {
	f, err := os.Open(path) // #nosec G304 -- the owner's setting
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, len(magic))
	switch n, err := io.ReadFull(f, head); {
	case n == 0 && errors.Is(err, io.EOF):
		return nil // it was just made
	case err != nil && !errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case string(head) != magic:
		return fmt.Errorf("%s is no SQLite database: %w", path, ErrForeign)
	}
	pool := connect(path, "_query_only=1")
	defer pool.Close()
	return checkTables(ctx, pool, path)
}

// magic is what every SQLite database begins with.
const magic = "SQLite format 3\x00"

// checkTables returns ErrForeign when there are tables, and ours are not among
// them. Litestream puts some of its own into databases that it copies, and a
// first start that was killed may have left goose's table alone.
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
