package process

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/keyring"
)

// Attack keys/first-start: ten first starts at once create one key, and all of them serve.
func TestTenFirstStarts(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	all := make([]*program, 10)
	for i := range all {
		all[i] = spawn(t, folder)
	}
	for _, p := range all {
		p.serves()
	}
	ring, err := keyring.Read(filepath.Join(folder, ".env"))
	if err != nil || ring.Len() != 1 {
		t.Fatalf("got %v, error %v; want one key", ring, err)
	}
	oneLink(t, all)
	all[0].owner("ada")
	ada := signedIn(t, all[0], "ada")
	for _, p := range all { // with one key, each accepts the cookie
		ada.at = p
		ada.get(t, "/account", http.StatusOK)
		p.stop()
	}
}

// oneLink checks programs that started at once: one of them printed the link that creates
// the owner, and it is valid.
func oneLink(t *testing.T, all []*program) {
	t.Helper()
	links := 0
	for _, p := range all {
		if link := p.printed(); link != "" {
			links++
			newBrowser(p).get(t, link, http.StatusOK)
		}
	}
	if links != 1 {
		t.Errorf("%d printed a link for the first owner, want 1", links)
	}
}

// Attack servers/first-start: servers that start at once on one empty PostgreSQL print
// one link, which is valid.
func TestFirstStartsOnOnePostgres(t *testing.T) {
	t.Parallel()
	at := dbtest.Need(t).NewEmpty(t)
	keys, err := keyring.New()
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*program, 4)
	for i := range all {
		all[i] = spawn(t, machine(t, at, keys))
	}
	for _, p := range all {
		p.serves()
	}
	oneLink(t, all)
}

// Whoever stops a server and starts it again gets a new link, and the old one says so.
func TestAStartAfterAStopPrintsALink(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	p := start(t, folder)
	old := p.firstLink()
	p.stop()
	p = start(t, folder)
	newBrowser(p).get(t, old, http.StatusGone)
	newBrowser(p).get(t, p.firstLink(), http.StatusOK)
	p.stop()
}

// Attack keys/first-start, fault/kill: a kill -9 during a first start never leaves an
// incomplete key, or a database that the next start cannot use.
func TestKilledFirstStart(t *testing.T) {
	t.Parallel()
	keys := 0
	for range 30 {
		if killedFirstStart(t) {
			keys++
		}
	}
	t.Logf("30 first starts killed, %d of them after the key was made, 0 keys short or lost", keys)
}

// killedFirstStart kills a first start at a random moment and starts again. It reports
// whether the killed start had created the key.
func killedFirstStart(t *testing.T) (made bool) {
	t.Helper()
	folder := t.TempDir()
	p := spawn(t, folder)
	<-time.After(rand.N(40 * time.Millisecond))
	p.kill()
	file := filepath.Join(folder, ".env")
	before, err := keyring.Read(file)
	if made = err == nil; !made && !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the killed first start left this: %v", err)
	}
	again := start(t, folder)
	link := again.printed()
	if link == "" { // the killed start created it, and may have printed it
		r, err := command(t.Context(), folder, "", "link", "join", "--role", "owner")
		if err != nil || r.code != 0 {
			t.Fatalf("link join: %+v, error %v", r, err)
		}
		link = "/join/" + path.Base(strings.TrimSpace(r.stdout))
	}
	newBrowser(again).post(t, link, url.Values{"username": {"ada"}, "password": {good}}, http.StatusSeeOther)
	after, err := keyring.Read(file)
	if err != nil || after.Len() != 1 || made && after.Text() != before.Text() {
		t.Fatalf("the next start has %v, error %v; the killed one had made a key: %v", after, err, made)
	}
	again.sound()
	again.stop()
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf(".env: %v, error %v; want mode 0600", info, err)
	}
	return made
}
