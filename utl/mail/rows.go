package mail

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"glassjar/utl/db"
)

// lease is the time that a server has to send what it claimed. It is far longer
// than one sending takes: then two servers whose clocks differ by minutes still
// do not send the same mail.
const lease = 15 * time.Minute

const batch = 20 // mails that are read at once

// row is a mail that waits. Tries tells one claim of it from the next.
type row struct {
	Message

	id     string
	params string // JSON of the Message
	made   time.Time
	tries  int64
}

// due returns the first mails whose time has come.
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

// decode reads the message's parameters. It refuses what a newer program wrote.
func (m *row) decode() error {
	if _, known := kinds[m.Kind]; !known {
		return fmt.Errorf("a mail of kind %q, which this program does not know", m.Kind)
	}
	if err := json.Unmarshal([]byte(m.params), &m.Message); err != nil {
		return fmt.Errorf("reading a mail's parameters: %w", err)
	}
	return nil
}

// claim reports whether the mail is this server's to send, until the lease ends.
func (q *Queue) claim(ctx context.Context, m *row) (mine bool, err error) {
	n, err := q.exec(ctx, `UPDATE mails SET next_at = ?, tries = tries + 1
		WHERE id = ? AND tries = ? AND sent_at = 0 AND failed_at = 0`, db.Micros(q.Now().Add(lease)), m.id, m.tries)
	m.tries++
	return n == 1, err
}

// sent notes that the mail server has the mail.
func (q *Queue) sent(ctx context.Context, m row) error {
	_, err := q.exec(ctx, `UPDATE mails SET sent_at = ?, params = '', error = '' WHERE id = ? AND tries = ?`, db.Micros(q.Now()), m.id, m.tries)
	return err
}

// later gives the mail back, to be tried again then.
func (q *Queue) later(ctx context.Context, m row, then time.Time, why string) error {
	_, err := q.exec(ctx, `UPDATE mails SET next_at = ?, error = ? WHERE id = ? AND tries = ?`, db.Micros(then), why, m.id, m.tries)
	return err
}

// failed gives the mail up. Without a reason the one of the last try stays.
func (q *Queue) failed(ctx context.Context, m row, why string) error {
	_, err := q.exec(ctx, `UPDATE mails SET failed_at = ?, params = '', error = CASE WHEN ? = '' AND error <> '' THEN error ELSE ? END
		WHERE id = ? AND tries = ?`, db.Micros(q.Now()), why, why, m.id, m.tries)
	return err
}

// forget deletes a mail that is not due any more.
func (q *Queue) forget(ctx context.Context, m row) error {
	_, err := q.exec(ctx, `DELETE FROM mails WHERE id = ? AND tries = ?`, m.id, m.tries)
	return err
}

// exec runs the statement in a transaction that the end of ctx does not cut: what
// was sent must be noted.
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
