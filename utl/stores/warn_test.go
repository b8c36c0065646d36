package stores_test

import (
	"strings"
	"testing"

	"glassjar/utl/db"
)

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
