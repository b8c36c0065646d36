package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"runtime"
	"syscall"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// sqliteFile is the engine of an SQLite file. One connection writes while others
// read.
type sqliteFile struct {
	path   string
	wal    string      // path of the -wal file
	opened os.FileInfo // of path, when it was opened
}

// Open opens the database file at path and updates its tables; only one process does so
// at a time. It creates the file, with mode 0600, if it is missing. It refuses files
// that other users can read, and another program's database, which it does not change.
// Errors: ErrForeign, ErrUnavailable, and those of the file system.
func Open(ctx context.Context, path string) (*DB, error) {
	f := &sqliteFile{path: path}
	var err error
	if f.opened, err = createFile(path); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	unlock, err := lock(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	defer unlock()
	if f.wal, err = walPath(path); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	if err := checkOurs(ctx, path); err != nil {
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	d := &DB{engine: f, write: open(path, "_txlock=immediate"), read: open(path, "_query_only=1")}
	d.write.SetMaxOpenConns(1)
	d.read.SetMaxOpenConns(2 * runtime.NumCPU())
	d.read.SetMaxIdleConns(2)
	d.reads, d.reserve = f.statements(d.read), d.read // readers do not wait for writers
	d.reserved = d.reads
	if err := migrate(ctx, goose.DialectSQLite3, d.write, f.backUpBeforeUpdate); err != nil {
		return nil, errors.Join(noRoom(path, err), d.Close())
	}
	return d, nil
}

// open returns a pool in which every connection has glassjar's pragmas. Exec would set
// them on one connection only.
func open(path, more string) *sql.DB {
	return connect(path, "_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_dqs=0&"+more)
}

// connect returns a pool of connections with the pragmas. SQLite must not create the
// file (mode=rw): its mode would not be 0600, and it would be an empty database in
// place of one that was removed.
func connect(path, pragmas string) *sql.DB {
	pool, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=rw&_busy_timeout=3000&"+pragmas)
	if err != nil {
		panic(err) // the driver is compiled in
	}
	return pool
}

// checkPresent returns ErrUnavailable when the file is no longer the one that was
// opened: SQLite would go on writing into a file that nobody can find.
func (f *sqliteFile) checkPresent() error {
	now, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if !os.SameFile(now, f.opened) {
		return fmt.Errorf("%w: %s was replaced", ErrUnavailable, f.path)
	}
	return nil
}

func (f *sqliteFile) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, useTimeout)
}

func (f *sqliteFile) boundedTx(ctx context.Context) (context.Context, *watch) {
	ctx, cancel := f.withTimeout(ctx)
	return ctx, &watch{cancel: cancel}
}

// lock does nothing: a transaction that writes locks the whole file.
func (f *sqliteFile) lock(context.Context, *Tx, string) error { return nil }

// isRetryable reports false: transactions do not conflict.
func (f *sqliteFile) isRetryable(error) bool { return false }

// lostConnection reports false: there is no network connection.
func (f *sqliteFile) lostConnection(error) bool { return false }

func (f *sqliteFile) failed(context.Context, error) {}

func (f *sqliteFile) statements(in runner) *statements {
	return &statements{in: in, known: map[string]*sql.Stmt{}}
}

// sqliteError returns the error of this package that an error of SQLite stands for, or
// nil.
func sqliteError(err error) error {
	var se *sqlite.Error
	switch {
	case !errors.As(err, &se):
		return nil
	case se.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE, se.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return ErrConflict
	case se.Code()&0xff == sqlite3.SQLITE_ERROR, se.Code()&0xff == sqlite3.SQLITE_CONSTRAINT:
		return nil
	}
	return ErrUnavailable
}

// noRoom names the file that was written when err is that of a full disk, which SQLite does
// not. Other errors it returns as they are.
func noRoom(path string, err error) error {
	var se *sqlite.Error
	if errors.As(err, &se) && se.Code()&0xff == sqlite3.SQLITE_FULL || errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%s cannot be written: its disk is full", path)
	}
	return err
}

// needFolder is what an operator has to know when the database's folder cannot be written to.
const needFolder = "SQLite writes files beside the database, so the user that runs glassjar must be able to write in its folder"

// advised adds what to do to an error of SQLite that does not say it.
func advised(err error) error {
	var se *sqlite.Error
	if errors.As(err, &se) && advice(se.Code()) != "" {
		return fmt.Errorf("%w: %s", err, advice(se.Code()))
	}
	return err
}

// advice returns what to do about the error with SQLite's code, or "".
func advice(code int) string {
	if code == sqlite3.SQLITE_READONLY_DIRECTORY {
		return needFolder
	}
	return ""
}
