package account_test

import (
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

// Attack cookie/many-sign-ins: each change of an account that has thousands of sessions leaves
// none that is live, and ends no more than 500 rows in its transaction.
func TestChangesOfAnAccountWithThousandsOfSessions(t *testing.T) {
	for name, change := range map[string]func(*house) error{
		"disabled": func(h *house) error { return h.Disable(t.Context(), "bob", keeper) },
		"deleted":  func(h *house) error { return h.Delete(t.Context(), "bob", keeper) },
		"password": func(h *house) error { return h.SetPassword(t.Context(), "bob", other, keeper) },
		"reset": func(h *house) error {
			code, err := h.NewReset(t.Context(), "bob", keeper)
			if err == nil {
				_, err = h.Reset(t.Context(), code, other, visitor)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			bob := h.add(t, "bob", account.Member)
			now := db.Micros(h.clock.now())
			if err := h.db.Tx(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
					INSERT INTO sessions (sid, id, account_id, started_at, seen_at, remember, address, agent)
					SELECT i, i, ?, ?, ?, 1, '', '' FROM n`, bob.ID, now, now)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			if err := change(h); err != nil {
				t.Fatal(err)
			}
			ended, err := db.One(t.Context(), h.db, db.Int, `SELECT COUNT(*) FROM sessions WHERE ended_at > 0`)
			if err != nil || ended == 0 || ended > 500 {
				t.Errorf("%d rows have ended, error %v; want 1 to 500", ended, err)
			}
			var live []session.Session
			if live, err = h.sessions.List(t.Context(), bob.ID); err != nil || len(live) != 0 {
				t.Errorf("%d sessions are live, error %v; want none", len(live), err)
			}
		})
	}
}
