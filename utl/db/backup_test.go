package db_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// copied opens a copy of the file at path alone, without the -wal file beside it.
func copied(t *testing.T, path string) *db.DB {
	t.Helper()
	bytes, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(t.TempDir(), "copy.db")
	if err := os.WriteFile(to, bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	return dbtest.OpenAt(t, to)
}

// The database file alone holds everything, also what another process wrote, once
// nobody has written for two seconds and once the last process has closed it.
func TestTheOneFileHoldsEverything(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	path := filepath.Join(t.TempDir(), "test.db")
	dbtest.OpenAt(t, path) // as long as it is open, the -wal file stays
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.OpenAt(t, path)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go d.Run(ctx, slog.New(slog.DiscardHandler))
		mustPut(t, d, "a")
		<-time.After(3 * time.Second) // of the bubble's clock: no time passes
		holds(t, copied(t, path), "a")
		other := dbtest.OpenAt(t, path)
		mustPut(t, other, "b")
		holds(t, copied(t, path), "a") // b is in the -wal file only, as the test needs it
		<-time.After(3 * time.Second)
		holds(t, copied(t, path), "a b")
	})
}

// If writes never pause, the file is complete once a minute.
func TestCheckpointUnderWrites(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	path := filepath.Join(t.TempDir(), "test.db")
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.OpenAt(t, path)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go d.Run(ctx, slog.New(slog.DiscardHandler))
		for i := range 130 { // two a second
			mustPut(t, d, fmt.Sprintf("%03d", i))
			<-time.After(500 * time.Millisecond) // of the bubble's clock
		}
		got, err := ids(t.Context(), copied(t, path))
		if err != nil || len(got) < len("000 ")*100 {
			t.Errorf("after 65 s the file holds %q, error %v", got, err)
		}
	})
}

func TestCloseLeavesOneFile(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about files")
	path := filepath.Join(t.TempDir(), "test.db")
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, d, "a")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the -wal file is left: %v", err)
	}
	holds(t, copied(t, path), "a")
}

// A backup that is made during writes is intact, has mode 0600, and holds everything
// that was committed before it began.
func TestBackup(t *testing.T) {
	dbtest.OnlySQLite(t, "it backs up a file")
	d := dbtest.Open(t)
	folder := t.TempDir()
	mustPut(t, d, "a")
	var writers sync.WaitGroup
	stop := make(chan struct{})
	writers.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				mustPut(t, d, fmt.Sprintf("w%06d", i))
			}
		}
	})
	for i := range 5 {
		mustPut(t, d, fmt.Sprint(i))
		path := filepath.Join(folder, fmt.Sprintf("file:%d?mode=ro#.db", i))
		if err := d.Backup(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("the backup is %v, error %v; want mode 0600", info, err)
		}
		b := dbtest.OpenAt(t, path)
		if n, err := db.One(t.Context(), b, db.Int, `SELECT COUNT(*) FROM accounts WHERE id NOT LIKE 'w%'`); err != nil || n != int64(i+2) {
			t.Errorf("backup %d holds %d of %d rows, error %v", i, n, i+2, err)
		}
		if got, err := db.One(t.Context(), b, db.Text, `PRAGMA integrity_check`); err != nil || got != "ok" {
			t.Errorf("the integrity check says %q, error %v", got, err)
		}
	}
	close(stop)
	writers.Wait()
}

