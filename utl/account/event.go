package account

import (
	"context"
	"fmt"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// Events returns the newest n events that happened to the account, those
// apart that were refused attempts.
func (s *Store) Events(ctx context.Context, accountID string, n int) ([]audit.Entry, error) {
	return reading(audit.LastDone(ctx, s.DB, accountID, n))
}

// Attempts returns the newest n sign-ins and app passwords of the account that
// were refused.
func (s *Store) Attempts(ctx context.Context, accountID string, n int) ([]audit.Entry, error) {
	return reading(audit.LastAttempts(ctx, s.DB, accountID, n))
}

// EventsBefore returns the newest n events that happened to the account before
// the one with the id, refused attempts too.
func (s *Store) EventsBefore(ctx context.Context, accountID string, id int64, n int) ([]audit.Entry, error) {
	return reading(audit.Before(ctx, s.DB, accountID, id, n))
}

// Audit returns the entries of the query, of all accounts, newest first: at most
// audit.PageRows, and one more when others follow.
func (s *Store) Audit(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	return reading(audit.Page(ctx, s.DB, q))
}

// EachEntry calls fn for every entry of the query, newest first, until fn fails.
// It holds nothing of the database while fn runs.
func (s *Store) EachEntry(ctx context.Context, q audit.Query, fn func(audit.Entry) error) error {
	return audit.Each(ctx, s.DB, q, fn)
}

func reading(all []audit.Entry, err error) ([]audit.Entry, error) {
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	return all, nil
}

// IsKnownDevice reports whether a device that was made a known one of the account with
// the id, at that epoch, is one of this account still.
func (a Account) IsKnownDevice(id string, epoch int64) bool {
	return a.ID != "" && a.ID == id && a.epoch == epoch
}

// RecordAttempt records, in the transaction that counts it, a sign-in that was not
// let in. Of a name that no account has, a is zero, and only the event and the
// address are kept: people type passwords into the wrong field.
func (s *Store) RecordAttempt(ctx context.Context, tx *db.Tx, kind string, a Account, by audit.Actor) error {
	return audit.RecordAttempt(ctx, tx, s.Now(), by, audit.Event{Kind: kind, AccountID: a.ID, Username: a.Username})
}

// Throttled records a sign-in that was not tried because too many had failed.
func (s *Store) Throttled(ctx context.Context, a Account, by audit.Actor) error {
	return s.DB.Tx(ctx, func(tx *db.Tx) error { return s.RecordAttempt(ctx, tx, "signin.throttled", a, by) })
}

// Sweep forgets the events that are older than keep, the links that were used or
// have expired that long ago, the accounts that nobody approved, and the sign-ups
// that nobody confirmed. Errors: db.ErrUnavailable.
func (s *Store) Sweep(ctx context.Context, keep time.Duration) error {
	before := s.Now().Add(-keep)
	err := s.DB.Sweep(ctx, `DELETE FROM links WHERE code_hash IN
		(SELECT code_hash FROM links WHERE expires_at < ? ORDER BY expires_at LIMIT ? /* FOR UPDATE SKIP LOCKED */)`, db.Micros(before))
	if err == nil {
		err = audit.Sweep(ctx, s.DB, before)
	}
	if err == nil {
		err = s.sweepWaiting(ctx)
	}
	if err == nil {
		err = s.sweepPending(ctx)
	}
	if err != nil {
		return fmt.Errorf("sweeping links, events, accounts that wait and sign-ups: %w", err)
	}
	return nil
}
