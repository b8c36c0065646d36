package factor_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

func sixDigits(i int) string { return fmt.Sprintf("%06d", i) }

func dump(t *testing.T, w *world) []string {
	t.Helper()
	return dbtest.Dump(t, w.db)
}

func need(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) identity(t *testing.T, name string) identity.Identity {
	t.Helper()
	a, err := w.accounts.Find(t.Context(), name)
	need(t, err)
	return a.Identity
}

// start starts a session.
func (w *world) start(t *testing.T, v session.Verified) error {
	t.Helper()
	_, err := w.sessions.Start(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil), v, false, visitor)
	return err
}
