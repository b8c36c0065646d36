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

// endRows is how many rows of a mass end one transaction writes at most.
const endRows = 500

// massEnd ends an account's sessions that are older than an epoch.
type massEnd struct {
	accountID, username string
	epoch               int64
	at                  time.Time
	by                  audit.Actor
}

// EndAll ends all sessions of the account except the one with the sid except, in
// the transaction of the change that requires it: from its commit on they are
// refused. Beyond 500 sessions, Run writes the ends of the other rows later. EndAll
// locks the account, so call it before the transaction's first statement. After
// the commit call Store.InvalidateAccount, so that this server refuses them at once.
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
	return m.saveRest(ctx, tx)
}

// FactorsChanged ends the account's other sessions as EndAll does, in the
// transaction that adds or removes a factor. A sign-in that was verified before the
// change cannot start a session after it. Known devices and app passwords stay
// valid. Errors: ErrChanged when the account is gone or disabled.
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

// nextEpoch starts the account's next epoch and takes the session with the sid
// except into it; all others are refused from then on. For a deleted account it
// returns a massEnd of all its sessions.
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

// endRows writes the end of at most 500 rows, and reports whether these were all.
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

// saveRest notes the mass end in the database, for Run to write the other rows.
func (m massEnd) saveRest(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO mass_ends (account_id, epoch, at, username, actor_id, actor, address, agent)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (account_id) DO UPDATE SET epoch = excluded.epoch`,
		m.accountID, m.epoch, db.Micros(m.at), m.username, m.by.ID, audit.Cap(m.by.Name), audit.Cap(m.by.Address), audit.Cap(m.by.Agent))
	if err != nil {
		return fmt.Errorf("noting sessions to be ended: %w", err)
	}
	return nil
}

// endRest writes the end of at most 500 rows that EndAll left, and reports whether
// there may be more.
func (s *Store) endRest(ctx context.Context) (more bool, err error) {
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
