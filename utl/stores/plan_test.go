package stores_test

import (
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/authn"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/factor"
	"glassjar/utl/mail"
	"glassjar/utl/passkey"
	"glassjar/utl/session"
	"glassjar/utl/stores"
)

// crowd fills the tables with so many rows that PostgreSQL scans a table only if no index
// fits the query.
var crowd = []string{
	`CREATE FUNCTION soon(n BIGINT) RETURNS BIGINT LANGUAGE sql AS 'SELECT CAST(extract(epoch FROM now()) * 1000000 AS BIGINT) + n'`,
	`INSERT INTO accounts (id, username, role, password, created_at) SELECT 'id-' || n, 'person-' || n, 'member', '', n FROM generate_series(1, 30000) n`,
	`INSERT INTO account_words (word, username) SELECT 'person-' || n, 'person-' || n FROM generate_series(1, 30000) n
		UNION ALL SELECT 'word' || n % 500, 'person-' || n FROM generate_series(1, 30000) n`,
	`INSERT INTO account_groups (group_name, username) SELECT 'group' || n % 50, 'person-' || n FROM generate_series(1, 30000) n`,
	`INSERT INTO sessions (sid, id, account_id, started_at, seen_at, remember, address, agent)
		SELECT 'sid-' || n, 'dev-' || n, 'id-' || n % 5000, soon(n), soon(n), 0, '', '' FROM generate_series(1, 20000) n`,
	`INSERT INTO changes (at, sid, account_id) SELECT soon(n), 'gone-' || n, '' FROM generate_series(1, 5000) n`,
	`INSERT INTO audit (at, event, actor_id, actor, account_id, username, address, agent, detail)
		SELECT soon(n), 'kind-' || n % 200, '', '', 'id-' || n % 5000, 'person-' || n % 5000, '', '', '' FROM generate_series(1, 20000) n`,
	`INSERT INTO throttle (key_hash, kind, failures, since_at, last_at) SELECT 'key-' || n, 'pair', 1, soon(n), soon(n) FROM generate_series(1, 5000) n`,
	`INSERT INTO links (code_hash, kind, account_id, created_at, expires_at) SELECT 'link-' || n, 'reset', 'id-' || n, n, soon(n + 9000000000) FROM generate_series(1, 5000) n`,
	`INSERT INTO tickets (code_hash, sid, url, expires_at) SELECT 'code-' || n, 'sid-' || n, '', soon(n + 9000000000) FROM generate_series(1, 5000) n`,
	`INSERT INTO pending_signins (code_hash, account_id, epoch, factor_epoch, amr, remember, next, expires_at)
		SELECT 'pending-' || n, 'id-' || n, 1, 0, 'pwd', 0, '', soon(n + 600000000) FROM generate_series(1, 5000) n`,
	`INSERT INTO authenticators (account_id, secret, key_id, last_step, made_at) SELECT 'id-' || n, '', '', 0, n FROM generate_series(100, 5000) n`,
	`INSERT INTO passkeys (id, credential_id, account_id, rp_id, name, public_key, sign_count, flags, transports, may_sign_in, created_at)
		SELECT 'key-' || n, 'cred' || lpad(CAST(n AS TEXT), 4, '0'), 'id-' || n, '', '', '', 0, 0, '', 1, n FROM generate_series(100, 5000) n`,
	`INSERT INTO app_passwords (id, secret_hash, account_id, name, hosts, created_at, expires_at)
		SELECT 'app-' || n, 'hash-' || n, 'id-' || n, '', '', n, 0 FROM generate_series(1, 5000) n`,
	`INSERT INTO mails (id, kind, account_id, recipient, params, created_at, next_at, sent_at)
		SELECT 'mail-' || n, '', 'id-' || n, 'a-' || n, '', soon(n), 0, soon(n) FROM generate_series(1, 5000) n`,
	`INSERT INTO notices (id, account_id, kind, detail, at, actor, address, agent) SELECT 'notice-' || n, 'id-' || n, '', '', n, '', '', '' FROM generate_series(1, 5000) n`,
	`INSERT INTO forgotten (id, typed, network, address, agent, created_at, done_at) SELECT 'forgot-' || n, '', 'net-' || n, '', '', soon(n), soon(n) FROM generate_series(1, 5000) n`,
	`INSERT INTO pending_signups (id, code_hash, username, password, email, created_at) SELECT 'signup-' || n, 'h-' || n, 'p-' || n, '', '', soon(n) FROM generate_series(1, 5000) n`,
	`INSERT INTO recovery_codes (code_hash, account_id, made_at) SELECT 'recovery-' || n, 'id-' || n % 2500, n FROM generate_series(100, 20000) n`,
	`INSERT INTO code_failures (account_id, since_at, in_day, in_row) SELECT 'id-' || n, soon(n), 1, 1 FROM generate_series(100, 5000) n`,
	`INSERT INTO used_challenges (hash, expires_at) SELECT 'challenge-' || n, soon(n + 9000000000) FROM generate_series(1, 5000) n`,
	`INSERT INTO pending_signups (id, username, password, email, created_at) SELECT 'sign-up-' || n, 'new-' || n, '', '', soon(n) FROM generate_series(1, 5000) n`,
	`INSERT INTO deleted_names (username, deleted_at) SELECT 'gone-' || n, n FROM generate_series(1, 5000) n`,
	`ANALYZE`,
}

