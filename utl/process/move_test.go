package process

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"glassjar/utl/db/dbtest"
)

// setDatabase sets the database that the site in the folder uses from its next start on.
func (p *program) setDatabase(at string) {
	p.t.Helper()
	f, err := os.OpenFile(filepath.Join(p.folder, ".env"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("DATABASE_URL=" + at + "\n")
	}
	if err != nil {
		p.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		p.t.Fatal(err)
	}
}

// When a site moves to PostgreSQL, whose URL is given on stdin, and back, nobody is
// signed out, and ended sessions stay ended.
func TestMoveSignsNobodyOut(t *testing.T) {
	there := dbtest.Need(t).New(t)
	p := start(t, t.TempDir())
	p.owner("ada")
	here, gone := signedIn(t, p, "ada"), signedIn(t, p, "ada")
	saved := gone.copied()
	gone.post(t, "/logout", url.Values{}, http.StatusSeeOther)
	at := func(where string) {
		t.Helper()
		p.stop()
		p = start(t, p.folder)
		here.at, saved.at = p, p
		here.get(t, "/account", http.StatusOK)
		if !saved.signedOut(t) {
			t.Errorf("in %s a session that had ended is good", where)
		}
	}
	p.must(there+"\n", "move", "-") // while a server runs
	p.setDatabase(there)
	at("PostgreSQL")
	late := signedIn(t, p, "ada")
	p.must("", "move", "sqlite:back.db")
	p.setDatabase("sqlite:back.db")
	at("the new file")
	late.at = p
	late.get(t, "/account", http.StatusOK)
}
