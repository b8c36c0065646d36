package process

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/keyring"
)

// machine returns a folder with the settings of one of several machines.
func machine(t *testing.T, url string, keys keyring.Ring) (folder string) {
	t.Helper()
	folder = t.TempDir()
	settings := "DATABASE_URL=" + url + "\nSESSION_KEYS=" + keys.Text() + "\n"
	if err := os.WriteFile(filepath.Join(folder, ".env"), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// The first user add on PostgreSQL makes the session key, as on SQLite; other commands make
// none.
func TestTheFirstKeyOnPostgres(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	dotenv := filepath.Join(folder, ".env")
	if err := os.WriteFile(dotenv, []byte("DATABASE_URL="+dbtest.Need(t).New(t)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		command string
		key     bool
	}{{"user list", false}, {"user add ada --role owner --password-stdin", true}} {
		r, err := command(t.Context(), folder, good+"\n", strings.Fields(step.command)...)
		if err != nil || r.code != 0 {
			t.Fatalf("%s: exit code %d, error %v: %s", step.command, r.code, err, r.stderr)
		}
		if _, err := keyring.Read(dotenv); (err == nil) != step.key {
			t.Errorf("after %s: error %v, want a key: %t", step.command, err, step.key)
		}
	}
}

// Attack cookie/replay, servers/ends, servers/keys: three servers on one PostgreSQL, each
// with a folder of its own: a session that started on one is accepted on the others, and
// refused when a third ends it. A server with other keys does not start. Their folders
// have only settings.
func TestServersOnPostgres(t *testing.T) {
	t.Parallel()
	url := dbtest.Need(t).New(t)
	keys, err := keyring.New()
	if err != nil {
		t.Fatal(err)
	}
	var servers []*program
	for range 3 {
		servers = append(servers, spawn(t, machine(t, url, keys)))
	}
	for _, p := range servers {
		p.serves()
	}
	endsElsewhere(t, servers[0], servers[1])

	servers[0].must(good+"\n", "user", "add", "eve", "--password-stdin")
	here := signedIn(t, servers[0], "eve")
	there := here.copied()
	there.at = servers[1]
	there.get(t, "/account", http.StatusOK)
	servers[2].must("", "user", "disable", "eve")
	took := servers[1].within(soon, "a command at a third machine: the session is refused", func() bool { return there.signedOut(t) })
	t.Logf("a command at a third machine: refused %v after its end", took.Round(time.Millisecond))
	if !here.signedOut(t) {
		servers[0].within(soon, "where it began it is refused", func() bool { return here.signedOut(t) })
	}

	other, err := keyring.New()
	if err != nil {
		t.Fatal(err)
	}
	stranger := spawn(t, machine(t, url, other))
	stranger.wait(1)
	if s := stranger.stderr.String(); !strings.Contains(s, "give it their SESSION_KEYS") || strings.Contains(s, other.Text()) {
		t.Errorf("a server with other keys says %q", s)
	}
	for _, p := range servers {
		p.stop()
		files, err := os.ReadDir(p.folder)
		if err != nil || len(files) != 1 {
			t.Errorf("its folder holds %v, error %v; want .env alone", files, err)
		}
	}
}
