package process

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"glassjar/utl/db"
)

// restored starts a server on the backup, restored as README says, with the original
// site's keys.
func restored(t *testing.T, from *program, backup string) *program {
	t.Helper()
	folder := t.TempDir()
	for source, name := range map[string]string{backup: "glassjar.db", filepath.Join(from.folder, ".env"): ".env"} {
		text, err := os.ReadFile(source)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, folder)
	p.sound()
	return p
}

// busy creates accounts one after the other until stop is called, which returns how many.
// It pauses after each, because SQLite's lock goes to whoever asks at the right moment:
// without a pause, other processes may not get it for seconds.
func (p *program) busy(t *testing.T) (stop func() int) {
	t.Helper()
	s := beside(t, p.folder)
	done, made := make(chan struct{}), 0
	var writer sync.WaitGroup
	writer.Go(func() {
		for ; ; made++ {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				s.add(fmt.Sprintf("person-%06d", made))
			}
		}
	})
	return func() int {
		close(done)
		writer.Wait()
		s.close()
		return made
	}
}

// The restore drill: a backup of a running server, made during writes, has everything
// that was acknowledged before it began. A server that starts on it, on another machine,
// signs everybody out, once: sessions that ended and links that were used since the
// backup are refused. Second factors are unchanged.
func TestBackupOfARunningServer(t *testing.T) { // Attack cookie/replay: after a restore
	t.Parallel()
	p := start(t, t.TempDir())
	p.owner("ada")
	ada, leaves := signedIn(t, p, "ada"), signedIn(t, p, "ada")
	link := strings.TrimSpace(p.must("", "link", "join"))
	stop := p.busy(t)
	backup := filepath.Join(t.TempDir(), "saved.db")
	p.must("", "backup", backup)
	left := leaves.copied()
	leaves.post(t, "/logout", url.Values{}, http.StatusSeeOther)
	stop()
	if info, err := os.Stat(backup); err != nil || info.Mode() != 0o600 {
		t.Errorf("the backup is %v, error %v; want mode 0600", info, err)
	}
	if said := p.must("", "check", backup); strings.Contains(said, "PROBLEM") || !strings.Contains(said, "it is a backup of ") {
		t.Errorf("the check says %s", said)
	}
	there := restored(t, p, backup)
	there.eventually("the start says that it is a backup", func() bool { // log lines are queued for a moment
		return strings.Contains(there.stderr.String(), "this database was a backup")
	})
	for _, saved := range []*browser{ada, left} {
		saved.at = there
		saved.get(t, "/account", http.StatusSeeOther)
	}
	_, code, _ := strings.Cut(link, "/join/")
	newBrowser(there).get(t, "/join/"+code, http.StatusGone)
	again := signedIn(t, there, "ada")
	if said := there.must("", "check"); strings.Contains(said, "PROBLEM") {
		t.Errorf("the check says %s", said)
	}
	there.stop()
	again.at = start(t, there.folder)
	again.get(t, "/account", http.StatusOK)
	if said := again.at.must("", "audit", "--kind", "database.restored"); strings.Count(said, "\n") != 1 {
		t.Errorf("the audit log says %q", said)
	}
}

// Attack fault/kill: a kill -9 during a backup leaves a complete file with its name, or
// none, and the server continues.
func TestKilledBackup(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.owner("ada")
	stop := p.busy(t)
	folder, whole := t.TempDir(), 0
	const kills = 30
	for i := range kills {
		backup := filepath.Join(folder, fmt.Sprintf("%d.db", i))
		ctx, cancel := context.WithTimeout(t.Context(), rand.N(45*time.Millisecond))
		_, err := command(ctx, p.folder, "", "backup", backup)
		cancel()
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		switch info, err := os.Stat(backup); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil || info.Mode() != 0o600:
			t.Fatalf("the backup is %v, error %v; want mode 0600", info, err)
		default:
			whole++
			sound(t, backup)
		}
	}
	made := stop()
	t.Logf("%d backups killed, %d of them after the file was made, 0 halves; %d writes meanwhile", kills, whole, made)
	p.sound()
	p.must("", "backup", filepath.Join(folder, "last.db"))
	sound(t, filepath.Join(folder, "last.db"))
}

// sound fails the test unless a copy of the file is a valid database with ada.
func sound(t *testing.T, backup string) {
	t.Helper()
	text, err := os.ReadFile(backup)
	folder := t.TempDir()
	if err = errors.Join(err, os.WriteFile(filepath.Join(folder, "glassjar.db"), text, 0o600)); err != nil {
		t.Fatal(err)
	}
	s := beside(t, folder)
	defer s.close()
	if n := s.one(`SELECT COUNT(*) FROM accounts WHERE username = 'ada'`); n != 1 {
		t.Errorf("%s: ada has %d accounts", backup, n)
	}
	(&program{t: t, folder: folder}).sound()
}

// The database file alone has the data, while the server runs and after it stopped.
func TestTheOneFileIsTheSite(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	p.owner("ada")
	p.eventually("a copy of the one file holds the account", func() bool {
		text, err := os.ReadFile(filepath.Join(p.folder, "glassjar.db"))
		folder := t.TempDir()
		if err = errors.Join(err, os.WriteFile(filepath.Join(folder, "glassjar.db"), text, 0o600)); err != nil {
			t.Fatal(err)
		}
		copied, err := db.Open(t.Context(), filepath.Join(folder, "glassjar.db"))
		if err != nil {
			return false // copied during a checkpoint
		}
		defer copied.Close()
		n, err := db.One(t.Context(), copied, db.Int, `SELECT COUNT(*) FROM accounts`)
		return err == nil && n == 1
	})
	p.stop()
	if _, err := os.Stat(filepath.Join(p.folder, "glassjar.db-wal")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a stop leaves the -wal file: %v", err)
	}
	sound(t, filepath.Join(p.folder, "glassjar.db"))
}