func TestBackupRefuses(t *testing.T) {
	dbtest.OnlySQLite(t, "it backs up a file")
	folder := t.TempDir()
	path := filepath.Join(folder, "test.db")
	d := dbtest.OpenAt(t, path)
	mustPut(t, d, "a")
	taken, link := filepath.Join(folder, "taken"), filepath.Join(folder, "link")
	if err := errors.Join(os.WriteFile(taken, []byte("mine"), 0o644), os.Symlink("nowhere", link)); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{taken, link, path, folder} {
		if err := d.Backup(t.Context(), at); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: got error %v, want fs.ErrExist", at, err)
		}
	}
	if err := d.Backup(t.Context(), filepath.Join(folder, "no", "b.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: got error %v, want fs.ErrNotExist", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Backup(ended, filepath.Join(folder, "b.db")); err == nil {
		t.Error("a backup that was given up: got no error")
	}
	if got, err := os.ReadFile(taken); string(got) != "mine" || err != nil {
		t.Errorf("the file that was there holds %q, error %v", got, err)
	}
	if parts, err := filepath.Glob(filepath.Join(folder, ".*.part")); len(parts) > 0 || err != nil {
		t.Errorf("left: %v, error %v", parts, err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := d.Backup(t.Context(), filepath.Join(folder, "gone.db")); !errors.Is(err, db.ErrUnavailable) {
		t.Errorf("a database that is gone: got error %v, want db.ErrUnavailable", err)
	}
}

// If the disk of the backup is full, the error names the backup, and not the database.
func TestBackupOntoAFullDisk(t *testing.T) {
	dbtest.OnlySQLite(t, "it backs up a file")
	part, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer part.Close()
	defer os.Remove("/dev/full-journal") // SQLite leaves it, where it may make one there
	d := dbtest.Open(t)
	mustPut(t, d, "a")
	err = d.CopyInto(t.Context(), part, "saved.db")
	if err == nil || errors.Is(err, db.ErrUnavailable) || err.Error() != "saved.db cannot be written: its disk is full" {
		t.Errorf("got error %v, want one about the backup's disk", err)
	}
}

// A backup that was killed after it was linked to its path, but before its temporary
// name was removed, is not damaged by the next backup.
func TestBackupKilledAtItsEnd(t *testing.T) {
	dbtest.OnlySQLite(t, "it backs up a file")
	d := dbtest.Open(t)
	mustPut(t, d, "a")
	folder := t.TempDir()
	first := filepath.Join(folder, "first.db")
	if err := d.Backup(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(first, filepath.Join(folder, ".glassjar-backup.part")); err != nil {
		t.Fatal(err)
	}
	mustPut(t, d, "b")
	if err := d.Backup(t.Context(), filepath.Join(folder, "second.db")); err != nil {
		t.Fatal(err)
	}
	holds(t, dbtest.OpenAt(t, first), "a")
}

// What another user's killed backup left in the folder, or a link, is not used, and the
// error says that it may be deleted.
func TestBackupThatIsBlocked(t *testing.T) {
	dbtest.OnlySQLite(t, "it backs up a file")
	d := dbtest.Open(t)
	for name, leave := range map[string]func(part string) error{
		"a link":                      func(part string) error { return os.Symlink("elsewhere", part) },
		"a folder":                    func(part string) error { return os.Mkdir(part, 0o700) },
		"a file that others can read": func(part string) error { return os.WriteFile(part, nil, 0o644) },
	} {
		folder := t.TempDir()
		part := filepath.Join(folder, ".glassjar-backup.part")
		if err := leave(part); err != nil {
			t.Fatal(err)
		}
		err := d.Backup(t.Context(), filepath.Join(folder, "saved.db"))
		if err == nil || !strings.Contains(err.Error(), part) || !strings.Contains(err.Error(), "what a backup that was killed has left: delete it") {
			t.Errorf("%s: got error %v, want one that says what to delete", name, err)
		}
		if _, err := os.Lstat(part); err != nil {
			t.Errorf("%s: it is gone: %v", name, err)
		}
	}
}

// A backup removes what a killed one left in the folder. Several backups into one
// folder at the same time do not disturb each other.
func TestBackupsInOneFolder(t *testing.T) {
	dbtest.OnlySQLite(t, "it backs up a file")
	d := dbtest.Open(t)
	mustPut(t, d, "a")
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, ".glassjar-backup.part"), []byte("half of one"), 0o600); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 5 {
		all.Go(func() {
			if err := d.Backup(t.Context(), filepath.Join(folder, fmt.Sprintf("%d.db", i))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range 5 {
		holds(t, dbtest.OpenAt(t, filepath.Join(folder, fmt.Sprintf("%d.db", i))), "a")
	}
	if parts, err := filepath.Glob(filepath.Join(folder, ".*.part")); len(parts) > 0 || err != nil {
		t.Errorf("left: %v, error %v", parts, err)
	}
}
