package db

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"glassjar/utl/files"
)

// ErrNoBackup means that the database is not an SQLite file.
var ErrNoBackup = errors.New("PostgreSQL backs itself up: pg_dump for one copy, pg_basebackup with its log for any moment")

// Backup writes a copy of the database to a new file at path with mode 0600. The copy
// is a snapshot: others may write meanwhile. It contains the time at which it was
// made, which Restored returns. If there is no error, the file is complete and synced
// to disk; otherwise there is no file at path. Errors: one that wraps fs.ErrExist if
// the path exists, ErrNoBackup, ErrUnavailable, and those of the file system.
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
	return file.copyTo(ctx, path, os.Link) // unlike os.Rename it never replaces a file
}

// copyTo writes a complete copy of the database to a temporary file, and calls name to
// link or rename it to path.
func (f *sqliteFile) copyTo(ctx context.Context, path string, name func(from, to string) error) error {
	if err := f.checkPresent(); err != nil {
		return err
	}
	temp, err := openPart(ctx, filepath.Dir(path))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("making the file: no folder %s: %w", filepath.Dir(path), fs.ErrNotExist)
	case err != nil:
		return fmt.Errorf("making the file: %w", err)
	}
	defer temp.Close() // also unlocks it for the next backup
	defer os.Remove(temp.Name())
	if err := f.copyInto(ctx, temp, path); err != nil {
		return fmt.Errorf("copying the database: %w", err)
	}
	if err := name(temp.Name(), path); err != nil {
		return fmt.Errorf("naming the file: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// beforeUpdate returns the path of the copy that is made before the tables are
// updated. It is beside the database; there is at most one, of the last update.
func (f *sqliteFile) beforeUpdate() (string, error) {
	path, err := filepath.Abs(f.path)
	return strings.TrimSuffix(path, ".db") + ".before-update.db", err
}

// backUpBeforeUpdate copies the database before its tables are updated, so that one
// can go back to the older program.
func (f *sqliteFile) backUpBeforeUpdate(ctx context.Context) error {
	path, err := f.beforeUpdate()
	if err == nil {
		err = f.copyTo(ctx, path, os.Rename)
	}
	if err != nil {
		return fmt.Errorf("keeping the database as it is, before its tables are brought up to date: %w", err)
	}
	return nil
}

// Restored returns when the backup was made, if the database is a backup that was
// just restored, else the zero time. Call BackupUsed when that was dealt with.
// Errors: ErrUnavailable.
func (d *DB) Restored(ctx context.Context) (time.Time, error) {
	at, err := One(ctx, d, Int, `SELECT made_at FROM backups ORDER BY made_at DESC LIMIT 1`)
	if errors.Is(err, ErrNone) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	return Time(at), nil
}

// BackupUsed records, in the transaction, that the restored backup is in use: from
// then on Restored returns the zero time.
func BackupUsed(ctx context.Context, tx *Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM backups`)
	return err
}

// partName is the name of an unfinished backup. A folder has at most one: if a backup
// was killed, the next one in the folder removes what it left.
const partName = ".glassjar-backup.part"

// openPart creates the unfinished backup in the folder: empty, with mode 0600, and
// locked. Closing it unlocks it.
func openPart(ctx context.Context, folder string) (*os.File, error) {
	path := filepath.Join(folder, partName)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600) // #nosec G304 -- the operator chose the folder; SQLite keeps the mode
		if err != nil {
			return nil, leftOver(path, err)
		}
		ours, err := lockPart(ctx, f)
		if ours {
			return f, nil
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
}

// leftOver adds to the error about the unfinished backup at path, if there is one, that it
// may be deleted.
func leftOver(path string, err error) error {
	if _, missing := os.Lstat(path); missing != nil {
		return err
	}
	return fmt.Errorf("%w: it is what a backup that was killed has left: delete it, unless another user's backup into this folder runs now", err)
}

// lockPart locks the file and reports whether it is new. If it is not, lockPart removes
// it. Truncating it would be wrong: if a backup was killed after linking the finished
// file to its path, both names are the same file.
func lockPart(ctx context.Context, f *os.File) (fresh bool, err error) {
	if err := files.Lock(ctx, f); err != nil {
		return false, err
	}
	mine, err := f.Stat()
	if err != nil {
		return false, err
	}
	now, err := os.Lstat(f.Name())
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(mine, now) {
		return false, nil // the previous holder of the lock has removed it
	}
	if err == nil && files.Secret(f.Name()) != nil {
		return false, leftOver(f.Name(), fmt.Errorf("%s is not this user's alone", f.Name()))
	}
	if err == nil && mine.Size() > 0 {
		return false, os.Remove(f.Name())
	}
	return err == nil, err
}

// copyInto writes a copy of the database to the empty file, marks it as a backup and
// syncs it to disk, which SQLite's VACUUM INTO does not. An error of a full disk names path,
// which the file will have.
func (f *sqliteFile) copyInto(ctx context.Context, to *os.File, path string) (err error) {
	defer func() { err = noRoom(path, err) }()
	pool := connect(f.path, "_query_only=0")
	defer pool.Close()
	if _, err := pool.ExecContext(ctx, `VACUUM INTO ?`, to.Name()); err != nil {
		return classify("reading it", err)
	}
	if err := mark(ctx, to.Name()); err != nil {
		return classify("writing into it", err)
	}
	return to.Sync()
}

// mark records in the copy that it is a backup, unless its tables are too old to hold
// that.
func mark(ctx context.Context, path string) error {
	pool := connect(path, "_journal_mode=DELETE&_synchronous=FULL")
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	var known int
	err := pool.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'backups'`).Scan(&known)
	if err == nil && known > 0 {
		_, err = pool.ExecContext(ctx, `INSERT INTO backups (made_at) VALUES (CAST(unixepoch('subsec') * 1000000 AS INTEGER))`)
	}
	return errors.Join(err, pool.Close())
}

func syncFolder(path string) error {
	folder, err := os.Open(path) // #nosec G304 -- the operator chose it
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
