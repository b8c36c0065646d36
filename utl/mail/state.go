package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/db"
)

// Trouble says why mails could not be sent yet.
type Trouble struct {
	Waiting int       // number of mails that wait
	Since   time.Time // when the oldest of those that failed was queued
	Why     string    // the reason, on one line
}

// Trouble returns why mails wait that were tried, or the zero Trouble if none failed.
// Errors: db.ErrUnavailable.
func (q *Queue) Trouble(ctx context.Context) (t Trouble, err error) {
	t, err = db.One(ctx, q.DB, scanTrouble, `SELECT created_at, error FROM mails
		WHERE sent_at = 0 AND failed_at = 0 AND error <> '' ORDER BY created_at LIMIT 1`)
	if errors.Is(err, db.ErrNone) {
		return Trouble{}, nil
	}
	if err == nil {
		var n int64
		n, err = db.One(ctx, q.DB, db.Int, `SELECT COUNT(*) FROM (SELECT 1 FROM mails WHERE sent_at = 0 AND failed_at = 0 LIMIT ?) AS waiting`, MaxWaiting)
		t.Waiting = int(n)
	}
	if err != nil {
		return t, fmt.Errorf("reading why mails wait: %w", err)
	}
	return t, nil
}

func scanTrouble(r db.Row) (t Trouble, err error) {
	var since int64
	err = r.Scan(&since, &t.Why)
	t.Since = db.Time(since)
	return t, err
}
