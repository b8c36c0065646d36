package session

import (
	"context"
	"fmt"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

const selectSessions = `SELECT s.sid, s.id, s.account_id, a.username, a.name, a.role, a.group_names, a.email,
	s.address, s.agent, s.started_at, s.seen_at, s.remember, s.changed_at
	FROM sessions s JOIN accounts a ON a.id = s.account_id`

func scan(r db.Row) (s Session, err error) {
	var started, seen int64
	err = r.Scan(&s.SID, &s.ID, &s.AccountID, &s.Username, &s.DisplayName, &s.Role, &s.Groups, &s.Email,
		&s.Address, &s.Agent, &started, &seen, &s.Remember, &s.changed)
	s.Started, s.Seen = db.Time(started), db.Time(seen)
	return s, err
}

// insert writes the row of a session that starts now, if the account still is
// what it was when its password was verified.
func insert(ctx context.Context, tx *db.Tx, s Session, epoch int64) error {
	changed, err := nextChange(ctx, tx, s.Started)
	if err != nil {
		return err
	}
	now := db.Micros(s.Started)
	n, err := tx.Exec(ctx, `INSERT INTO sessions
		(sid, id, account_id, started_at, seen_at, changed_at, remember, address, agent)
		SELECT ?, ?, a.id, ?, ?, ?, ?, ?, ? FROM accounts a WHERE a.id = ? AND a.epoch = ? AND a.disabled_at = 0`,
		s.SID, s.ID, now, now, changed, flag(s.Remember), s.Address, s.Agent, s.AccountID, epoch)
	if err == nil && n == 0 {
		return ErrChanged
	}
	return err
}

// EndAll ends the account's sessions, all but the one with the sid except,
// in the transaction of the change that calls for it. When that has committed,
// give the returned sids to Forget.
func EndAll(ctx context.Context, tx *db.Tx, now time.Time, by audit.Actor, accountID, except string) ([]string, error) {
	return end(ctx, tx, now, by, `account_id = ? AND sid <> ?`, accountID, except)
}

// end ends the live sessions that the condition finds, of accounts that are
// gone too, and returns their sids.
func end(ctx context.Context, tx *db.Tx, now time.Time, by audit.Actor, where string, args ...any) ([]string, error) {
	found, err := db.All(ctx, tx, scanEnding, `SELECT sid, account_id,
		COALESCE((SELECT username FROM accounts WHERE accounts.id = account_id), '')
		FROM sessions WHERE ended_at = 0 AND `+where, args...)
	if err != nil {
		return nil, fmt.Errorf("finding sessions to end: %w", err)
	}
	changed, err := nextChange(ctx, tx, now)
	if err != nil {
		return nil, err
	}
	var sids []string
	for _, s := range found {
		if _, err := tx.Exec(ctx, `UPDATE sessions SET ended_at = ?, changed_at = ? WHERE sid = ?`,
			db.Micros(now), changed, s.SID); err != nil {
			return nil, fmt.Errorf("ending a session: %w", err)
		}
		if err := audit.Record(ctx, tx, now, by, audit.Event{Kind: "session.ended", AccountID: s.AccountID, Username: s.Username}); err != nil {
			return nil, err
		}
		sids = append(sids, s.SID)
	}
	return sids, nil
}

func scanEnding(r db.Row) (s Session, err error) {
	err = r.Scan(&s.SID, &s.AccountID, &s.Username)
	return s, err
}

// Touch marks the account's live sessions as changed, in the transaction that
// changed the account's name, role or groups: servers read the rows again. When
// that has committed, give the returned sids to Forget.
func Touch(ctx context.Context, tx *db.Tx, now time.Time, accountID string) ([]string, error) {
	changed, err := nextChange(ctx, tx, now)
	if err != nil {
		return nil, err
	}
	return db.All(ctx, tx, db.Text, `UPDATE sessions SET changed_at = ? WHERE account_id = ? AND ended_at = 0 RETURNING sid`, changed, accountID)
}

// nextChange returns the next changed_at: the later of now and the newest + 1,
// so that a clock set back hides no change from the other servers.
func nextChange(ctx context.Context, tx *db.Tx, now time.Time) (int64, error) {
	newest, err := db.One(ctx, tx, db.Int, `SELECT COALESCE(MAX(changed_at), 0) FROM sessions`)
	if err != nil {
		return 0, fmt.Errorf("reading the newest change: %w", err)
	}
	return max(db.Micros(now), newest+1), nil
}

// change is a session whose row changed.
type change struct {
	sid string
	at  int64
}

func scanChange(r db.Row) (c change, err error) {
	err = r.Scan(&c.sid, &c.at)
	return c, err
}

// writeSeen writes when the sessions were last seen. It is no change.
func writeSeen(ctx context.Context, tx *db.Tx, seen map[string]int64) error {
	for sid, at := range seen {
		_, err := tx.Exec(ctx, `UPDATE sessions SET seen_at = ? WHERE sid = ? AND seen_at < ?`, at, sid, at)
		if err != nil {
			return fmt.Errorf("writing last seen: %w", err)
		}
	}
	return nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
