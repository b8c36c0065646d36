package factor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

const (
	// PendingLife is how long a pending sign-in is valid. Using it does not extend it.
	PendingLife = 10 * time.Minute

	maxWrong   = 5    // wrong codes of one pending sign-in
	maxPending = 100  // per account; one more sign-in ends the oldest
	maxNext    = 4096 // bytes of Next; a longer URL is dropped
)

// Pending is a sign-in whose password was right and whose second factor is still
// missing. It is not a session, and grants nothing else.
type Pending struct {
	Account  session.Verified // what the first factor proves
	Remember bool
	Next     string // the URL to continue to after the sign-in

	hash string
}

// pendings is the SQL of the valid pending sign-ins. Its ?-argument is the current time.
const pendings = ` FROM pending_signins p JOIN accounts a ON a.id = p.account_id
	WHERE p.epoch = a.epoch AND p.factor_epoch = a.factor_epoch AND a.disabled_at = 0 AND p.expires_at > ? `

const selectPendings = `SELECT p.code_hash, p.account_id, a.username, p.epoch, p.factor_epoch, p.amr, p.remember, p.next` + pendings

func scanPending(r db.Row) (p Pending, err error) {
	p.Account.Level = 1
	err = r.Scan(&p.hash, &p.Account.AccountID, &p.Account.Username, &p.Account.Epoch, &p.Account.Factors, &p.Account.AMR, &p.Remember, &p.Next)
	return p, err
}

// Begin stores a pending sign-in, and returns the code by which the browser names it in
// a cookie: 130 random bits. It ends the browser's earlier one, whose code is replaces.
// Errors: session.ErrChanged when the account changed since p.Account was verified,
// db.ErrUnavailable.
func (s *Store) Begin(ctx context.Context, p Pending, replaces string) (code string, err error) {
	code = rand.Text()
	if len(p.Next) > maxNext {
		p.Next = ""
	}
	v := p.Account
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := session.LockAccount(ctx, tx, v.AccountID); err != nil {
			return err
		}
		// Not "code_hash = … OR code_hash IN …": PostgreSQL would read the whole table.
		if _, err := tx.Exec(ctx, `DELETE FROM pending_signins WHERE code_hash IN (SELECT CAST(?1 AS TEXT) UNION ALL SELECT code_hash FROM
			(SELECT code_hash FROM pending_signins WHERE account_id = ?2 ORDER BY expires_at DESC LIMIT ?4 OFFSET ?3) AS oldest)`,
			hash(replaces), v.AccountID, maxPending-1, maxPending); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `INSERT INTO pending_signins (code_hash, account_id, epoch, factor_epoch, amr, remember, next, expires_at)
			SELECT ?, a.id, a.epoch, a.factor_epoch, ?, ?, ?, ? FROM accounts a WHERE a.id = ? AND a.epoch = ? AND a.factor_epoch = ? AND a.disabled_at = 0`,
			hash(code), v.AMR, db.Flag(p.Remember), p.Next, db.Micros(s.Now().Add(PendingLife)), v.AccountID, v.Epoch, v.Factors)
		if err == nil && n == 0 {
			err = session.ErrChanged
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("beginning a pending sign-in: %w", err)
	}
	return code, nil
}

// Find returns the valid pending sign-in with the code. Errors: ErrPending,
// db.ErrUnavailable.
func (s *Store) Find(ctx context.Context, code string) (Pending, error) {
	return s.find(ctx, s.DB, hash(code))
}

func (s *Store) find(ctx context.Context, from db.Querier, codeHash string) (Pending, error) {
	p, err := db.One(ctx, from, scanPending, selectPendings+`AND p.code_hash = ?`, db.Micros(s.Now()), codeHash)
	if errors.Is(err, db.ErrNone) {
		return Pending{}, ErrPending
	}
	if err != nil {
		return Pending{}, fmt.Errorf("reading a pending sign-in: %w", err)
	}
	return p, nil
}

// EndPending ends the pending sign-in in the transaction that starts its session, for a
// second factor of another package (a passkey): of two concurrent uses one succeeds.
// Errors: ErrPending when it was used or ended meanwhile.
func (s *Store) EndPending(ctx context.Context, tx *db.Tx, p Pending) error {
	if _, err := s.find(ctx, tx, p.hash); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `DELETE FROM pending_signins WHERE code_hash = ?`, p.hash)
	if err == nil && n == 0 {
		err = ErrPending
	}
	return err
}

// countWrong counts a wrong code of the pending sign-in. It ends it at the fifth, and
// reports that.
func (s *Store) countWrong(ctx context.Context, tx *db.Tx, p Pending) (last bool, err error) {
	if _, err := tx.Exec(ctx, `UPDATE pending_signins SET wrong = wrong + 1 WHERE code_hash = ?`, p.hash); err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `DELETE FROM pending_signins WHERE code_hash = ? AND wrong >= ?`, p.hash, maxWrong)
	return n > 0, err
}

// Sweep deletes expired pending sign-ins, in batches, as db.Sweep does. Errors:
// db.ErrUnavailable.
func (s *Store) Sweep(ctx context.Context) error {
	err := s.DB.Sweep(ctx, `DELETE FROM pending_signins WHERE code_hash IN
		(SELECT code_hash FROM pending_signins WHERE expires_at <= ? ORDER BY expires_at LIMIT ? /* FOR UPDATE SKIP LOCKED */)`, db.Micros(s.Now()))
	if err != nil {
		return fmt.Errorf("sweeping pending sign-ins: %w", err)
	}
	return nil
}

// recordWrong writes the audit entry of a wrong code, within the limits of
// audit.RecordAttempt.
func (s *Store) recordWrong(ctx context.Context, tx *db.Tx, v session.Verified, by audit.Actor) error {
	return audit.RecordAttempt(ctx, tx, s.Now(), by, audit.Event{Kind: "code.failed", AccountID: v.AccountID, Username: v.Username})
}
