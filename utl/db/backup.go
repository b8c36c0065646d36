package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"glassjar/utl/files"
)

// ErrNoBackup means that the database is no file.
var ErrNoBackup = errors.New("PostgreSQL backs itself up: pg_dump for one copy, pg_basebackup with its log for any moment")

// Backup writes the database, as it is at one moment, into a new file at path
// that its owner alone can read. Others may write meanwhile. Without an error
// the file is whole and on disk; with one there is no such file. Errors: one
// that wraps fs.ErrExist when there is one already, ErrNoBackup, ErrUnavailable,
// the file system's.
func (d *DB) Backup(ctx context.Context, path string) error {
	file, ok := d.engine.(*sqliteFile)
	if !ok {
		return ErrNoBackup
	}
	path, err := filepath.Abs(path) // SQLite would take "file:x" for a URI
	if err != nil {
		return fmt.Errorf("finding the working folder: %w", err)
	}
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "backup", Path: path, Err: fs.ErrExist}
	}
	if err := file.present(); err != nil {
		return err
	}
	temp, err := openPart(ctx, filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("making the file: %w", err)
	}
	defer temp.Close() // which lets the next backup go on
	defer os.Remove(temp.Name())
	if err := file.copyInto(ctx, temp); err != nil {
		return fmt.Errorf("copying the database: %w", err)
	}
	if err := os.Link(temp.Name(), path); err != nil { // unlike a rename it never replaces a file
		return fmt.Errorf("naming the file: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// partName is the name of a backup that is not whole yet. There is one in a
// folder: what a killed backup left, the next one there takes away.
const partName = ".glassjar-backup.part"

// openPart returns the part of the folder, empty, private and locked: closing
// it unlocks it.
func openPart(ctx context.Context, folder string) (*os.File, error) {
	path := filepath.Join(folder, partName)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600) // #nosec G304 -- the operator chose the folder; SQLite keeps the mode
		if err != nil {
			return nil, err
		}
		ours, err := takePart(ctx, f)
		if ours {
			return f, nil
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}

// takePart locks the part and reports whether it is fresh. One that is not is
// removed, not emptied: a backup that was killed at its very end is the same
// file under two names.
func takePart(ctx context.Context, f *os.File) (fresh bool, err error) {
	if err := files.Lock(ctx, f); err != nil {
		return false, err
	}
	mine, err := f.Stat()
	if err != nil {
		return false, err
	}
	now, err := os.Lstat(f.Name())
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(mine, now) {
		return false, nil // the one who had the lock has removed it
	}
	if err == nil {
		err = files.Secret(f.Name())
	}
	if err == nil && mine.Size() > 0 {
		return false, os.Remove(f.Name())
	}
	return err == nil, err
}

// copyInto writes a copy into the empty file. The copy is on disk when there is
// no error: VACUUM does not see to that.
func (f *sqliteFile) copyInto(ctx context.Context, to *os.File) error {
	pool := connect(f.path, "_query_only=0")
	defer pool.Close()
	if _, err := pool.ExecContext(ctx, `VACUUM INTO ?`, to.Name()); err != nil {
		return classify("reading it", err)
	}
	return to.Sync()
}

func syncFolder(path string) error {
	folder, err := os.Open(path) // #nosec G304 -- the operator chose it
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
