package dbtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"glassjar/utl/db"
)

// install makes the data folder of a new server: a copy of one that has the database
// "migrated", whose tables are up to date. That one is made once, in the project's folder
// .build, because making it takes four times as long as copying it; a lock keeps several
// processes from making it at once. It is made again when a file of this package or of
// package db changes, or a library's version.
func (s *Server) install(bin, data string, as *syscall.SysProcAttr) error {
	root, err := project()
	if err != nil {
		return err
	}
	version, err := hashFiles(root, "go.sum", "utl/db/*.go", "utl/db/migrations/*.sql", "utl/db/dbtest/*.go")
	if err != nil {
		return err
	}
	templates := filepath.Join(root, ".build", "postgres")
	if err := os.MkdirAll(templates, 0o700); err != nil {
		return err
	}
	lock, err := os.Open(templates) // #nosec G304 -- the project's
	if err != nil {
		return err
	}
	defer lock.Close() // unlocks
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	template := filepath.Join(templates, filepath.Base(filepath.Dir(bin))+"-"+version)
	if _, err := os.Stat(template); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, copyData(data, template, as))
	}
	if err := s.makeTemplate(bin, data, as); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(templates, "*"))
	for _, folder := range old {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	unfinished := template + ".new"
	if err = errors.Join(err, copyData(unfinished, data, nil)); err != nil {
		return err
	}
	return os.Rename(unfinished, template)
}

// makeTemplate makes a new server's data folder with the database "migrated", which takes
// at most 30 s after the server has started.
func (s *Server) makeTemplate(bin, data string, as *syscall.SysProcAttr) error {
	err := initdb(bin, data, as)
	if err == nil {
		err = s.again()
	}
	if err == nil {
		err = s.connect()
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if _, err := s.admin.ExecContext(ctx, `CREATE DATABASE migrated`); err != nil {
		return err
	}
	d, err := db.OpenPostgres(ctx, s.url("migrated"))
	if err != nil {
		return err
	}
	return errors.Join(d.Close(), s.admin.Close(), s.halt(syscall.SIGINT))
}

// copyData copies a data folder. With as, the copy belongs to the user of a server that
// is started with it.
func copyData(to, from string, as *syscall.SysProcAttr) error {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		return err
	}
	if err := os.Chmod(to, 0o700); err != nil || as == nil || as.Credential == nil { // #nosec G302 -- a folder
		return err
	}
	return filepath.WalkDir(to, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Chown(path, int(as.Credential.Uid), int(as.Credential.Gid))) // #nosec G122 -- nobody else can change the folder
	})
}

// project returns the project's folder: the one above the test's that has go.mod.
func project() (string, error) {
	folder, err := os.Getwd()
	for err == nil {
		if _, err = os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
		if parent := filepath.Dir(folder); errors.Is(err, fs.ErrNotExist) && parent != folder {
			folder, err = parent, nil
		}
	}
	return "", err
}

// hashFiles returns a hash of the contents of the files in root that match the patterns.
func hashFiles(root string, patterns ...string) (string, error) {
	sum := sha256.New()
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return "", err
		}
		for _, path := range paths {
			text, err := os.ReadFile(path) // #nosec G304 -- the project's
			if err != nil {
				return "", err
			}
			_, _ = sum.Write(text) // cannot fail
		}
	}
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}
