package account

import (
	"context"
	"fmt"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// Events returns the newest n events of the account, newest first, without refused
// attempts. Errors: db.ErrUnavailable.
func (s *Store) Events(ctx context.Context, accountID string, n int) ([]audit.Entry, error) {
	return reading(audit.LastDone(ctx, s.DB, accountID, n))
}

// Attempts returns the account's newest n refused sign-ins and app passwords, newest
// first. Errors: db.ErrUnavailable.
func (s *Store) Attempts(ctx context.Context, accountID string, n int) ([]audit.Entry, error) {
	return reading(audit.LastAttempts(ctx, s.DB, accountID, n))
}

// EventsBefore returns the n events of the account that precede the event with the
// id, newest first, including refused attempts. Errors: db.ErrUnavailable.
func (s *Store) EventsBefore(ctx context.Context, accountID string, id int64, n int) ([]audit.Entry, error) {
	return reading(audit.Before(ctx, s.DB, accountID, id, n))
}

// Audit returns the audit entries of all accounts that match the query, newest first:
// at most audit.PageRows, plus one if more follow. Errors: db.ErrUnavailable.
func (s *Store) Audit(ctx context.Context, q audit.Query) ([]audit.Entry, error) {
	return reading(audit.Page(ctx, s.DB, q))
}

// EachEntry calls fn for every audit entry that matches the query, newest first,
// until fn returns an error. It holds no transaction or connection while fn runs.
// Errors: fn's, db.ErrUnavailable.
func (s *Store) EachEntry(ctx context.Context, q audit.Query, fn func(audit.Entry) error) error {
	return audit.Each(ctx, s.DB, q, fn)
}

func reading(all []audit.Entry, err error) ([]audit.Entry, error) {
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	return all, nil
}

// IsKnownDevice reports whether a device cookie with this account id and epoch makes
// its browser a known device of the account. A change of the epoch, such as a new
// password, ends all known devices.
func (a Account) IsKnownDevice(id string, epoch int64) bool {
	return a.ID != "" && a.ID == id && a.epoch == epoch
}

// RecordAttempt writes the audit entry of a refused sign-in or app password, in the
// transaction that counts it. If no account has the typed name, pass the zero Account:
// then the entry has the event and the address but not the name, because people type
// passwords into the wrong field.
func (s *Store) RecordAttempt(ctx context.Context, tx *db.Tx, kind string, a Account, by audit.Actor) error {
	return audit.RecordAttempt(ctx, tx, s.Now(), by, audit.Event{Kind: kind, AccountID: a.ID, Username: a.Username})
}

// Throttled writes the audit entry of a sign-in that the throttle refused because too
// many had failed. Errors: db.ErrUnavailable.
func (s *Store) Throttled(ctx context.Context, a Account, by audit.Actor) error {
	return s.DB.Tx(ctx, func(tx *db.Tx) error { return s.RecordAttempt(ctx, tx, "signin.throttled", a, by) })
}

// Sweep deletes audit entries older than keep, links that expired longer ago than
// that, accounts that waited for approval for WaitingLife, and sign-ups whose link
// has expired. Errors: db.ErrUnavailable.
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
		return fmt.Errorf("deleting old links, audit entries, waiting accounts and sign-ups: %w", err)
	}
	return nil
}
