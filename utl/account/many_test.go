package account_test

import (
	"net/http"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/db"
)

// crowd gives bob 80,000 live sessions, or 4,000 on PostgreSQL.
func (h *fixture) crowd(t *testing.T) {
	t.Helper()
	now := db.Micros(h.clock.now().Add(-time.Hour))
	most := 80_000
	if h.db.Postgres() {
		most = 4000
	}
	for from := 1; from <= most; from += 2000 { // in steps: one statement takes too long under the race detector
		h.exec(t, `WITH RECURSIVE n(i) AS (SELECT CAST(?1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < ?1 + 1999)
			INSERT INTO sessions (sid, id, account_id, started_at, seen_at, remember, address, agent)
			SELECT 'crowd-' || i, 'crowd-' || i, a.id, CAST(?2 AS BIGINT) + i, CAST(?2 AS BIGINT) + i, 1, '', '' FROM n JOIN accounts a ON a.username = 'bob'`, from, now)
	}
}

// ended counts the sessions that have ended.
func (h *fixture) ended(t *testing.T) int64 {
	t.Helper()
	n, err := db.One(t.Context(), h.db, db.Int, `SELECT COUNT(*) FROM sessions WHERE ended_at > 0`)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Attack cookie/replay, cookie/many-sign-ins: a change that ends all sessions of an account
// succeeds however many it has; this server refuses them at once, others after a poll.
func TestChangesOfAnAccountWithVeryManySessions(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	bob := h.add(t, "bob", account.Member)
	hash := h.hash(t, "bob")
	h.crowd(t)
	elsewhere := h.second(t)
	for _, tt := range ends {
		t.Run(tt.name, func(t *testing.T) {
			// All sessions but those whose rows ended live again.
			h.exec(t, `UPDATE accounts SET session_epoch = 1, password = ?`, hash)
			bobs := []*http.Cookie{h.signedIn(t, "bob", good), h.signedIn(t, "bob", good)}
			anns := h.signedIn(t, "ann", good)
			for _, c := range append(bobs, anns) {
				if !elsewhere.live(t, c) {
					t.Fatal("a new session is not live elsewhere")
				}
			}
			was := h.ended(t)
			if err := tt.do(t.Context(), h, bob); err != nil {
				t.Fatal(err)
			}
			if n := h.ended(t) - was; n == 0 || n > 500 {
				t.Errorf("it ended %d rows, want 500 at most in a transaction", n)
			}
			if err := h.Enable(t.Context(), "bob", keeper); err != nil && tt.name != "deleted" {
				t.Fatal(err)
			}
			if err := elsewhere.sessions.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
			for place, server := range map[string]*fixture{"here": h, "elsewhere": elsewhere} {
				if server.live(t, bobs[0]) || server.live(t, bobs[1]) || !server.live(t, anns) {
					t.Errorf("%s: bob's sessions are live %v and %v, ann's %v; want ann's alone",
						place, server.live(t, bobs[0]), server.live(t, bobs[1]), server.live(t, anns))
				}
				if list, err := server.sessions.List(t.Context(), bob.ID); err != nil || len(list) != 0 {
					t.Errorf("%s: bob has %d sessions, error %v; want none", place, len(list), err)
				}
			}
		})
	}
}

// The list of accounts is read in pages.
func TestTheListOfManyAccounts(t *testing.T) {
	h := open(t)
	h.exec(t, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2001)
		INSERT INTO accounts (id, username, role, password, created_at) SELECT '' || i, 'u' || substr('0000' || i, length('' || i), 5), 'member', '', 1 FROM n`)
	after := ""
	for _, want := range []struct {
		n    int
		last string
	}{{1000, "u01000"}, {1000, "u02000"}, {1, "u02001"}, {0, ""}} {
		page, err := h.List(t.Context(), after)
		if err != nil || len(page) != want.n || want.n > 0 && page[want.n-1].Username != want.last {
			t.Fatalf("after %q: got %d accounts, error %v; want %d up to %q", after, len(page), err, want.n, want.last)
		}
		after = want.last
	}
}
