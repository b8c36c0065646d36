package session

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/db"
)

// TicketLife is how long a ticket is good.
const TicketLife = 30 * time.Second

// ErrTicket means that no ticket has the code, or that it was used, has
// expired, or that its session ended: which of them is not told.
var ErrTicket = errors.New("the ticket is not good, or not any more")

// NewTicket makes a ticket that lets its bearer's browser become the session's
// on the host of the URL that it leads on to. Errors: db.ErrUnavailable.
func (s *Store) NewTicket(ctx context.Context, found Session, url string) (code string, err error) {
	code, now := rand.Text(), s.opt.Now()
	err = s.opt.DB.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM tickets WHERE expires_at <= ?`, db.Micros(now)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO tickets (code_hash, sid, url, expires_at) VALUES (?, ?, ?, ?)`,
			hashTicket(code), found.SID, url, db.Micros(now.Add(TicketLife)))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("making a ticket: %w", err)
	}
	return code, nil
}

// Redeem uses the ticket up, and returns its live session and the URL that it
// leads on to. Of several at once one succeeds. Errors: ErrTicket,
// db.ErrUnavailable.
func (s *Store) Redeem(ctx context.Context, code string) (found Session, url string, err error) {
	var t ticket
	err = s.opt.DB.Tx(ctx, func(tx *db.Tx) (err error) {
		t, err = db.One(ctx, tx, scanTicket, `DELETE FROM tickets WHERE code_hash = ? RETURNING sid, url, expires_at`, hashTicket(code))
		return err
	})
	if errors.Is(err, db.ErrNone) || err == nil && !s.opt.Now().Before(t.expires) {
		return Session{}, "", ErrTicket
	}
	if err != nil {
		return Session{}, "", fmt.Errorf("using a ticket: %w", err)
	}
	if found, err = s.live(ctx, t.sid); errors.Is(err, ErrNone) {
		err = ErrTicket
	}
	return found, t.url, err
}

type ticket struct {
	sid, url string
	expires  time.Time
}

func scanTicket(r db.Row) (t ticket, err error) {
	var expires int64
	err = r.Scan(&t.sid, &t.url, &expires)
	t.expires = db.Time(expires)
	return t, err
}

// hashTicket returns what is kept of a ticket's code, which is random.
func hashTicket(code string) string {
	sum := sha256.Sum256([]byte(code))
	return hex.EncodeToString(sum[:])
}
