package mail

import (
	"context"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/db"
)

// Trouble is what keeps mails from being sent.
type Trouble struct {
	Waiting int       // mails
	Since   time.Time // when the first of them that was tried was made
	Why     string    // one line
}

// Trouble returns why mails wait that were tried; without a reason, none does.
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
