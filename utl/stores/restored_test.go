package stores_test

import (
	"errors"
	"strings"
	"testing"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/factor"
	"glassjar/utl/stores"
)

// crowded makes the site's database a backup with many accounts and many pending rows.
func crowded(t *testing.T, st *stores.Stores) {
	t.Helper()
	err := st.DB.Tx(t.Context(), func(tx *db.Tx) error {
		var all error
		do := func(q string) {
			_, err := tx.Exec(t.Context(), `WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 1201) `+q)
			all = errors.Join(all, err)
		}
		do(`INSERT INTO accounts (id, username, role, password, created_at) SELECT 'id-' || n, 'person-' || n, 'member', '', n FROM g`)
		do(`INSERT INTO links (code_hash, id, kind, created_at, expires_at, used_at) SELECT 'link-' || n, n, 'join', n, 9e15, n % 2 FROM g`)
		do(`INSERT INTO tickets (code_hash, sid, url, expires_at) SELECT 'code-' || n, 'sid', '', 9e15 FROM g`)
		do(`INSERT INTO mails (id, kind, account_id, recipient, params, created_at, next_at, sent_at) SELECT 'mail-' || n, '', '', '', '', n, n, n % 2 FROM g`)
		do(`INSERT INTO forgotten (id, typed, network, address, agent, created_at, done_at) SELECT 'f-' || n, '', '', '', '', n, n % 2 FROM g`)
		do(`INSERT INTO pending_signups (id, username, password, email, created_at) SELECT 's-' || n, '', '', '', 9e15 FROM g`)
		do(`INSERT INTO backups (made_at) SELECT 1600000000000000 FROM g WHERE n = 1`)
		return all
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, st *stores.Stores, q string) int64 {
	t.Helper()
	n, err := db.One(t.Context(), st.DB, db.Int, q)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// When a server starts on a backup, everything that may have ended, been used or sent
// since it was made is ended or deleted, for every account, once.
func TestABackupThatIsStartedOn(t *testing.T) {
	dbtest.OnlySQLite(t, "PostgreSQL's backups are not ours")
	st, dotenv, log := open(t)
	crowded(t, st)
	again := func() *stores.Stores {
		t.Helper()
		o := stores.Options{Config: st.Config, Dotenv: dotenv, Log: st.Log, Now: st.Accounts.Now}
		next, err := stores.Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = next.DB.Close() })
		return next
	}
	for range 2 { // the second start changes nothing
		st = again()
		for q, want := range map[string]int64{
			`SELECT COUNT(*) FROM accounts WHERE session_epoch = 2 AND epoch = 2`: 1201,
			`SELECT COUNT(*) FROM links`:                                          601,
			`SELECT COUNT(*) FROM tickets`:                                        0,
			`SELECT COUNT(*) FROM mails`:                                          601,
			`SELECT COUNT(*) FROM forgotten`:                                      601,
			`SELECT COUNT(*) FROM pending_signups`:                                0,
			`SELECT COUNT(*) FROM backups`:                                        0,
			`SELECT COUNT(*) FROM audit WHERE event = 'database.restored'`:        1,
		} {
			if got := count(t, st, q); got != want {
				t.Errorf("%s: got %d, want %d", q, got, want)
			}
		}
	}
	if got := strings.Count(log.String(), "this database was a backup"); got != 1 || !strings.Contains(log.String(), "made=2020-09-13T12:26:40.000Z") {
		t.Errorf("the log says %s", log)
	}
}

// Attack factors/by-the-way: after a restore the second factor is still required, and no
// pending sign-in is left.
func TestABackupSkipsNoSecondFactor(t *testing.T) {
	dbtest.OnlySQLite(t, "PostgreSQL's backups are not ours")
	st, dotenv, _ := open(t)
	ctx := t.Context()
	ada := withApp(t, st)
	pending, err := st.Factors.Begin(ctx, factor.Pending{Account: ada.Verified(1, "pwd")}, "")
	if err == nil {
		_, err = st.Factors.Find(ctx, pending)
	}
	if err == nil {
		err = st.DB.Tx(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO backups (made_at) VALUES (1600000000000000)`)
			return err
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	next, err := stores.Open(ctx, stores.Options{Config: st.Config, Dotenv: dotenv, Log: st.Log, Now: st.Accounts.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = next.DB.Close() })
	if _, err := next.Factors.Find(ctx, pending); !errors.Is(err, factor.ErrPending) {
		t.Errorf("the pending sign-in: got %v, want ErrPending", err)
	}
	if second, err := next.Factors.Has(ctx, ada.ID); err != nil || !second {
		t.Errorf("a second factor is asked for: %t, %v", second, err)
	}
}

// A start that is interrupted is repeated by the next one.
func TestABackupWhoseStartIsCutOff(t *testing.T) {
	dbtest.OnlySQLite(t, "PostgreSQL's backups are not ours")
	st, dotenv, _ := open(t)
	crowded(t, st)
	allow := dbtest.Refuse(t, st.DB, "INSERT", "audit", "NEW.event = 'database.restored'")
	o := stores.Options{Config: st.Config, Dotenv: dotenv, Log: st.Log, Now: st.Accounts.Now}
	if _, err := stores.Open(t.Context(), o); err == nil {
		t.Fatal("a start that could not be written down went on")
	}
	if got := count(t, st, `SELECT COUNT(*) FROM backups`); got != 1 {
		t.Fatalf("it counts as done")
	}
	allow()
	next, err := stores.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer next.DB.Close()
	if got := count(t, next, `SELECT COUNT(*) FROM backups`); got != 0 {
		t.Errorf("it is a backup still")
	}
}
