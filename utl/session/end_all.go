package session

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// endRows is how many rows one transaction ends of sessions that died all at
// once.
const endRows = 500

// massEnd is the end of an account's sessions of before an epoch.
type massEnd struct {
	accountID, username string
	epoch               int64
	at                  time.Time
	by                  audit.Actor
}

// EndAll ends the account's sessions, all but the one with the sid except, in
// the transaction of the change that calls for it: they are dead from its commit
// on. Where there are more than 500, Run ends the rows of the others later. It
// locks the account, so it comes before the transaction's first statement. When it
// has committed, call Store.ForgetAccount: this server then knows at once.
func EndAll(ctx context.Context, tx *db.Tx, now time.Time, by audit.Actor, accountID, except string) error {
	if err := LockAccount(ctx, tx, accountID); err != nil {
		return err
	}
	some, err := db.All(ctx, tx, db.Text, `SELECT sid FROM sessions WHERE account_id = ? AND ended_at = 0 AND sid <> ? LIMIT 1`, accountID, except)
	if err != nil || len(some) == 0 {
		return err
	}
	m, err := nextEpoch(ctx, tx, accountID, except)
	if err != nil {
		return fmt.Errorf("ending an account's sessions: %w", err)
	}
	m.at, m.by = now, by
	if err := changed(ctx, tx, now, "", accountID); err != nil {
		return err
	}
	if all, err := m.endRows(ctx, tx); all || err != nil {
		return err
	}
	return m.leave(ctx, tx)
}

// FactorsChanged ends the account's other sessions as EndAll does, in the
// transaction that adds or removes a factor, and keeps whoever proved before it who
// they are from starting a session after it. Known devices and app passwords go
// on. Errors: ErrChanged when the account is gone or disabled.
func FactorsChanged(ctx context.Context, tx *db.Tx, now time.Time, by audit.Actor, accountID, except string) error {
	if err := EndAll(ctx, tx, now, by, accountID, except); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE accounts SET factor_epoch = factor_epoch + 1 WHERE id = ? AND disabled_at = 0`, accountID)
	if err == nil && n == 0 {
		err = ErrChanged
	}
	return err
}

// nextEpoch begins the account's next epoch, with the session with the sid
// except: all others are dead. Those of a deleted account are dead already.
func nextEpoch(ctx context.Context, tx *db.Tx, accountID, except string) (massEnd, error) {
	m, err := db.One(ctx, tx, scanEpoch, `UPDATE accounts SET session_epoch = session_epoch + 1 WHERE id = ?
		RETURNING id, username, session_epoch`, accountID)
	if errors.Is(err, db.ErrNone) {
		return massEnd{accountID: accountID, epoch: math.MaxInt64}, nil
	}
	if err == nil {
		_, err = tx.Exec(ctx, `UPDATE sessions SET epoch = ? WHERE sid = ? AND account_id = ? AND epoch = ?`, m.epoch, except, accountID, m.epoch-1)
	}
	return m, err
}

func scanEpoch(r db.Row) (m massEnd, err error) {
	err = r.Scan(&m.accountID, &m.username, &m.epoch)
	return m, err
}

// endRows ends rows, 500 at most, and reports whether these were all.
func (m massEnd) endRows(ctx context.Context, tx *db.Tx) (all bool, err error) {
	ended, err := db.All(ctx, tx, db.Text, `UPDATE sessions SET ended_at = ? WHERE ended_at = 0 AND sid IN
		(SELECT sid FROM sessions WHERE account_id = ? AND ended_at = 0 AND epoch < ? LIMIT ?) RETURNING sid`,
		db.Micros(m.at), m.accountID, m.epoch, endRows)
	for range ended {
		if err == nil {
			err = audit.Record(ctx, tx, m.at, m.by, audit.Event{Kind: "session.ended", AccountID: m.accountID, Username: m.username})
		}
	}
	return len(ended) < endRows, err
}

// leave leaves the other rows to Run.
func (m massEnd) leave(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO mass_ends (account_id, epoch, at, username, actor_id, actor, address, agent)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_id) DO UPDATE SET epoch = excluded.epoch`,
		m.accountID, m.epoch, db.Micros(m.at), m.username, m.by.ID, audit.Cap(m.by.Name), audit.Cap(m.by.Address), audit.Cap(m.by.Agent))
	if err != nil {
		return fmt.Errorf("leaving rows to be ended: %w", err)
	}
	return nil
}

// finish ends 500 rows that EndAll left, if there are any, and reports whether
// there may be more.
func (s *Store) finish(ctx context.Context) (more bool, err error) {
	left, err := db.All(ctx, s.opt.DB, scanLeft, `SELECT account_id, epoch, at, username, actor_id, actor, address, agent
		FROM mass_ends LIMIT 1`)
	if err != nil || len(left) == 0 {
		return false, err
	}
	err = s.opt.DB.Tx(ctx, func(tx *db.Tx) error {
		m := left[0]
		if err := LockAccount(ctx, tx, m.accountID); err != nil {
			return err
		}
		if all, err := m.endRows(ctx, tx); !all || err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM mass_ends WHERE account_id = ? AND epoch = ?`, m.accountID, m.epoch)
		return err
	})
	return err == nil, err
}

func scanLeft(r db.Row) (m massEnd, err error) {
	var at int64
	err = r.Scan(&m.accountID, &m.epoch, &at, &m.username, &m.by.ID, &m.by.Name, &m.by.Address, &m.by.Agent)
	m.at = db.Time(at)
	return m, err
}
