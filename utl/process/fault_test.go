package process

import (
	"context"
	"database/sql"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patient is the longest time until a response must say that the site does not work now.
const patient = 5 * time.Second

// quiet is a page for signed-in people that reads nothing from the database but the session.
const quiet = "/logout"

// outage checks a server that cannot write: it says so in time, live sessions still work,
// and a sign-out takes effect on this server. Call over when the database is back: it
// checks that everything works again without a restart.
func (p *program) outage(live, leaving *browser) (over func()) {
	p.t.Helper()
	saved := leaving.copied()
	answers := make(chan answer)
	for _, name := range []string{"ada", "nobody", "ada"} { // several at once, because they also wait for each other
		go func() {
			a, err := newBrowser(p).try("/auth", signInForm(name, good))
			if err != nil {
				p.t.Error(err)
			}
			answers <- a
		}()
	}
	for waiting := 3; waiting > 0; {
		select {
		case a := <-answers:
			p.unavailable("a sign-in", a)
			waiting--
		case <-time.After(20 * time.Millisecond):
			if a := live.get(p.t, quiet, http.StatusOK); a.took > time.Second {
				p.t.Errorf("a live session's page took %v", a.took)
			}
		}
	}
	p.unavailable("a sign-out", leaving.post(p.t, "/logout", url.Values{}, http.StatusServiceUnavailable))
	if leaving.cookies["glassjar"] != "" {
		p.t.Error("the sign-out left the cookie where it was")
	}
	saved.get(p.t, "/account", http.StatusSeeOther)
	live.get(p.t, quiet, http.StatusOK)
	return func() {
		p.t.Helper()
		p.mended(live, saved)
	}
}

// mended checks that an outage is over: everything works, and the sign-out of saved's
// session is written.
func (p *program) mended(live, saved *browser) {
	p.t.Helper()
	p.signsInAgain()
	s := beside(p.t, p.folder)
	defer s.close()
	p.eventually("the sign-out is written", func() bool {
		return s.one(`SELECT COUNT(*) FROM sessions WHERE ended_at > 0`) == 1
	})
	saved.get(p.t, "/account", http.StatusSeeOther)
	live.get(p.t, "/account", http.StatusOK)
	live.get(p.t, "/readyz", http.StatusOK)
	p.sound()
}

// signsInAgain waits until a sign-in works again.
func (p *program) signsInAgain() {
	p.t.Helper()
	p.eventually("a sign-in works again", func() bool {
		a, err := newBrowser(p).try("/auth", signInForm("ada", good))
		return err == nil && a.status == http.StatusSeeOther
	})
}

// unavailable fails the test unless the response is 503, in time, with Retry-After.
func (p *program) unavailable(what string, a answer) {
	p.t.Helper()
	if a.status != http.StatusServiceUnavailable || a.took > patient || a.header.Get("Retry-After") == "" {
		p.t.Errorf("%s: status %d after %v, Retry-After %q; want 503 within %v", what, a.status, a.took, a.header.Get("Retry-After"), patient)
	}
}

// Attack fault/lock: another process locks the database.
func TestForeignLock(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.owner("ada")
	live, leaving := signedIn(t, p, "ada"), signedIn(t, p, "ada")

	pool, err := sql.Open("sqlite", filepath.Join(p.folder, "glassjar.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	other, err := pool.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, q := range []string{"PRAGMA busy_timeout = 5000", "BEGIN EXCLUSIVE"} {
		if _, err := other.ExecContext(context.Background(), q); err != nil {
			t.Fatal(err)
		}
	}
	over := p.outage(live, leaving)
	r, err := command(context.Background(), p.folder, "", "user", "group", "ada", "dev")
	if err != nil || r.code != 1 || r.stderr == "" {
		t.Errorf("a command: exit code %d, error %v, stderr %q; want 1 and a sentence", r.code, err, r.stderr)
	}
	if _, err := other.ExecContext(context.Background(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	over()
	p.stop()
}

// Attack fault/disk: the disk becomes full while the server runs: no file can grow.
func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.owner("ada")
	live, leaving := signedIn(t, p, "ada"), signedIn(t, p, "ada")
	var was unix.Rlimit
	if err := unix.Prlimit(p.pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1, Max: unix.RLIM_INFINITY}, &was); err != nil {
		t.Fatal(err)
	}
	over := p.outage(live, leaving)
	if err := unix.Prlimit(p.pid, unix.RLIMIT_FSIZE, &was, nil); err != nil {
		t.Fatal(err)
	}
	over()
	p.stop()
}

// Attack fault/disk: EIO, ENOSPC or read-only from the start; a failing fsync counts as a
// failure.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"pwrite64:error=ENOSPC", "pwrite64:error=EIO", "pwrite64:error=EROFS", "fsync,fdatasync:error=EIO"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			first := start(t, folder)
			first.owner("ada")
			live, leaving := signedIn(t, first, "ada"), signedIn(t, first, "ada")
			first.stop()

			p := traced(t, folder, "-P", filepath.Join(folder, "glassjar.db-wal"), "-e", "inject="+fault)
			live.at, leaving.at = p, p
			over := p.outage(live, leaving)
			p.kill() // kills strace, which injects the faults
			over()
		})
	}
}
