package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"glassjar/utl/db"
)

// lease is how long a server that claimed a mail may take to send it. It is much longer
// than sending takes, so that servers whose clocks differ by minutes do not send the same
// mail twice.
const lease = 15 * time.Minute

const batch = 20 // rows read at once

// row is a mail that waits. tries increases with each claim, and so identifies it.
type row struct {
	Message

	id     string
	params string    // JSON of the Message
	made   time.Time // when it was queued
	tries  int64
}

// due returns the first mails that are due, at most batch.
func (q *Queue) due(ctx context.Context) ([]row, error) {
	all, err := db.All(ctx, q.DB, scanRow, `SELECT id, kind, account_id, recipient, params, created_at, tries FROM mails
		WHERE sent_at = 0 AND failed_at = 0 AND next_at <= ? ORDER BY next_at LIMIT ?`, db.Micros(q.Now()), batch)
	if err != nil {
		return nil, fmt.Errorf("reading the mail queue: %w", err)
	}
	return all, nil
}

func scanRow(r db.Row) (m row, err error) {
	var made int64
	err = r.Scan(&m.id, &m.Kind, &m.AccountID, &m.To, &m.params, &made, &m.tries)
	m.made = db.Time(made)
	return m, err
}

// decode reads the message's parameters. It returns an error for a kind that only a newer
// version of the program knows.
func (m *row) decode() error {
	if _, known := kinds[m.Kind]; !known {
		return fmt.Errorf("a mail of kind %q, which this program does not know", m.Kind)
	}
	if err := json.Unmarshal([]byte(m.params), &m.Message); err != nil {
		return fmt.Errorf("reading a mail's parameters: %w", err)
	}
	return nil
}

// claim reserves the mail for this server until the lease ends, and reports whether it
// did: another server may have claimed it before.
func (q *Queue) claim(ctx context.Context, m *row) (mine bool, err error) {
	n, err := q.exec(ctx, `UPDATE mails SET next_at = ?, tries = tries + 1
		WHERE id = ? AND tries = ? AND sent_at = 0 AND failed_at = 0`, db.Micros(q.Now().Add(lease)), m.id, m.tries)
	m.tries++
	return n == 1, err
}

// sent marks the mail as sent.
func (q *Queue) sent(ctx context.Context, m row) error {
	_, err := q.exec(ctx, `UPDATE mails SET sent_at = ?, params = '', error = '' WHERE id = ? AND tries = ?`, db.Micros(q.Now()), m.id, m.tries)
	return err
}

// later releases the claim: the mail is due again at the time then.
func (q *Queue) later(ctx context.Context, m row, then time.Time, why string) error {
	_, err := q.exec(ctx, `UPDATE mails SET next_at = ?, error = ? WHERE id = ? AND tries = ?`, db.Micros(then), why, m.id, m.tries)
	return err
}

// failed marks the mail as given up. If why is empty, the reason of the last try is kept.
func (q *Queue) failed(ctx context.Context, m row, why string) error {
	_, err := q.exec(ctx, `UPDATE mails SET failed_at = ?, params = '', error = CASE WHEN ? = '' AND error <> '' THEN error ELSE ? END
		WHERE id = ? AND tries = ?`, db.Micros(q.Now()), why, why, m.id, m.tries)
	return err
}

// forget deletes a mail that must not be sent any more.
func (q *Queue) forget(ctx context.Context, m row) error {
	_, err := q.exec(ctx, `DELETE FROM mails WHERE id = ? AND tries = ?`, m.id, m.tries)
	return err
}

// exec runs the statement in a transaction that goes on when ctx ends: what was sent must
// be marked as sent.
func (q *Queue) exec(ctx context.Context, statement string, args ...any) (n int64, err error) {
	ctx = context.WithoutCancel(ctx)
	err = q.DB.Tx(ctx, func(tx *db.Tx) (err error) {
		n, err = tx.Exec(ctx, statement, args...)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("writing the mail queue: %w", err)
	}
	return n, nil
}
