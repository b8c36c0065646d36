package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

// Events returns the newest n events that happened to the account.
func (s *Store) Events(ctx context.Context, accountID string, n int) ([]audit.Entry, error) {
	all, err := audit.Last(ctx, s.DB, accountID, n)
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	return all, nil
}

// RecordTry records, in the transaction that counts it, a sign-in that was not
// let in. Of a name that no account has, only the event and the address are
// kept: people type passwords into the wrong field.
func (s *Store) RecordTry(ctx context.Context, tx *db.Tx, kind, typed string, by audit.Actor) error {
	c, err := s.find(ctx, tx, typed)
	if err != nil && !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrName) {
		return err
	}
	return s.record(ctx, tx, by, kind, c.Account, "")
}

// Knows reports whether the device is a known one of the account that the
// typed username names.
func (s *Store) Knows(ctx context.Context, typed, accountID string, epoch int64) (bool, error) {
	c, err := s.find(ctx, s.DB, typed)
	if errors.Is(err, ErrUnknown) || errors.Is(err, ErrName) {
		return false, nil
	}
	return err == nil && c.ID == accountID && c.epoch == epoch, err
}

// Throttled records a sign-in that was not tried because too many had failed.
func (s *Store) Throttled(ctx context.Context, typed string, by audit.Actor) error {
	return s.DB.Tx(ctx, func(tx *db.Tx) error { return s.RecordTry(ctx, tx, "signin.throttled", typed, by) })
}

// Sweep forgets the events that are older than keep, and the links that were
// used or have expired that long ago. Errors: db.ErrUnavailable.
func (s *Store) Sweep(ctx context.Context, keep time.Duration) error {
	before := s.Now().Add(-keep)
	return s.DB.Tx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM links WHERE expires_at < ?`, db.Micros(before)); err != nil {
			return err
		}
		return audit.Sweep(ctx, tx, before)
	})
}
