package files_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"glassjar/utl/files"
)

// made creates a file with the mode and returns its path.
func made(t *testing.T, mode fs.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
	return path
}

// judged fails the test unless err contains want; "" means no error.
func judged(t *testing.T, what string, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("%s: got error %v, want %q", what, err, want)
	}
}

// Attack keys/file: a secret that others can read, also behind a symbolic link.
func TestModes(t *testing.T) {
	path := made(t, 0o600)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	for mode := fs.FileMode(0); mode <= 0o777; mode++ {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		for _, at := range []string{path, link} {
			alone, shared := "chmod 600 "+at, "chmod g-w,o= "+at
			if mode == 0o600 || mode == 0o400 {
				alone = ""
			}
			if mode&0o027 == 0 {
				shared = ""
			}
			judged(t, mode.String(), files.Secret(at), alone)
			judged(t, mode.String()+", shared", files.SharedSecret(at), shared)
		}
	}
}

// Attack keys/file: a file of another user is refused, by root too.
func TestOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		judged(t, "root's", files.Secret("/etc/passwd"), "belongs to another user (uid 0): start glassjar as that user")
		return
	}
	path := made(t, 0o600)
	if err := os.Chown(path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	judged(t, "nobody's", files.Secret(path), "belongs to another user (uid 65534): start glassjar as that user, or: chown 0 "+path)
	judged(t, "nobody's, shared", files.SharedSecret(path), "belongs to another user (uid 65534)")
	if err := syscall.Setreuid(-1, 65534); err != nil { // for this user root is another user
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setreuid(-1, 0); err != nil {
			t.Error(err)
		}
	}()
	judged(t, "root's", files.Secret("/etc/passwd"), "belongs to another user (uid 0)")
	judged(t, "root's, shared", files.SharedSecret("/etc/passwd"), "has mode 0644")
}

func TestNoPlainFile(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, judge := range []func(string) error{files.Secret, files.SharedSecret} {
		judged(t, "a folder", judge(folder), "is a folder")
		judged(t, "a pipe", judge(pipe), "must be a plain file")
		if err := judge(filepath.Join(folder, "none")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no file: got error %v, want fs.ErrNotExist", err)
		}
	}
}

// One holds the lock until its file is closed; whoever waits for it gives up when ctx ends.
// A folder can be locked too.
func TestLock(t *testing.T) {
	for _, path := range []string{made(t, 0o600), t.TempDir()} {
		first, second := open(t, path), open(t, path)
		if err := files.Lock(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := files.Lock(ended, second); !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want context.Canceled", err)
		}
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
		if err := files.Lock(t.Context(), second); err != nil {
			t.Errorf("after the first gave it back: %v", err)
		}
	}
	closed := open(t, t.TempDir())
	if err := errors.Join(closed.Close(), files.Lock(t.Context(), closed)); err == nil || !strings.Contains(err.Error(), "flock") {
		t.Errorf("a closed file: got error %v, want one of flock", err)
	}
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}
