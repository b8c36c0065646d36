package session

import (
	"context"
	"fmt"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// maxSessions is how many live sessions an account has at most.
const maxSessions = 100

// liveSessions selects sessions that have not ended, neither alone nor with an
// epoch; a condition has to follow.
const liveSessions = ` FROM sessions s JOIN accounts a ON a.id = s.account_id
	WHERE s.ended_at = 0 AND s.epoch = a.session_epoch AND a.disabled_at = 0 AND `

const selectSessions = `SELECT s.sid, s.id, s.account_id, a.username, a.name, a.role, a.group_names, CASE WHEN a.email_confirmed = 1 THEN a.email ELSE '' END,
	s.address, s.agent, s.started_at, s.seen_at, s.remember, s.level, s.amr, s.proved_at, s.turn, a.epoch` + liveSessions

func scan(r db.Row) (s Session, err error) {
	var started, seen, proved int64
	err = r.Scan(&s.SID, &s.ID, &s.Identity.ID, &s.Username, &s.Name, &s.Role, &s.Groups, &s.Email,
		&s.Address, &s.Agent, &started, &seen, &s.Remember, &s.Level, &s.AMR, &proved, &s.turn, &s.Epoch)
	s.Started, s.Seen, s.Proved = db.Time(started), db.Time(seen), db.Time(proved)
	return s, err
}

// LockAccount keeps other transactions, on every server, from starting a session of
// the account and from changing it until this one ends. Call it before the
// transaction's first statement.
func LockAccount(ctx context.Context, tx *db.Tx, accountID string) error {
	return tx.Lock(ctx, "account:"+accountID)
}

// SecondFactors returns how many second factors the account has: authenticator apps
// and passkeys. Errors: db.ErrUnavailable.
func SecondFactors(ctx context.Context, from db.Querier, accountID string) (int64, error) {
	return db.One(ctx, from, db.Int, `SELECT (SELECT COUNT(*) FROM authenticators WHERE account_id = ?) + (SELECT COUNT(*) FROM passkeys WHERE account_id = ?)`,
		accountID, accountID)
}

// insert writes the row of a new session, if the account has not changed since its
// person was verified, and has no second factor that was skipped. The account must
// be locked: else the session could outlive a change that is being committed.
func insert(ctx context.Context, tx *db.Tx, s Session, factors int64) error {
	now := db.Micros(s.Started)
	n, err := tx.Exec(ctx, `INSERT INTO sessions
		(sid, id, account_id, epoch, started_at, seen_at, remember, address, agent, level, amr, proved_at)
		SELECT ?, ?, a.id, a.session_epoch, ?, ?, ?, ?, ?, ?, ?, ? FROM accounts a WHERE `+unchanged+` AND (1 < ?
			OR NOT EXISTS (SELECT 1 FROM authenticators f WHERE f.account_id = a.id) AND NOT EXISTS (SELECT 1 FROM passkeys f WHERE f.account_id = a.id))`,
		s.SID, s.ID, now, now, db.Flag(s.Remember), s.Address, s.Agent, s.Level, s.AMR, db.Micros(s.Proved), s.Identity.ID, s.Epoch, factors, s.Level)
	if err != nil || n > 0 {
		return err
	}
	same, err := db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM accounts a WHERE `+unchanged, s.Identity.ID, s.Epoch, factors)
	switch {
	case err != nil:
		return err
	case same > 0:
		return ErrSecond
	}
	return ErrChanged
}

// unchanged is that the account still is what it was.
const unchanged = `a.id = ? AND a.epoch = ? AND a.factor_epoch = ? AND a.disabled_at = 0`

// end ends the sessions that the condition selects and that have not ended yet,
// also of deleted accounts, and returns their sids. The condition must select at
// most 500.
func end(ctx context.Context, tx *db.Tx, now time.Time, by audit.Actor, where string, args ...any) ([]string, error) {
	ended, err := db.All(ctx, tx, scanEnded, `UPDATE sessions SET ended_at = ? WHERE ended_at = 0 AND `+where+`
		RETURNING sid, account_id, COALESCE((SELECT username FROM accounts WHERE accounts.id = sessions.account_id), '')`,
		append([]any{db.Micros(now)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("ending sessions: %w", err)
	}
	var sids []string
	for _, s := range ended {
		if err := changed(ctx, tx, now, s.SID, ""); err != nil {
			return nil, err
		}
		if err := audit.Record(ctx, tx, now, by, audit.Event{Kind: "session.ended", AccountID: s.Identity.ID, Username: s.Username}); err != nil {
			return nil, err
		}
		sids = append(sids, s.SID)
	}
	return sids, nil
}

func scanEnded(r db.Row) (s Session, err error) {
	err = r.Scan(&s.SID, &s.Identity.ID, &s.Username)
	return s, err
}

// changed makes every server invalidate the session, or all sessions of the
// account, in its cache.
func changed(ctx context.Context, tx *db.Tx, now time.Time, sid, accountID string) error {
	_, err := tx.Exec(ctx, `INSERT INTO changes (at, sid, account_id) VALUES (?, ?, ?)`, db.Micros(now), sid, accountID)
	if err != nil {
		return fmt.Errorf("recording a change of sessions: %w", err)
	}
	tx.Notify()
	return nil
}

// AccountChanged makes every server read the account's sessions again, in the transaction
// that changed the account's name, role or groups. After the commit call
// Store.InvalidateAccount, so that this server does so at once.
func AccountChanged(ctx context.Context, tx *db.Tx, now time.Time, accountID string) error {
	return changed(ctx, tx, now, "", accountID)
}

// seenEvery is the least time between two writes of a session's last seen, in
// microseconds: of several servers that one browser uses, one writes it.
const seenEvery = 55_000_000

// updateSeen writes many rows in one statement: PostgreSQL may be a network away.
// It skips rows that other transactions hold: the session will be seen again.
const updateSeen = `UPDATE sessions SET seen_at = v.seen FROM (
		SELECT s.sid, u.seen FROM sessions s JOIN unnest(CAST(? AS TEXT[]), CAST(? AS BIGINT[])) AS u (sid, seen) ON s.sid = u.sid
		WHERE s.seen_at < u.seen - ? FOR NO KEY UPDATE OF s SKIP LOCKED) v
	WHERE sessions.sid = v.sid`

// writeSeen writes when the sessions were last seen. Other servers need not know.
func (s *Store) writeSeen(ctx context.Context, tx *db.Tx, sids []string, seen map[string]int64) error {
	if s.opt.DB.Postgres() {
		at := make([]int64, len(sids))
		for i, sid := range sids {
			at[i] = seen[sid]
		}
		if _, err := tx.Exec(ctx, updateSeen, sids, at, seenEvery); err != nil {
			return fmt.Errorf("writing last seen: %w", err)
		}
		return nil
	}
	for _, sid := range sids {
		_, err := tx.Exec(ctx, `UPDATE sessions SET seen_at = ? WHERE sid = ? AND seen_at < ?`, seen[sid], sid, seen[sid])
		if err != nil {
			return fmt.Errorf("writing last seen: %w", err)
		}
	}
	return nil
}
