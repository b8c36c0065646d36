package factor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

const (
	maxInDay = 20  // wrong codes of an account within 24 hours
	maxInRow = 100 // wrong codes of an account since its last right code (NIST SP 800-63B-4, section 3.2.2)
	day      = 24 * time.Hour
)

// Claim is a code that Check found right. It grants nothing until Spend.
type Claim struct {
	Account  session.Verified // what both factors together prove
	Pending  Pending          // zero if somebody signed in proves again who they are
	Recovery bool             // whether it is a recovery code

	at   int64  // the time step of the six digits
	code string // the recovery code
}

// Check verifies the code that was typed for the pending sign-in whose own code is
// pending. Errors: ErrPending; ErrForm, ErrWrong, which is also ErrLast if it was the fifth
// and ended the pending sign-in; ErrUsed, ManyError, ErrBroken, db.ErrUnavailable.
func (s *Store) Check(ctx context.Context, pending, text string, by audit.Actor) (Claim, error) {
	p, err := s.Find(ctx, pending)
	if err != nil {
		return Claim{}, err
	}
	return s.check(ctx, p, text, by)
}

// CheckAgain verifies the code by which somebody signed in, with the account v, proves
// again who they are. Errors: Check's except ErrPending.
func (s *Store) CheckAgain(ctx context.Context, v session.Verified, text string, by audit.Actor) (Claim, error) {
	return s.check(ctx, Pending{Account: v}, text, by)
}

func (s *Store) check(ctx context.Context, p Pending, text string, by audit.Actor) (c Claim, err error) {
	got, err := parse(text)
	if err == nil {
		err = s.allowed(ctx, s.DB, p.Account.AccountID, got) // first without a lock, which refuses most attempts of a flood cheaply
	}
	if err != nil {
		return Claim{}, err
	}
	var wrong error
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := session.LockAccount(ctx, tx, p.Account.AccountID); err != nil {
			return err
		}
		c, wrong = Claim{}, nil
		if p.hash != "" {
			if _, err := s.find(ctx, tx, p.hash); err != nil {
				return err
			}
		}
		if err := s.allowed(ctx, tx, p.Account.AccountID, got); err != nil {
			return err
		}
		c, err = s.verify(ctx, tx, p, got)
		if errors.Is(err, ErrWrong) {
			wrong, err = s.fail(ctx, tx, p, got, err, by)
			return err
		}
		return err
	})
	if err == nil {
		err = wrong
	}
	if err != nil {
		return Claim{}, fmt.Errorf("checking a code of %q: %w", p.Account.Username, err)
	}
	return c, nil
}

// verify verifies the parsed code. Errors: ErrWrong, ErrUsed, ErrBroken.
func (s *Store) verify(ctx context.Context, tx *db.Tx, p Pending, got typed) (c Claim, err error) {
	c = Claim{Account: p.Account, Pending: p, Recovery: got.recovery != "", code: got.recovery}
	c.Account.Level, c.Account.AMR = 2, session.JoinAMR(c.Account.AMR, "otp")
	if c.Recovery {
		return c, unusedRecovery(ctx, tx, p.Account.AccountID, got.recovery)
	}
	c.at, err = s.useApp(ctx, tx, p.Account.AccountID, got.digits)
	return c, err
}

// Spend marks the code as used and ends its pending sign-in, in the transaction that
// starts the session or stores the proof: of two concurrent uses one succeeds, and if
// the transaction fails the code stays valid. Call session.LockAccount first. Errors:
// ErrPending, session.ErrChanged when the code was used or the factor changed meanwhile.
func (s *Store) Spend(ctx context.Context, tx *db.Tx, c Claim, by audit.Actor) error {
	id := c.Account.AccountID
	if c.Pending.hash != "" {
		if err := s.EndPending(ctx, tx, c.Pending); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE code_failures SET in_row = 0 WHERE account_id = ?`, id); err != nil {
		return err
	}
	if !c.Recovery {
		return s.spendApp(ctx, tx, id, c.at)
	}
	if err := s.Used(ctx, tx, id, changes["recovery.used"], by); err != nil {
		return err
	}
	left, err := s.spendRecovery(ctx, tx, id, c.code)
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, s.Now(), by, audit.Event{
		Kind: "recovery.used", AccountID: id, Username: c.Account.Username, Detail: fmt.Sprintf("%d left", left),
	})
}

// failures counts an account's wrong codes: inDay since the time since, in microseconds,
// and inRow since the last right code.
type failures struct{ since, inDay, inRow int64 }

func scanFailures(r db.Row) (f failures, err error) {
	err = r.Scan(&f.since, &f.inDay, &f.inRow)
	return f, err
}

// allowed returns a ManyError if the account has had too many wrong codes. It always
// allows a recovery code: 120 bits cannot be guessed, and whoever guesses six digits
// must not lock out the person who has a recovery code.
func (s *Store) allowed(ctx context.Context, from db.Querier, accountID string, got typed) error {
	if got.recovery != "" {
		return nil
	}
	f, err := db.One(ctx, from, scanFailures, `SELECT since_at, in_day, in_row FROM code_failures WHERE account_id = ?`, accountID)
	if err != nil {
		if errors.Is(err, db.ErrNone) {
			return nil
		}
		return fmt.Errorf("reading the wrong codes: %w", err)
	}
	left := db.Time(f.since).Add(day).Sub(s.Now())
	switch {
	case f.inRow >= maxInRow:
		return ManyError{}
	case f.inDay >= maxInDay && left > 0 && left <= 2*day: // later than that, a clock was ahead
		return ManyError{left.Truncate(time.Second) + time.Second}
	}
	return nil
}

// fail counts a wrong code of its pending sign-in, and six digits also of the account, and
// writes the audit entry. A recovery code is no guess of the digits, and 120 bits need no
// limit: counted, it would turn the digits off for whoever has an app. It returns why, or
// ErrLast.
func (s *Store) fail(ctx context.Context, tx *db.Tx, p Pending, got typed, why error, by audit.Actor) (told, err error) {
	if got.digits != "" {
		if err := s.countDigits(ctx, tx, p.Account.AccountID); err != nil {
			return nil, err
		}
	}
	if p.hash != "" {
		last, err := s.countWrong(ctx, tx, p)
		if err != nil {
			return nil, err
		}
		if last {
			why = ErrLast
		}
	}
	return why, s.recordWrong(ctx, tx, p.Account, by)
}

// countDigits counts six digits that were wrong.
func (s *Store) countDigits(ctx context.Context, tx *db.Tx, accountID string) error {
	now := s.Now()
	_, err := tx.Exec(ctx, `INSERT INTO code_failures (account_id, since_at, in_day, in_row) VALUES (?1, ?2, 1, 1)
		ON CONFLICT (account_id) DO UPDATE SET in_row = code_failures.in_row + 1,
			in_day = CASE WHEN code_failures.since_at > ?3 AND code_failures.since_at <= ?4 THEN code_failures.in_day + 1 ELSE 1 END,
			since_at = CASE WHEN code_failures.since_at > ?3 AND code_failures.since_at <= ?4 THEN code_failures.since_at ELSE ?2 END`,
		accountID, db.Micros(now), db.Micros(now.Add(-day)), db.Micros(now.Add(day)))
	return err
}
