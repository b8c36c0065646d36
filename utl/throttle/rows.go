package throttle

import (
	"context"
	"fmt"
	"strings"
	"time"

	"glassjar/utl/db"
)

// maxRows limits the counters that Sweep leaves, about 20 MB.
const maxRows = 100_000

// row is one counter.
type row struct {
	hash        string
	count       int64 // failures; of the sign-in rule, sign-ins
	since, last int64 // the window's first and newest count, as db.Micros; for a streak, both are the newest
}

func scan(r db.Row) (one row, err error) {
	err = r.Scan(&one.hash, &one.count, &one.since, &one.last)
	return one, err
}

// read returns the keys' rows by hash. A key without counts has no row.
func (s *Store) read(ctx context.Context, keys []key) (map[string]row, error) {
	args := make([]any, len(keys))
	for i, k := range keys {
		args[i] = k.hash
	}
	all, err := db.All(ctx, s.DB, scan, `SELECT key_hash, failures, since_at, last_at FROM throttle
		WHERE key_hash IN (?`+strings.Repeat(", ?", len(keys)-1)+`)`, args...)
	rows := make(map[string]row, len(all))
	for _, r := range all {
		rows[r.hash] = r
	}
	return rows, err
}

// recordFailure increments the keys' counters. The first count after a window's
// end starts a new window.
func recordFailure(ctx context.Context, tx *db.Tx, keys []key, at time.Time) error {
	now := db.Micros(at)
	for _, k := range keys {
		over := db.Micros(at.Add(-k.window))
		begins := over
		if k.kind == streakRule.kind {
			begins = now // each failure prolongs the streak
		}
		if _, err := tx.Exec(ctx, `INSERT INTO throttle (key_hash, kind, failures, since_at, last_at) VALUES (?, ?, 1, ?, ?)
			ON CONFLICT (key_hash) DO UPDATE SET
				failures = CASE WHEN throttle.since_at <= ? THEN 1 ELSE throttle.failures + 1 END,
				since_at = CASE WHEN throttle.since_at <= ? OR throttle.since_at > excluded.since_at
					THEN excluded.since_at ELSE throttle.since_at END,
				last_at = excluded.last_at`, k.hash, k.kind, now, now, over, begins); err != nil {
			return err
		}
	}
	return nil
}

// clearCounters deletes the keys' counters.
func clearCounters(ctx context.Context, tx *db.Tx, keys []key) error {
	for _, k := range keys {
		if _, err := tx.Exec(ctx, `DELETE FROM throttle WHERE key_hash = ?`, k.hash); err != nil {
			return err
		}
	}
	return nil
}

// Sweep deletes counters whose windows and waits have ended and, beyond 100,000,
// those with the oldest newest failure, so that ongoing guessing keeps its
// counters. Times in the future, which a clock that was set back left there,
// become now: nobody waits longer than until the next Sweep plus 10 minutes. It
// works in batches, as db.Sweep does. Errors: db.ErrUnavailable.
func (s *Store) Sweep(ctx context.Context) error {
	now := s.Now()
	err := s.DB.Sweep(ctx, `UPDATE throttle SET last_at = ?1, since_at = CASE WHEN since_at > ?1 THEN ?1 ELSE since_at END
		WHERE key_hash IN (SELECT key_hash FROM throttle WHERE last_at > ?1 LIMIT ?2 /* FOR UPDATE SKIP LOCKED */)`, db.Micros(now)) // no window begins after last_at
	for _, r := range rules {
		if err == nil {
			err = s.DB.Sweep(ctx, `DELETE FROM throttle WHERE key_hash IN
				(SELECT key_hash FROM throttle WHERE kind = ? AND since_at <= ? LIMIT ? /* FOR UPDATE SKIP LOCKED */)`,
				r.kind, db.Micros(now.Add(-r.window-doubling[len(doubling)-1])))
		}
	}
	if err == nil {
		err = s.trim(ctx, maxRows)
	}
	if err != nil {
		return fmt.Errorf("sweeping the throttle: %w", err)
	}
	return nil
}

// trim deletes all but the n counters with the newest failures.
func (s *Store) trim(ctx context.Context, n int) error {
	return s.DB.Sweep(ctx, `DELETE FROM throttle WHERE key_hash IN
		(SELECT key_hash FROM throttle ORDER BY last_at DESC LIMIT ?2 OFFSET ?1 /* FOR UPDATE SKIP LOCKED */)`, n)
}
