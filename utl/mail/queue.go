package mail

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/hosts"
)

const (
	// MaxWaiting is how many mails may wait. Concurrent transactions may exceed it a little.
	MaxWaiting = 10_000
	// MaxDaily is how many mails of one kind go to one address within 24 hours.
	MaxDaily = 10

	day        = 24 * time.Hour
	keepFailed = 7 * day // how long failed mails are kept
)

// Queue is the queue of mails in the database.
type Queue struct {
	DB  *db.DB
	On  bool // whether mail is set up; if not, nothing is queued
	Now func() time.Time
	Log *slog.Logger

	wake chan struct{}
}

// NewQueue returns the queue in the database d; on says whether mail is set up.
func NewQueue(d *db.DB, on bool, now func() time.Time, log *slog.Logger) *Queue {
	return &Queue{DB: d, On: on, Now: now, Log: log, wake: make(chan struct{}, 1)}
}

// Works reports whether mail is set up.
func (q *Queue) Works() bool { return q != nil && q.On }

// Enqueue queues the mail in the transaction of the change that it is about, and reports
// whether it did. It does not queue a mail without a recipient, or if mail is not set up.
// A mail beyond MaxWaiting or MaxDaily is dropped and logged, so that a full queue
// prevents no change. Errors: db.ErrUnavailable.
func (q *Queue) Enqueue(ctx context.Context, tx *db.Tx, m Message) (taken bool, err error) {
	if !q.Works() || m.To == "" {
		return false, nil
	}
	reason, err := q.beyond(ctx, tx, m)
	if err != nil {
		return false, fmt.Errorf("reading the mail queue: %w", err)
	}
	if reason != "" {
		q.Log.WarnContext(ctx, "mail dropped", "kind", string(m.Kind), "account_id", m.AccountID, "reason", reason)
		return false, nil
	}
	params, err := json.Marshal(m.capped())
	if err != nil {
		return false, fmt.Errorf("encoding a mail: %w", err)
	}
	now := db.Micros(q.Now())
	if _, err := tx.Exec(ctx, `INSERT INTO mails (id, kind, account_id, recipient, params, created_at, next_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		strings.ToLower(rand.Text()), string(m.Kind), m.AccountID, m.To, string(params), now, now); err != nil {
		return false, fmt.Errorf("queueing a mail: %w", err)
	}
	q.wakeSender()
	return true, nil
}

// Took reports whether the queue has taken a mail of the kind to the address since the time.
// Errors: db.ErrUnavailable.
func (q *Queue) Took(ctx context.Context, kind Kind, to string, since time.Time) (bool, error) {
	n, err := db.One(ctx, q.DB, db.Int, `SELECT COUNT(*) FROM (SELECT 1 FROM mails WHERE recipient = ? AND kind = ? AND created_at >= ? LIMIT 1) AS taken`,
		to, string(kind), db.Micros(since))
	if err != nil {
		return false, fmt.Errorf("looking for a mail in the queue: %w", err)
	}
	return n > 0, nil
}

const countWaiting = `SELECT COUNT(*) FROM (SELECT 1 FROM mails WHERE sent_at = 0 AND failed_at = 0 LIMIT ?) AS waiting`

// Waiting returns how many mails wait to be sent, counting up to MaxWaiting. Errors:
// db.ErrUnavailable.
func (q *Queue) Waiting(ctx context.Context) (int64, error) {
	return db.One(ctx, q.DB.Reserved(), db.Int, countWaiting, MaxWaiting)
}

// wakeSender makes this process's sender look for mails now.
func (q *Queue) wakeSender() {
	select {
	case q.wake <- struct{}{}:
	default: // a wake-up is pending already
	}
}

// beyond returns the reason why the mail is dropped, or "".
func (q *Queue) beyond(ctx context.Context, tx *db.Tx, m Message) (reason string, err error) {
	if !hosts.IsMail(m.To) {
		return "no email address", nil
	}
	n, err := db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM mails WHERE recipient = ? AND kind = ? AND created_at > ? AND created_at <= ?`,
		m.To, string(m.Kind), db.Micros(q.Now().Add(-day)), db.Micros(q.Now().Add(day))) // later than that, a clock was ahead
	if err != nil || n >= MaxDaily {
		return "many of this kind went to the address within a day", err
	}
	n, err = db.One(ctx, tx, db.Int, countWaiting, MaxWaiting)
	if err != nil || n >= MaxWaiting {
		return "the queue is full", err
	}
	return "", nil
}

// Failure is a mail that the sender gave up.
type Failure struct {
	Kind      Kind
	AccountID string
	To        string
	CreatedAt time.Time // when the mail was queued
	GaveUp    time.Time
	Why       string // the reason, on one line
}

// Failed returns the newest n mails that were given up, within the last week. Errors:
// db.ErrUnavailable.
func (q *Queue) Failed(ctx context.Context, n int) ([]Failure, error) {
	all, err := db.All(ctx, q.DB, scanFailure, `SELECT kind, account_id, recipient, created_at, failed_at, error FROM mails
		WHERE failed_at > 0 ORDER BY failed_at DESC LIMIT ?`, n)
	if err != nil {
		return nil, fmt.Errorf("listing failed mails: %w", err)
	}
	return all, nil
}

func scanFailure(r db.Row) (f Failure, err error) {
	var made, gaveUp int64
	err = r.Scan(&f.Kind, &f.AccountID, &f.To, &made, &gaveUp, &f.Why)
	f.CreatedAt, f.GaveUp = db.Time(made), db.Time(gaveUp)
	return f, err
}

// Sweep deletes mails that were sent a day ago or given up a week ago, and requests for a
// new password that are an hour old. Errors: db.ErrUnavailable.
func (q *Queue) Sweep(ctx context.Context) error {
	now := q.Now()
	err := q.DB.Sweep(ctx, `DELETE FROM mails WHERE id IN (SELECT id FROM mails
		WHERE created_at <= ? AND (sent_at > 0 OR failed_at > 0 AND failed_at <= ?) ORDER BY created_at LIMIT ?)`,
		db.Micros(now.Add(-day)), db.Micros(now.Add(-keepFailed)))
	if err == nil {
		err = q.DB.Sweep(ctx, `DELETE FROM forgotten WHERE id IN (SELECT id FROM forgotten WHERE created_at <= ? ORDER BY created_at LIMIT ?)`,
			db.Micros(now.Add(-askWindow)))
	}
	if err != nil {
		return fmt.Errorf("deleting old mails: %w", err)
	}
	return nil
}
