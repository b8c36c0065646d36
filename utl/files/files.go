// Package files checks who can read a file of secrets, and takes file locks. It refuses a
// file of secrets that another user owns, or that others can read or write, even if the
// program runs as root.
package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// Secret returns nil if the file at path is a regular file with mode 0600 or 0400 that
// belongs to the user who runs the program; it follows symbolic links. Otherwise the
// error says what to do. It wraps fs.ErrNotExist if there is no such file.
func Secret(path string) error {
	info, err := plain(path)
	if err != nil {
		return err
	}
	me := os.Geteuid()
	if uid := owner(info); uid != me {
		return fmt.Errorf("%s belongs to another user (uid %d): start glassjar as that user, or: chown %d %s", path, uid, me, path)
	}
	if mode := info.Mode().Perm(); mode != 0o600 && mode != 0o400 {
		return fmt.Errorf("%s has mode %04o and holds secrets: chmod 600 %s", path, mode, path)
	}
	return nil
}

// SharedSecret is Secret for a file that root may own and whose group may read it: so
// Debian's ssl-cert and others give keys to servers.
func SharedSecret(path string) error {
	info, err := plain(path)
	if err != nil {
		return err
	}
	me := os.Geteuid()
	if uid := owner(info); uid != me && uid != 0 {
		return fmt.Errorf("%s belongs to another user (uid %d), who could change it: chown %d %s", path, uid, me, path)
	}
	if mode := info.Mode().Perm(); mode&0o027 != 0 {
		return fmt.Errorf("%s has mode %04o and holds secrets: chmod g-w,o= %s", path, mode, path)
	}
	return nil
}

// plain returns the FileInfo of a regular file, and an error for anything else.
func plain(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder and must be a file", path)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s must be a plain file", path)
	}
	return info, nil
}

// owner returns the user id of the file's owner.
func owner(info fs.FileInfo) int {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(stat.Uid)
	}
	return -1 // not reached on the systems that the program is built for
}

// Lock waits for the exclusive lock (flock) of the open file or folder, or until ctx
// ends. Closing f releases the lock.
func Lock(ctx context.Context, f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) // #nosec G115 -- a file descriptor
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR):
			return &os.PathError{Op: "flock", Path: f.Name(), Err: err}
		}
		time.Sleep(10 * time.Millisecond) // polls, because a blocking flock would not return when ctx ends
	}
}