// few are the tables that stay small however many people there are.
var few = []string{
	"app_changes", // one row
	"apps",        // at most 500 rows, cached in memory
	"backups",     // one row, or none
	"key_uses",    // one row for each key
	"mass_ends",   // accounts of which many sessions are being ended
}

// The cost of a sign-in, a poll, reading a session and a sign-out does not grow with the
// number of people: PostgreSQL scans no table that grows.
func TestNoTableIsReadWhole(t *testing.T) {
	url := dbtest.Need(t).New(t)
	dbtest.Exec(t, url, crowd...)
	st, _, _ := open(t, "DATABASE_URL="+url)
	hash, err := st.Accounts.Hasher.Hash(t.Context(), "a jar of oat cookies")
	if err != nil {
		t.Fatal(err)
	}
	dbtest.Exec(t, url, `UPDATE accounts SET password = '`+hash+`' WHERE id = 'id-7'`)
	operator, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close()
	before := wholeReads(t, operator)
	for table := range before {
		if n := rowsOf(t, operator, table); (n < 1000) != slices.Contains(few, table) {
			t.Errorf("%s has %d rows here: a table that grows has thousands, by crowd, and one that does not is in few (utl/stores/plan_test.go)", table, n)
		}
	}
	busy(t, st)
	if err := st.DB.Close(); err != nil { // makes PostgreSQL update its statistics
		t.Fatal(err)
	}
	for others := 1; others > 0; {
		if err := operator.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`).Scan(&others); err != nil {
			t.Fatal(err)
		}
	}
	allowed := map[string]int{
		"changes":   1, // scanned by its sweep: it has rows of ten minutes
		"forgotten": 1, // scanned for a forgotten password: it has rows of an hour, at most 10,000
	}
	for table, n := range wholeReads(t, operator) {
		if n > before[table]+allowed[table] {
			t.Errorf("%s was read whole %d times", table, n-before[table])
		}
	}
}

func rowsOf(t *testing.T, from *sql.DB, table string) (n int) {
	t.Helper()
	if err := from.QueryRowContext(t.Context(), `SELECT reltuples FROM pg_class WHERE relname = $1`, table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// wholeReads returns how often each table was scanned.
func wholeReads(t *testing.T, from *sql.DB) map[string]int {
	t.Helper()
	rows, err := from.QueryContext(t.Context(), `SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname <> 'goose_db_version'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]int{}
	for rows.Next() {
		var table string
		var n int
		if err := rows.Scan(&table, &n); err != nil {
			t.Fatal(err)
		}
		all[table] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var (
	address = netip.MustParseAddr("192.0.2.1")
	by      = audit.Actor{Address: address.String()}
)

// busy makes the requests of everyday use: sign-ins, polls, sign-outs.
func busy(t *testing.T, st *stores.Stores) {
	t.Helper()
	ctx := t.Context()
	must(t, st.Sessions.Poll(ctx))
	found := signIn(t, st)
	read(t, st, found.Identity.ID)
	code, err := st.Sessions.NewTicket(ctx, found, "https://app.example/", "nonce")
	must(t, err)
	_, err = st.Sessions.Redeem(ctx, code)
	must(t, err)
	must(t, st.Sessions.End(ctx, found.SID, by))
	must(t, st.Sessions.Poll(ctx))
	must(t, st.Accounts.SetPassword(ctx, "person-8", "a tin of rye crackers", by))
	must(t, st.Mail.Ask(ctx, mail.Asked{Typed: "person-7", Address: address}))
	must(t, st.Sender(st.Config.URL("localhost:1")).Send(ctx))
	_, err = st.Accounts.Notices(ctx, "id-7")
	must(t, err)
	factors(t, st)
	st.Sweep(ctx)
}

// signIn signs in, with a wrong password too, and has the session's row read.
func signIn(t *testing.T, st *stores.Stores) (found session.Session) {
	t.Helper()
	ctx := t.Context()
	auth := authn.New(authn.Options{Accounts: st.Accounts, Throttle: st.Throttle, Log: st.Log, Now: time.Now})
	attempt := authn.Attempt{Username: "person-7", Password: "a jar of oat cookies", Address: address, By: by}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/auth", nil)
	must(t, auth.Password(ctx, attempt, func(v session.Verified) (err error) {
		found, err = st.Sessions.Start(w, r, v, false, by)
		return err
	}, nil))
	attempt.Password = "a tin of rye crackers"
	if err := auth.Password(ctx, attempt, nil, nil); !errors.Is(err, account.ErrSignIn) {
		t.Fatalf("a wrong password: got error %v", err)
	}
	r = httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(w.Result().Cookies()[0])
	st.Sessions.Invalidate(found.SID)
	_, err := st.Sessions.Find(r)
	must(t, err)
	must(t, st.Sessions.Write(ctx))
	return found
}

// read reads what a person's own pages show, and the owners'.
func read(t *testing.T, st *stores.Stores, accountID string) {
	t.Helper()
	ctx := t.Context()
	_, err := st.Sessions.List(ctx, accountID)
	must(t, err)
	_, err = st.Accounts.Events(ctx, accountID, 20)
	must(t, err)
	_, err = st.Accounts.Attempts(ctx, accountID, 20)
	must(t, err)
	_, err = st.Accounts.Named(ctx, "person-7@site.example")
	must(t, err)
	_, err = st.Accounts.Invitations(ctx, "")
	must(t, err)
	_, err = st.Accounts.Waiting(ctx)
	must(t, err)
	for _, q := range []audit.Query{{}, {Before: 9000}, {Who: "person-7"}, {Kind: "kind-7"}, {Day: time.Now()}, {Who: "person-7", Kind: "kind-7", Day: time.Now()}} {
		_, err = st.Accounts.Audit(ctx, q)
		must(t, err)
	}
	for _, q := range []account.Query{
		{},
		{After: "person-4"},
		{Prefix: "person-77"},
		{Prefix: "word7 word8"},
		{Prefix: "person word"},
		{Prefix: "word7"},
		{Prefix: "person"},
		{Prefix: "none"},
		{Role: account.Owner},
		{Group: "group7"},
		{State: account.Active},
		{State: account.Disabled},
		{State: account.Waiting},
		{Prefix: "word7", Role: account.Member, Group: "group7", State: account.Active},
	} {
		_, err = st.Accounts.People(ctx, q)
		must(t, err)
	}
}

// factors makes the everyday requests with second factors.
func factors(t *testing.T, st *stores.Stores) {
	t.Helper()
	ctx := t.Context()
	who, err := st.Accounts.Find(ctx, "person-200")
	must(t, err)
	_, err = st.Factors.Of(ctx, who.ID)
	must(t, err)
	code, err := st.Factors.Begin(ctx, factor.Pending{Account: who.Verified(1, "pwd")}, "")
	must(t, err)
	_, err = st.Factors.Find(ctx, code)
	must(t, err)
	if _, err := st.Factors.Check(ctx, code, "aaaa-aaaa-aaaa-aaaa-aaaa-aaaa", by); !errors.Is(err, factor.ErrWrong) {
		t.Errorf("a recovery code that nobody has: got error %v", err)
	}
	must(t, st.Factors.SaveRecovery(ctx, who.Identity, by))
	signers, err := st.Signers(st.Config.URL("localhost:1"))
	must(t, err)
	_, err = signers.Passkeys.List(ctx, who.ID)
	must(t, err)
	_, err = signers.Passkeys.AnswerOptions(ctx, passkey.Question{Use: passkey.Proof, Holder: "x"}, who.ID)
	must(t, err)
}
