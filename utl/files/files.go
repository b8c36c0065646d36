// Package files holds what several packages need of the file system: it judges
// who can read a file of secrets, and it waits for a lock. It refuses a file of
// secrets that somebody else owns, reads or writes, for root too.
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

// Secret returns an error that says what to do unless the file at path is a
// plain file of mode 0600 or 0400 that belongs to the user who runs the
// program. A symlink's target is judged. The error wraps fs.ErrNotExist when
// there is no such file.
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

// SharedSecret is Secret for a file that root may own and whose group may read
// it: that is how Debian's ssl-cert and others hand keys to servers.
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

// plain returns what the file at path is, or what it is instead of a plain file.
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
	return -1 // no system that the program is built for
}

// Lock waits until nobody else holds the lock (flock) of the open file or
// folder, or until ctx ends. Closing f gives the lock back.
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
		time.Sleep(10 * time.Millisecond) // a waiting flock would not notice that ctx ended
	}
}
