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
	batches    = 10               // transactions between two polls, at most: 5,000 rows
	writeRows  = 500              // rows of one such transaction
	keepChange = 10 * time.Minute // rows of changes are kept this long; a server that was away longer resets its cache
)

// Run keeps the cache up to date until ctx ends: it polls for changes of other
// processes twice a second and when one notifies, writes when sessions were last
// seen, and writes ends that EndAll left. At the end it writes what is pending. It
// does not call Sweep, which may take longer than a poll can wait: call that once a
// minute.
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
			s.opt.Log.WarnContext(ctx, "session polling", "healthy", healthy, "error", err)
		}
		if !s.await(ctx, tick.C) {
			last := context.WithoutCancel(ctx)
			if err := errors.Join(s.writePendingEnds(last), s.Write(last)); err != nil {
				s.opt.Log.WarnContext(ctx, "writing pending ends and last seen of sessions", "error", err)
			}
			return
		}
	}
}

// await waits for the tick, and polls meanwhile when another server notifies of a
// change, at most every 20 ms. It reports false when ctx has ended.
func (s *Store) await(ctx context.Context, tick <-chan time.Time) bool {
	came, rest := s.opt.DB.Notified(), time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return true
		case <-rest.C:
			came = s.opt.DB.Notified()
		case <-came:
			_ = s.Poll(ctx) // the next tick's poll reports errors
			came = nil
			rest.Reset(pollRest)
		}
	}
}

// upkeep does the writes that are due after the n-th poll, a bounded number, so
// that the next poll is on time.
func (s *Store) upkeep(ctx context.Context, n int) error {
	more, err := true, error(nil)
	for i := 0; i < batches && more && err == nil; i++ {
		more, err = s.endRest(ctx)
	}
	if err == nil && n%writeEvery == 0 {
		err = s.write(ctx, batches)
	}
	return err
}

// Poll reads from the database which sessions changed, and invalidates them in the
// cache. The cache is used while polls succeed.
func (s *Store) Poll(ctx context.Context) error {
	began := s.opt.Now()
	if err := s.poll(ctx, began); err != nil {
		return fmt.Errorf("polling for changed sessions: %w", err)
	}
	s.cache.polled.Store(&began)
	return s.writePendingEnds(ctx)
}

// poll runs one poll with a timeout of 2 s, so that one that hangs leaves time for
// more before the cache's 10 s are over.
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

// Healthy reports whether polls succeed, so that this server knows which sessions
// have ended.
func (s *Store) Healthy() bool { return s.cache.isTrusted(s.opt.Now()) }

// writePendingEnds writes pending ends, up to 500 in a transaction: while the
// database is locked, each attempt takes seconds.
func (s *Store) writePendingEnds(ctx context.Context) error {
	refused := s.cache.pending()
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
		s.cache.clearPending(sids)
	}
	return nil
}

// Write writes when sessions were last seen.
func (s *Store) Write(ctx context.Context) error { return s.write(ctx, math.MaxInt) }

// write does so in at most this many transactions, oldest first, so that others can
// write in between. The rest waits for the next call.
func (s *Store) write(ctx context.Context, most int) (err error) {
	seen := s.cache.drainSeen()
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
	s.cache.requeueSeen(seen)
	return err
}

// Sweep deletes the rows of sessions that are past their limits by a day, changes
// older than 10 minutes, and idle cache entries.
func (s *Store) Sweep(ctx context.Context) error {
	now := s.opt.Now()
	s.cache.evictIdle(now)
	err := s.opt.DB.Sweep(ctx, `DELETE FROM sessions WHERE sid IN
		(SELECT sid FROM sessions WHERE started_at < ? ORDER BY started_at LIMIT ? /* FOR UPDATE SKIP LOCKED */)`, db.Micros(now.Add(-s.opt.Max-24*time.Hour)))
	if err == nil { // by id, oldest first and without gaps, even if clocks differed
		err = s.opt.DB.Sweep(ctx, `DELETE FROM changes WHERE id IN (SELECT id FROM changes
			WHERE id <= (SELECT MAX(id) FROM changes WHERE at < ?) AND id < (SELECT MAX(id) FROM changes) ORDER BY id LIMIT ? /* FOR UPDATE SKIP LOCKED */)`,
			db.Micros(now.Add(-keepChange)))
	}
	if err != nil {
		return fmt.Errorf("sweeping sessions: %w", err)
	}
	return nil
}
