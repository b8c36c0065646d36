package process

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Attack fault/file-gone: the database file is removed or replaced: the server does not
// guess, does not create another file, and works again when the file is back.
func TestDatabaseTakenAway(t *testing.T) {
	t.Parallel()
	for name, replace := range map[string]func(t *testing.T, was, is string){
		"gone":             func(*testing.T, string, string) {},
		"an empty file":    func(t *testing.T, _, is string) { t.Helper(); put(t, is, nil) },
		"the last copy of": func(t *testing.T, was, is string) { t.Helper(); put(t, is, get(t, was)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			takenAway(t, replace)
		})
	}
}

func takenAway(t *testing.T, replace func(t *testing.T, was, is string)) {
	t.Helper()
	p := start(t, t.TempDir())
	p.owner("ada")
	live, out := signedIn(t, p, "ada"), signedIn(t, p, "ada")
	saved := out.copied()
	out.post(t, "/logout", url.Values{}, http.StatusSeeOther)

	file := filepath.Join(p.folder, "glassjar.db")
	away := file + ".away"
	move(t, file, away)
	replace(t, away, file)
	there := listed(t, file)
	newBrowser(p).signIn(t, "ada", good, http.StatusServiceUnavailable)
	newBrowser(p).get(t, "/readyz", http.StatusServiceUnavailable)
	newBrowser(p).get(t, "/healthz", http.StatusOK)
	if there == nothing { // the others behave the same; testing them takes long
		took := p.within(12*time.Second, "the live session is not trusted any more", func() bool {
			status := live.status(t, quiet)
			if status != http.StatusOK && status != http.StatusServiceUnavailable {
				t.Fatalf("a live session got status %d, want 200 or 503", status)
			}
			return status == http.StatusServiceUnavailable
		})
		t.Logf("fails closed after %v", took.Round(time.Millisecond))
	}
	if status := saved.status(t, quiet); status == http.StatusOK {
		t.Error("a session that was ended is accepted")
	}
	if listed(t, file) != there {
		t.Error("the server made a database in the other's place")
	}

	move(t, away, file)
	p.eventually("the live session is back", func() bool { return live.status(t, quiet) == http.StatusOK })
	saved.get(t, "/account", http.StatusSeeOther)
	newBrowser(p).signIn(t, "ada", good, http.StatusSeeOther)
	p.sound()
	p.stop()
}

const nothing = "no file"

// listed describes the file, or says that there is none.
func listed(t *testing.T, file string) string {
	t.Helper()
	info, err := os.Stat(file)
	if os.IsNotExist(err) {
		return nothing
	}
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime().String() + " " + info.Mode().String()
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func put(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
