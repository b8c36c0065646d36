package stores_test

import (
	"bytes"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/keyring"
	"glassjar/utl/stores"
)

// restarted starts again on the stores' database, and returns what Warn logs.
func restarted(t *testing.T, st *stores.Stores, dotenv string) string {
	t.Helper()
	var log bytes.Buffer
	again, err := stores.Open(t.Context(), stores.Options{Config: st.Config, Dotenv: dotenv, Log: slog.New(slog.NewTextHandler(&log, nil)), Now: time.Now, MakeKey: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.DB.Close() })
	again.Warn(t.Context())
	return log.String()
}

// A start that makes a session key although there are accounts says so, and each start with
// keys that do not open the authenticator apps' secrets.
func TestAKeyThatIsNotTheSites(t *testing.T) {
	const made = "made a new session key although the site has accounts, so everybody is signed out"
	const lost = "no session key here opens the secrets of 1 of 1 authenticator apps"
	st, dotenv, _ := open(t)
	other := filepath.Join(t.TempDir(), ".env")
	if got := restarted(t, st, other); strings.Contains(got, made) || strings.Contains(got, lost) {
		t.Errorf("a site without accounts: the log says %q", got)
	}
	withApp(t, st)
	missing := filepath.Join(t.TempDir(), ".env")
	for _, tt := range []struct {
		name, dotenv string
		made, lost   bool
	}{
		{"the site's own keys", dotenv, false, false},
		{"no keys", missing, true, true},
		{"the keys that were made then", missing, false, true},
	} {
		got := restarted(t, st, tt.dotenv)
		if strings.Contains(got, made) != tt.made || strings.Contains(got, lost) != tt.lost {
			t.Errorf("%s: the log says %q", tt.name, got)
		}
	}
	if _, err := keyring.RotateFile(dotenv); err != nil {
		t.Fatal(err)
	}
	if got := restarted(t, st, dotenv); strings.Contains(got, made) || strings.Contains(got, lost) {
		t.Errorf("after a rotation: the log says %q", got)
	}
}

// After a change of the site's host name, Warn reports the passkeys that no longer work.
func TestPasskeysOfAnotherHostAreTold(t *testing.T) {
	const told = "passkeys were made for another host than PUBLIC_URL's"
	for host, want := range map[string]bool{"localhost": false, "jar.example": true} {
		st, _, log := open(t)
		err := st.DB.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO passkeys (id, credential_id, account_id, rp_id, name, public_key, sign_count, flags, transports, may_sign_in, created_at)
				VALUES ('p', 'c', 'a', ?, 'phone', 'k', 0, 0, '', 1, 1)`, host)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		st.Warn(t.Context())
		if got := log.String(); strings.Contains(got, told+" and open nothing here") != want || want && !strings.Contains(got, "passkeys=1") {
			t.Errorf("with one of %s the log says %q", host, got)
		}
	}
}
