package account

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/mail"
	"glassjar/utl/session"
)

// maxNotices is how many notices an account has at most; older ones are deleted.
const maxNotices = 20

// Notice is a message about the account that no mail could carry: /account shows it
// until its person confirms having read it.
type Notice struct {
	ID      string // used in forms; grants nothing
	Kind    mail.Kind
	Detail  string // as in mail.Message
	At      time.Time
	By      string // the username of whoever did it; empty: the account's person
	Address string // the client's; empty: a command did it
	Agent   string // the browser's User-Agent
}

// FactorsChanged notifies the account's person that the ways to sign in were changed;
// detail is a sentence that says how. Call it in the transaction of the change, after
// session.LockAccount and after the change itself. It refuses the change while the
// account is locked, and when people removed their own last second factor where
// everybody needs one. Errors: ErrLocked, ErrLastFactor, ErrUnknown,
// db.ErrUnavailable.
func (s *Store) FactorsChanged(ctx context.Context, tx *db.Tx, accountID, detail string, by audit.Actor) error {
	a, err := s.unlocked(ctx, tx, accountID)
	if err != nil {
		return err
	}
	if s.SecondFactor && by.ID == accountID {
		left, err := session.SecondFactors(ctx, tx, accountID)
		if err != nil {
			return err
		}
		if left == 0 {
			return ErrLastFactor
		}
	}
	return s.addNotice(ctx, tx, mail.FactorsChanged, a, detail, by)
}

// FactorUsed notifies the account's person that a way to sign in was used that is good
// once; detail is a sentence that says which. Call it in the transaction of the use. A lock
// does not refuse it: it is about changes. Errors: ErrUnknown, db.ErrUnavailable.
func (s *Store) FactorUsed(ctx context.Context, tx *db.Tx, accountID, detail string, by audit.Actor) error {
	c, err := one(ctx, tx, `id = ?`, accountID)
	if err != nil {
		return err
	}
	return s.addNotice(ctx, tx, mail.FactorsChanged, c.Account, detail, by)
}

// NewBrowser notifies the account's person of a sign-in from a browser that never
// signed in to the account before. Call it in the transaction of the sign-in. Errors:
// ErrUnknown, db.ErrUnavailable.
func (s *Store) NewBrowser(ctx context.Context, tx *db.Tx, accountID string, by audit.Actor) error {
	c, err := one(ctx, tx, `id = ?`, accountID)
	if err != nil {
		return err
	}
	by.ID = c.ID // who signs in
	return s.addNotice(ctx, tx, mail.NewBrowser, c.Account, "", by)
}

// addNotice notifies the account's person of a change, in its transaction: by mail to
// the confirmed address or, if no mail was queued, by a notice on /account.
func (s *Store) addNotice(ctx context.Context, tx *db.Tx, kind mail.Kind, a Account, detail string, by audit.Actor) error {
	m := s.message(kind, a, detail, by)
	taken, err := s.Mail.Enqueue(ctx, tx, m)
	if taken || err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO notices (id, account_id, kind, detail, at, actor, address, agent) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		rand.Text(), a.ID, string(kind), audit.Cap(detail), db.Micros(m.At), audit.Cap(m.By), audit.Cap(m.Address), audit.Cap(m.Agent))
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE account_id = ? ORDER BY at DESC, id LIMIT ? OFFSET ?)`,
			a.ID, maxNotices, maxNotices)
	}
	if err != nil {
		return fmt.Errorf("storing a notice: %w", err)
	}
	return nil
}

// Notices returns the account's notices, newest first, at most 20.
// Errors: db.ErrUnavailable.
func (s *Store) Notices(ctx context.Context, accountID string) ([]Notice, error) {
	all, err := db.All(ctx, s.DB, scanNotice, `SELECT id, kind, detail, at, actor, address, agent FROM notices
		WHERE account_id = ? ORDER BY at DESC, id LIMIT ?`, accountID, maxNotices)
	if err != nil {
		return nil, fmt.Errorf("reading notices: %w", err)
	}
	return all, nil
}

func scanNotice(r db.Row) (n Notice, err error) {
	var at int64
	err = r.Scan(&n.ID, &n.Kind, &n.Detail, &at, &n.By, &n.Address, &n.Agent)
	n.At = db.Time(at)
	return n, err
}

// Seen deletes the account's notice with the id, once its person has read it. It does
// nothing if there is none. Errors: db.ErrUnavailable.
func (s *Store) Seen(ctx context.Context, accountID, id string) error {
	err := s.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM notices WHERE account_id = ? AND id = ?`, accountID, audit.Cap(id))
		return err
	})
	if err != nil {
		return fmt.Errorf("deleting a notice: %w", err)
	}
	return nil
}
