package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"glassjar/utl/db"
)

const (
	pollEvery  = 500 * time.Millisecond
	pollWait   = 2 * time.Second
	pollRest   = 20 * time.Millisecond
	writeEvery = 10               // polls
	batches    = 10               // transactions, at most, between two polls: 5,000 rows
	writeRows  = 500              // rows of one such transaction
	keepChange = 10 * time.Minute // for servers that were away
)

// Run polls for sessions that other processes changed, twice a second and when they
// give notice, writes when sessions
// were last seen, and ends what EndAll left, until ctx ends; then it writes what
// is left. Sweep is for somebody else to call, once a minute: it may take longer
// than the next poll can wait.
func (s *Store) Run(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	healthy := true
	for n := 1; ; n++ {
		err := s.Poll(ctx)
		if err == nil {
			err = s.upkeep(ctx, n)
		}
		if (err == nil) != healthy && ctx.Err() == nil {
			healthy = err == nil
			s.opt.Log.WarnContext(ctx, "the session store", "healthy", healthy, "error", err)
		}
		if !s.await(ctx, tick.C) {
			last := context.WithoutCancel(ctx)
			if err := errors.Join(s.writeRefused(last), s.Write(last)); err != nil {
				s.opt.Log.WarnContext(ctx, "writing what is left of the sessions", "error", err)
			}
			return
		}
	}
}

// await waits for the tick, polling meanwhile when a server gives notice of a change,
// every 20 ms at most. It reports whether ctx goes on.
func (s *Store) await(ctx context.Context, tick <-chan time.Time) bool {
	came, rest := s.opt.DB.Came(), time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return true
		case <-rest.C:
			came = s.opt.DB.Came()
		case <-came:
			_ = s.Poll(ctx) // what is wrong, the tick's poll tells
			came = nil
			rest.Reset(pollRest)
		}
	}
}

// upkeep does what is due after the n-th poll, little enough for the next one to
// be in time.
func (s *Store) upkeep(ctx context.Context, n int) error {
	more, err := true, error(nil)
	for i := 0; i < batches && more && err == nil; i++ {
		more, err = s.finish(ctx)
	}
	if err == nil && n%writeEvery == 0 {
		err = s.write(ctx, batches)
	}
	return err
}

// Poll asks the database which sessions changed and forgets them here. While
// polls succeed, the cache is trusted.
func (s *Store) Poll(ctx context.Context) error {
	began := s.opt.Now()
	if err := s.poll(ctx, began); err != nil {
		return fmt.Errorf("polling for changed sessions: %w", err)
	}
	s.cache.polled.Store(&began)
	return s.writeRefused(ctx)
}

// poll gives a poll 2 s: the cache is trusted for 10 s after a good one, and one
// that hangs must not be the last.
func (s *Store) poll(ctx context.Context, began time.Time) error {
	s.polling.Lock()
	defer s.polling.Unlock()
	if s.feed == nil {
		s.feed = newFeed(s.opt.DB)
	}
	ctx, cancel := context.WithTimeout(ctx, pollWait)
	defer cancel()
	return s.feed.poll(ctx, began, &s.cache)
}

// Healthy reports whether sessions can be told live from ended now.
func (s *Store) Healthy() bool { return s.cache.trusted(s.opt.Now()) }

// writeRefused writes the ends that could not be written when they were asked
// for, together: while the database is locked, each try costs seconds.
func (s *Store) writeRefused(ctx context.Context) error {
	refused := s.cache.toEnd()
	for sids := range slices.Chunk(slices.Sorted(maps.Keys(refused)), writeRows) {
		err := s.opt.DB.Tx(ctx, func(tx *db.Tx) error {
			for _, sid := range sids {
				if _, err := end(ctx, tx, refused[sid].at, refused[sid].by, `sid = ?`, sid); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("writing the ends of sessions: %w", err)
		}
		s.cache.ended(sids)
	}
	return nil
}

// Write writes when sessions were last seen.
func (s *Store) Write(ctx context.Context) error { return s.write(ctx, math.MaxInt) }

// write does so in so many transactions at most, those first that were seen
// first: others write in between. What is left is written the next time.
func (s *Store) write(ctx context.Context, most int) (err error) {
	seen := s.cache.takeSeen()
	oldest := slices.SortedFunc(maps.Keys(seen), func(a, b string) int { return cmp.Compare(seen[a], seen[b]) })
	for sids := range slices.Chunk(oldest, writeRows) {
		if most--; most < 0 {
			break
		}
		if err = s.opt.DB.Tx(ctx, func(tx *db.Tx) error { return s.writeSeen(ctx, tx, sids, seen) }); err != nil {
			break
		}
		for _, sid := range sids {
			delete(seen, sid)
		}
	}
	s.cache.giveBack(seen)
	return err
}

// Sweep deletes the rows that started too long ago for any cookie of theirs to
// be accepted, the changes that every server has seen, and what the cache holds
// for nobody.
func (s *Store) Sweep(ctx context.Context) error {
	now := s.opt.Now()
	s.cache.age(now)
	err := s.opt.DB.Sweep(ctx, `DELETE FROM sessions WHERE sid IN
		(SELECT sid FROM sessions WHERE started_at < ? ORDER BY started_at LIMIT ? /* FOR UPDATE SKIP LOCKED */)`, db.Micros(now.Add(-s.opt.Max-24*time.Hour)))
	if err == nil { // from the oldest on, without a gap, whatever clock dated them
		err = s.opt.DB.Sweep(ctx, `DELETE FROM changes WHERE id IN (SELECT id FROM changes
			WHERE id <= (SELECT MAX(id) FROM changes WHERE at < ?) AND id < (SELECT MAX(id) FROM changes) ORDER BY id LIMIT ? /* FOR UPDATE SKIP LOCKED */)`,
			db.Micros(now.Add(-keepChange)))
	}
	if err != nil {
		return fmt.Errorf("sweeping sessions: %w", err)
	}
	return nil
}
