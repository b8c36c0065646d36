package factor_test

import (
	"fmt"
	"slices"
	"testing"

	"glassjar/utl/db"
)

// Try tests every secret, however many there are, and names the first that no key decrypts.
func TestTheKeysAreTriedOnEverySecret(t *testing.T) {
	w := open(t)
	tried := func(apps, broken int, names ...string) {
		t.Helper()
		got, err := w.Try(t.Context())
		slices.Sort(got.Names) // Try's order is that of the accounts' ids, which are random
		if err != nil || got.Apps != apps || got.Broken != broken || !slices.Equal(got.Names, names) {
			t.Errorf("got %+v, %v; want %d of %d, %q", got, err, broken, apps, names)
		}
	}
	tried(0, 0)
	w.on(t, w.Owner(t, "ada"))
	need(t, w.SetKeys([][32]byte{key("g"), key("f")}))
	w.on(t, w.Owner(t, "eve"))
	tried(2, 0)
	before := w.Texts(t, `SELECT account_id || secret || key_id FROM authenticators ORDER BY account_id`)
	need(t, w.SetKeys([][32]byte{key("g")}))
	tried(2, 1, "ada")
	need(t, w.SetKeys([][32]byte{key("h")}))
	tried(2, 2, "ada", "eve")
	if after := w.Texts(t, `SELECT account_id || secret || key_id FROM authenticators ORDER BY account_id`); !slices.Equal(after, before) {
		t.Errorf("trying changed %q to %q", before, after)
	}
	const others = 450 // more than two batches
	names := []string{"ada", "eve"}
	need(t, w.DB.Tx(t.Context(), func(tx *db.Tx) error {
		for i := range others {
			id := fmt.Sprintf("~%04d", i) // sorts after all others
			if _, err := tx.Exec(t.Context(), `INSERT INTO authenticators (account_id, secret, key_id, last_step, made_at) VALUES (?, 'none', 'none', 1, 1)`, id); err != nil {
				return err
			}
			if _, err := tx.Exec(t.Context(), `INSERT INTO accounts (id, username, role, password, created_at) VALUES (?, ?, 'member', '', 1)`, id, "m"+id[1:]); err != nil {
				return err
			}
			if len(names) < 20 {
				names = append(names, "m"+id[1:])
			}
		}
		return nil
	}))
	tried(2+others, 2+others, names...)
}
