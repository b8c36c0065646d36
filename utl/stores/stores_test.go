package stores_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/utl/config"
	"glassjar/utl/db"
	"glassjar/utl/keyring"
	"glassjar/utl/stores"
)

// open opens stores in a new folder, with settings like NAME=value.
func open(t *testing.T, settings ...string) (st *stores.Stores, dotenv string, log *bytes.Buffer) {
	t.Helper()
	t.Chdir(t.TempDir())
	dotenv = filepath.Join(t.TempDir(), ".env")
	cfg, err := config.Load(dotenv, func(name string) string {
		for _, s := range settings {
			if value, ok := strings.CutPrefix(s, name+"="); ok {
				return value
			}
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	log = &bytes.Buffer{}
	st, err = stores.Open(t.Context(), stores.Options{Config: cfg, Dotenv: dotenv, Log: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now, MakeKey: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.DB.Close() })
	return st, dotenv, log
}

func signers(t *testing.T, st *stores.Stores) *stores.Signers {
	t.Helper()
	s, err := st.Signers(&url.URL{Scheme: "http", Host: "jar.example"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Changed keys in the file are used at once by everything that signs; an invalid or missing
// file changes nothing. What nobody may have meant is logged, once.
func TestLookAtKeys(t *testing.T) {
	for _, lab := range []string{"on", "off"} {
		st, dotenv, log := open(t, "LAB="+lab)
		s := signers(t, st)
		if (s.Lab != nil) != (lab == "on") {
			t.Errorf("LAB=%s, and there is a lab: %t", lab, s.Lab != nil)
		}
		look := func(want string) {
			t.Helper()
			log.Reset()
			s.ReloadKeys(t.Context(), dotenv)
			if got := log.String(); !strings.Contains(got, want) || want == "" && got != "" {
				t.Errorf("the log says %q, want %q", got, want)
			}
		}
		before := s.Gate.JWKS()
		look("")
		if _, err := keyring.RotateFile(dotenv); err != nil {
			t.Fatal(err)
		}
		look(`level=INFO msg="session keys changed" keys=2 error=<nil>`)
		if bytes.Equal(s.Gate.JWKS(), before) {
			t.Error("the gate signs with the old key alone")
		}
		look("")
		for _, spoil := range []func() error{
			func() error { return os.WriteFile(dotenv, []byte("SESSION_KEYS=short\n"), 0o600) },
			func() error { return os.Remove(dotenv) },
		} {
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			look("level=WARN msg=\"the session keys cannot be read again, and those in use stay\"")
			look("")
		}
		if _, err := keyring.Ensure(dotenv); err != nil {
			t.Fatal(err)
		}
		look("level=WARN msg=\"none of the session keys in use is left: everybody is signed out")
	}
}

// If the keys came from the environment, no file changes them.
func TestKeysOfTheEnvironmentStay(t *testing.T) {
	ring, err := keyring.New()
	if err != nil {
		t.Fatal(err)
	}
	st, dotenv, log := open(t, "SESSION_KEYS="+ring.Text())
	s := signers(t, st)
	if _, err := os.Stat(dotenv); err == nil {
		t.Error("a file with a key was made")
	}
	if _, err := keyring.Ensure(dotenv); err != nil {
		t.Fatal(err)
	}
	s.ReloadKeys(t.Context(), dotenv)
	if log.String() != "" {
		t.Errorf("the log says %q", log)
	}
}

func TestPages(t *testing.T) {
	st, _, _ := open(t)
	if root, err := st.Pages(); root != nil || err != nil {
		t.Errorf("without PAGES_DIR: got %v, error %v", root, err)
	}
	st.Config.PagesDir = t.TempDir()
	root, err := st.Pages()
	if err != nil {
		t.Fatal(err)
	}
	_ = root.Close()
	st.Config.PagesDir = filepath.Join(st.Config.PagesDir, "none")
	if _, err := st.Pages(); err == nil || !strings.Contains(err.Error(), "opening PAGES_DIR: ") {
		t.Errorf("a folder that is not there: got error %v", err)
	}
}

// Sweep deletes outdated rows from every table. A failure is logged, and the server goes on.
func TestSweep(t *testing.T) {
	st, _, log := open(t)
	for _, q := range []string{
		`INSERT INTO sessions (sid, id, account_id, started_at, seen_at, remember, address, agent) VALUES ('old', '', '', 1, 1, 0, '', '')`,
		`INSERT INTO links (code_hash, kind, created_at, expires_at) VALUES ('', 'join', 1, 1)`,
		`INSERT INTO audit (at, event, actor_id, actor, account_id, username, address, agent, detail) VALUES (1, '', '', '', '', '', '', '', '')`,
		`INSERT INTO throttle (key_hash, kind, failures, since_at, last_at) VALUES ('', 'pair', 1, 1, 1)`,
	} {
		if err := st.DB.Tx(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), q); return err }); err != nil {
			t.Fatal(err)
		}
	}
	st.Sweep(t.Context())
	const left = `SELECT (SELECT COUNT(*) FROM sessions WHERE sid = 'old') + (SELECT COUNT(*) FROM links WHERE expires_at = 1) +
		(SELECT COUNT(*) FROM audit WHERE at = 1) + (SELECT COUNT(*) FROM throttle)`
	if n, err := db.One(t.Context(), st.DB, db.Int, left); n != 0 || err != nil {
		t.Errorf("%d old rows are left, error %v", n, err)
	}
	if log.String() != "" {
		t.Errorf("the log says %q", log)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	st.Sweep(gone)
	if !strings.Contains(log.String(), "level=WARN msg=\"deleting outdated rows failed\" error=") {
		t.Errorf("the log says %q", log)
	}
}
