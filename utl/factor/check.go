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
	maxInDay = 20  // wrong codes of an account in a day
	maxInRow = 100 // wrong codes of an account since its last right one (NIST SP 800-63B-4, section 3.2.2)
	day      = 24 * time.Hour
)

// Claim is a code that was right. Nothing may come of it before Spend.
type Claim struct {
	Account  session.Verified // by both factors
	Pending  Pending          // the zero Pending in a proof
	Recovery bool             // it was a recovery code

	at   int64  // the step of the six digits
	code string // the recovery code
}

// Check looks at the code that was typed in the pending sign-in with the code
// pending. Errors: ErrPending, also from the sixth wrong code on; ErrForm, ErrWrong,
// ErrUsed, ManyError, ErrBroken, db.ErrUnavailable.
func (s *Store) Check(ctx context.Context, pending, text string, by audit.Actor) (Claim, error) {
	p, err := s.Find(ctx, pending)
	if err != nil {
		return Claim{}, err
	}
	return s.check(ctx, p, text, by)
}

// CheckAgain looks at the code that somebody signed in, the account v, types to prove
// again who they are. Errors: as of Check, but for ErrPending.
func (s *Store) CheckAgain(ctx context.Context, v session.Verified, text string, by audit.Actor) (Claim, error) {
	return s.check(ctx, Pending{Account: v}, text, by)
}

func (s *Store) check(ctx context.Context, p Pending, text string, by audit.Actor) (c Claim, err error) {
	got, err := parse(text)
	if err == nil {
		err = s.allowed(ctx, s.DB, p.Account.AccountID, got) // without a lock: most of a flood ends here
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
		c, err = s.look(ctx, tx, p, got)
		if errors.Is(err, ErrWrong) {
			wrong = err
			return s.fail(ctx, tx, p, by)
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

// look returns what comes of what was typed. Errors: ErrWrong, ErrUsed, ErrBroken.
func (s *Store) look(ctx context.Context, tx *db.Tx, p Pending, got typed) (c Claim, err error) {
	c = Claim{Account: p.Account, Pending: p, Recovery: got.recovery != "", code: got.recovery}
	c.Account.Level, c.Account.AMR = 2, session.JoinAMR(c.Account.AMR, "otp")
	if c.Recovery {
		return c, unusedRecovery(ctx, tx, p.Account.AccountID, got.recovery)
	}
	c.at, err = s.useApp(ctx, tx, p.Account.AccountID, got.digits)
	return c, err
}

// Spend uses the code up, and ends its pending sign-in, in the transaction that
// starts the session or notes the proof: of two at once one gets through, and no code
// is lost when that fails. session.LockAccount comes before it. Errors: ErrPending,
// session.ErrChanged when the code was used or the factor changed meanwhile.
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
	if err := s.Changed(ctx, tx, id, changes["recovery.used"], by); err != nil {
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

// failures are an account's wrong codes.
type failures struct{ since, inDay, inRow int64 }

func scanFailures(r db.Row) (f failures, err error) {
	err = r.Scan(&f.since, &f.inDay, &f.inRow)
	return f, err
}

// allowed returns a ManyError when the account has had too many wrong codes. A
// recovery code is looked at all the same: nobody guesses one of 120 bits, and
// whoever has one is not to be kept out by somebody who guesses six digits.
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
	case f.inDay >= maxInDay && left > 0:
		return ManyError{min(left, day).Truncate(time.Second) + time.Second}
	}
	return nil
}

// fail counts a wrong code.
func (s *Store) fail(ctx context.Context, tx *db.Tx, p Pending, by audit.Actor) error {
	now := s.Now()
	if _, err := tx.Exec(ctx, `INSERT INTO code_failures (account_id, since_at, in_day, in_row) VALUES (?1, ?2, 1, 1)
		ON CONFLICT (account_id) DO UPDATE SET in_row = code_failures.in_row + 1,
			in_day = CASE WHEN code_failures.since_at <= ?3 THEN 1 ELSE code_failures.in_day + 1 END,
			since_at = CASE WHEN code_failures.since_at <= ?3 THEN ?2 ELSE code_failures.since_at END`,
		p.Account.AccountID, db.Micros(now), db.Micros(now.Add(-day))); err != nil {
		return err
	}
	if p.hash != "" {
		if err := s.countWrong(ctx, tx, p); err != nil {
			return err
		}
	}
	return s.recordWrong(ctx, tx, p.Account, by)
}
