package stores_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/keyring"
	"glassjar/utl/stores"
)

// keys returns a ring of n new keys.
func keys(t *testing.T, n int) (r keyring.Ring) {
	t.Helper()
	for range n {
		var err error
		if r, err = r.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// servers start on the database at the URL.
type servers struct{ url string }

func (s servers) start(t *testing.T, r keyring.Ring) (*stores.Stores, *bytes.Buffer, error) {
	t.Helper()
	st, _, log := open(t, "DATABASE_URL="+s.url, "SESSION_KEYS="+r.Text())
	return st, log, st.UseKeys(t.Context())
}

// must starts one with the keys, which warns of the unknown one; "" none.
func (s servers) must(t *testing.T, r keyring.Ring, unknown string) *stores.Stores {
	t.Helper()
	st, log, err := s.start(t, r)
	if err != nil {
		t.Fatal(err)
	}
	if warned := strings.Contains(log.String(), "key="+unknown); warned != (unknown != "") {
		t.Errorf("the log says %q, want a warning of %q", log, unknown)
	}
	return st
}

// refuse fails the test unless one with the keys does not start.
func (s servers) refuse(t *testing.T, r keyring.Ring) {
	t.Helper()
	var other stores.OtherKeysError
	_, _, err := s.start(t, r)
	if !errors.As(err, &other) || !strings.Contains(err.Error(), "give it their SESSION_KEYS") || strings.Contains(err.Error(), r.Text()) {
		t.Errorf("got error %v, want an OtherKeysError that shows no key", err)
	}
}

// Attack keys/file, servers/keys: a server without a key in common with the others on its
// database does not start. A new key is introduced in two steps, and a skipped step is
// reported.
func TestServersHaveAKeyInCommon(t *testing.T) {
	s := servers{dbtest.OnlyPostgres(t).New(t)}
	old := keys(t, 1)
	a := s.must(t, old, "")
	s.refuse(t, keys(t, 2))
	next, err := old.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, next.Behind(), "")  // verifies with the new key, and signs with the old one
	s.must(t, next, "")           // signs with the new key
	s.must(t, old, next.IDs()[0]) // this server was forgotten, which is reported
	s.must(t, next.Prune(), old.IDs()[0])
	s.refuse(t, keys(t, 1))

	if err := a.DB.Tx(t.Context(), func(tx *db.Tx) error { // as if all servers had been stopped for ten minutes
		_, err := tx.Exec(t.Context(), `UPDATE key_uses SET at = at - 601000000`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	a.Sweep(t.Context()) // but server a is still running
	s.refuse(t, keys(t, 1))
	s.must(t, next, "")
}

// With SQLite there is only one server, and no keys are compared.
func TestOneServerHasItsOwnKeys(t *testing.T) {
	st, _, _ := open(t)
	if err := st.UseKeys(t.Context()); err != nil {
		t.Error(err)
	}
	if n, err := db.One(t.Context(), st.DB, db.Int, `SELECT COUNT(*) FROM key_uses`); err != nil || n != 0 {
		t.Errorf("%d keys are noted, error %v; want none", n, err)
	}
}
