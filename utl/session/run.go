package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/db"
)

const (
	pollEvery  = 500 * time.Millisecond
	writeEvery = 10 // polls
	sweepEvery = 120
	overlap    = 10 * time.Second // commit order is not changed_at order
)

// Run polls for sessions that other processes changed, writes when sessions
// were last seen, and sweeps, until ctx ends; then it writes what is left.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	healthy := true
	for n := 1; ; n++ {
		err := s.Poll(ctx)
		if err == nil && n%writeEvery == 0 {
			err = s.Write(ctx)
		}
		if err == nil && n%sweepEvery == 0 {
			err = s.Sweep(ctx)
		}
		if (err == nil) != healthy && ctx.Err() == nil {
			healthy = err == nil
			s.opt.Log.WarnContext(ctx, "the session store", "healthy", healthy, "error", err)
		}
		select {
		case <-ctx.Done():
			last := context.WithoutCancel(ctx)
			if err := errors.Join(s.writeRefused(last), s.Write(last)); err != nil {
				s.opt.Log.WarnContext(ctx, "writing what is left of the sessions", "error", err)
			}
			return
		case <-tick.C:
		}
	}
}

// Poll asks the database which sessions changed and forgets them here. While
// polls succeed, the cache is trusted.
func (s *Store) Poll(ctx context.Context) error {
	began, latest := s.opt.Now(), s.cache.newest()
	since := latest - overlap.Microseconds()
	if latest == 0 { // the first poll: what is cached now was read before anybody watched
		newest, err := db.One(ctx, s.opt.DB, db.Int, `SELECT COALESCE(MAX(changed_at), 0) FROM sessions`)
		if err != nil {
			return fmt.Errorf("polling for the newest change: %w", err)
		}
		s.cache.start(newest)
		since = newest
	}
	changes, err := db.All(ctx, s.opt.DB, scanChange, `SELECT sid, changed_at FROM sessions WHERE changed_at > ?`, since)
	if err != nil {
		return fmt.Errorf("polling for changed sessions: %w", err)
	}
	s.cache.changed(began, changes)
	return s.writeRefused(ctx)
}

// Healthy reports whether sessions can be told live from ended now.
func (s *Store) Healthy() bool { return s.cache.trusted(s.opt.Now()) }

// writeRefused writes the ends that could not be written when they were asked
// for, together: while the database is locked, each try costs seconds.
func (s *Store) writeRefused(ctx context.Context) error {
	refused := s.cache.toEnd()
	if len(refused) == 0 {
		return nil
	}
	err := s.opt.DB.Tx(ctx, func(tx *db.Tx) error {
		for sid, r := range refused {
			if _, err := end(ctx, tx, r.at, r.by, `sid = ?`, sid); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing the ends of sessions: %w", err)
	}
	s.cache.ended(refused)
	return nil
}

// Write writes when sessions were last seen.
func (s *Store) Write(ctx context.Context) error {
	seen := s.cache.takeSeen()
	if len(seen) == 0 {
		return nil
	}
	err := s.opt.DB.Tx(ctx, func(tx *db.Tx) error { return writeSeen(ctx, tx, seen) })
	if err != nil {
		s.cache.giveBack(seen)
	}
	return err
}

// Sweep deletes the rows that started too long ago for any cookie of theirs to
// be accepted, but for the newest change, and lets the cache age.
func (s *Store) Sweep(ctx context.Context) error {
	now := s.opt.Now()
	s.cache.age(now)
	err := s.opt.DB.Tx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM sessions WHERE started_at < ? AND
			changed_at < (SELECT MAX(changed_at) FROM sessions)`, // which nextChange counts on
			db.Micros(now.Add(-s.opt.Max-24*time.Hour)))
		return err
	})
	if err != nil {
		return fmt.Errorf("sweeping sessions: %w", err)
	}
	return nil
}
