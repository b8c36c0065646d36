package process

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

const looks = `msg="SIGHUP: looking at the files again"`

// SIGHUP makes the server read its files again: it is logged, and ends nothing.
func TestHangup(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir(), "LOG_LEVEL=info")
	p.owner("ada")
	ada := signedIn(t, p, "ada")
	for n := 1; n <= 3; n++ {
		p.signal(syscall.SIGHUP)
		p.eventually("it is logged", func() bool { return strings.Count(p.stderr.String(), looks) == n })
		ada.get(t, "/account", http.StatusOK)
	}
	p.must("", "keys", "rotate")
	p.signal(syscall.SIGHUP)
	p.eventually("the new key is taken up", func() bool { return strings.Contains(p.stderr.String(), `msg="session keys changed" keys=2`) })
	ada.get(t, "/account", http.StatusOK)
	p.stop()
}

// A SIGHUP during the start is handled once the server serves.
func TestHangupAtStart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	start(t, folder).stop()
	release := holdDatabase(t, folder)
	p := spawn(t, folder, "LOG_LEVEL=info")
	waits(t, p.pid)
	p.signal(syscall.SIGHUP)
	release()
	p.serves()
	p.eventually("it is logged", func() bool { return strings.Contains(p.stderr.String(), looks) })
	newBrowser(p).get(t, "/", http.StatusOK)
	p.stop()
}

// A SIGHUP does not end a command either.
func TestHangupOfACommand(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := start(t, folder)
	p.owner("ada")
	p.stop()
	release := holdDatabase(t, folder)
	cmd := exec.Command(binary, "user", "list")
	var said strings.Builder
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = folder, environment(nil), &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waits(t, cmd.Process.Pid)
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	release()
	if err := cmd.Wait(); err != nil || !strings.Contains(said.String(), "ada") {
		t.Errorf("%v: %s", err, &said)
	}
}

// holdDatabase prevents others from opening the folder's database until release.
func holdDatabase(t *testing.T, folder string) (release func()) {
	t.Helper()
	lock, err := os.OpenFile(filepath.Join(folder, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lock.Close() })
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	}
}

const lockFile = "glassjar.db.lock"

// waits waits until the process has opened the lock file of the database, which is locked.
func waits(t *testing.T, pid int) {
	t.Helper()
	(&program{t: t, stderr: new(output)}).eventually("it waits for the lock", func() bool {
		fds, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/fd/*")
		for _, fd := range fds {
			to, _ := os.Readlink(fd)
			if strings.HasSuffix(to, lockFile) {
				return true
			}
		}
		return false
	})
}
