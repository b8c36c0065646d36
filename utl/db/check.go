package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"syscall"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// maxProblems is how many problems of one kind a check returns at most.
const maxProblems = 20

// Check reads the whole SQLite file and returns its problems, one sentence each. For
// PostgreSQL, which has its own tools, it returns none.
// Errors: ErrUnavailable.
func (d *DB) Check(ctx context.Context) (problems []string, err error) {
	file, ok := d.engine.(*sqliteFile)
	if !ok {
		return nil, nil
	}
	if err := file.checkPresent(); err != nil {
		return nil, err
	}
	return checkSQLite(ctx, file.path)
}

// Copy is what CheckFile found out about a file.
type Copy struct {
	Problems  []string
	CreatedAt time.Time // when the backup was made; zero if the file is not marked as a backup
	Version   int64     // of its tables
	Known     int64     // the version that this program knows
}

// CheckFile is Check for a backup that no program has open. It does not change the
// file. That there is none, or no database in it, counts as a problem, too. Errors: those
// of the file system.
func CheckFile(ctx context.Context, path string) (Copy, error) {
	c, err := checkFile(ctx, path)
	if problem := unfit(err); problem != "" {
		c.Problems, err = append(c.Problems, problem), nil
	}
	return c, err
}

// unfit returns what the error says about a backup, or "" if it is of another kind.
func unfit(err error) string {
	var se *sqlite.Error
	switch {
	case errors.Is(err, ErrForeign):
		return "this is no backup of glassjar"
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, syscall.EISDIR):
		return "this is a folder, and a backup is a file"
	case errors.As(err, &se) && (slices.Contains(damaged, se.Code()) || slices.Contains(damaged, se.Code()&0xff)):
		return "it is damaged or cut off: do not restore it"
	case errors.Is(err, ErrUnavailable):
		return fmt.Sprintf("it cannot be read: %v", err)
	}
	return ""
}

// damaged are SQLite's codes for a file whose content is wrong.
var damaged = []int{sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR_SHORT_READ}

// checkFile reads the copy; CheckFile makes problems of some of its errors. Errors: ErrForeign, ErrUnavailable, and those of the file system.
func checkFile(ctx context.Context, path string) (c Copy, err error) {
	if err := checkOurs(ctx, path); err != nil {
		return c, err
	}
	if c.Problems, err = checkSQLite(ctx, path); err != nil {
		return c, err
	}
	if c.Known, err = Known(); err != nil {
		return c, err
	}
	pool := connect(path, "_query_only=1")
	defer pool.Close()
	var filled bool
	err = pool.QueryRowContext(ctx, `SELECT COUNT(*) > 0 FROM sqlite_schema WHERE name = 'accounts'`).Scan(&filled)
	if err == nil && !filled {
		c.Problems = append(c.Problems, "it is empty: no site was ever in it")
		return c, pool.Close()
	}
	if err != nil {
		return c, classify("reading which tables there are", err)
	}
	var made sql.NullInt64
	err = pool.QueryRowContext(ctx, `SELECT MAX(version_id) FROM goose_db_version WHERE is_applied`).Scan(&c.Version)
	if err == nil && c.Version >= 22 { // older backups are not marked
		err = pool.QueryRowContext(ctx, `SELECT MAX(made_at) FROM backups`).Scan(&made)
	}
	if err != nil {
		return c, classify("reading what it is", err)
	}
	if made.Valid {
		c.CreatedAt = Time(made.Int64)
	}
	return c, pool.Close()
}

// checkSQLite runs SQLite's integrity and foreign-key checks on the file at path. They
// have no time limit but ctx's.
func checkSQLite(ctx context.Context, path string) (problems []string, err error) {
	pool := connect(path, "_query_only=1")
	defer pool.Close()
	for _, q := range []string{
		fmt.Sprintf(`SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok' LIMIT %d`, maxProblems),
		fmt.Sprintf(`SELECT "table" || ' row ' || COALESCE(rowid, '?') || ' names a row of ' || parent || ' that is not there' FROM pragma_foreign_key_check LIMIT %d`, maxProblems),
	} {
		found, err := texts(ctx, pool, q)
		if err != nil {
			return nil, classify("checking", err)
		}
		problems = append(problems, found...)
	}
	return problems, pool.Close()
}

// Known returns the newest version of the tables that this program knows.
func Known() (int64, error) {
	all, err := migrations(goose.DialectSQLite3)
	if err != nil {
		return 0, err
	}
	return all[len(all)-1].Version, nil
}
