// Package throttle slows down guessing. It counts failed sign-ins by address,
// by account, by both together and by known device, keeps the counts in the
// database, and refuses a try while one of its counters waits. Success costs
// nothing and clears nothing. What people typed is kept as a hash alone.
package throttle

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"glassjar/utl/db"
)

// busyWait is how long a try is refused that must let another one end first.
const busyWait = time.Second

// Store counts failed sign-ins. Its methods may be called from many
// goroutines. Limits hold exactly in one process; where several share a
// database, but for the tries that are under way in the others.
// Somebody must call Sweep, once a minute or so.
type Store struct {
	DB  *db.DB
	Now func() time.Time

	recorded atomic.Uint64 // counts up with each failure that was written
	mu       sync.Mutex
	underWay map[string]int64 // key hash → tries that began and have not ended
}

// Attempt is a sign-in that somebody asks for.
type Attempt struct {
	Address netip.Addr // the client's; IPv6 counts by /64
	Account string     // the username in its normal form, else as typed; 256 bytes of it count
	Device  string     // a known device's id, verified for this account; empty: none
}

// Try is a sign-in that may be tried. One goroutine uses it.
type Try struct {
	store *Store
	keys  []key
	once  sync.Once
}

// Begin asks whether the sign-in may be tried now. Either wait is 0, and the
// caller must end the Try with Failed or Done; or the Try is nil, wait is whole
// seconds, 30 at most, and no password may be looked at. An attempt from a
// known device is counted by the device alone.
// Errors: db.ErrUnavailable.
func (s *Store) Begin(ctx context.Context, a Attempt) (_ *Try, wait time.Duration, err error) {
	t := &Try{store: s, keys: a.keys()}
	for { // each further turn was paid for with a failure of somebody's
		recorded := s.recorded.Load()
		rows, err := s.read(ctx, t.keys)
		if err != nil {
			return nil, 0, fmt.Errorf("reading the throttle: %w", err)
		}
		switch wait, fresh := s.admit(t.keys, rows, recorded); {
		case fresh && wait > 0:
			return nil, wait, nil
		case fresh:
			return t, 0, nil
		}
	}
}

// admit counts the keys as under way, unless they must wait. Rows are not fresh
// when a failure was written since they were read: its try may be neither in
// them nor under way any more.
func (s *Store) admit(keys []key, rows map[string]row, recorded uint64) (wait time.Duration, fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recorded.Load() != recorded {
		return 0, false
	}
	now := s.Now()
	for _, k := range keys {
		failures, left := k.standing(rows[k.hash], now)
		if busy := s.underWay[k.hash]; busy > 0 && failures+busy >= k.free {
			left = max(left, busyWait)
		}
		wait = max(wait, left)
	}
	if wait > 0 {
		return (wait + time.Second - 1).Truncate(time.Second), true
	}
	s.count(keys, 1)
	return 0, true
}

// count adds n to the tries under way. The caller holds mu.
func (s *Store) count(keys []key, n int64) {
	if s.underWay == nil {
		s.underWay = map[string]int64{}
	}
	for _, k := range keys {
		if s.underWay[k.hash] += n; s.underWay[k.hash] == 0 {
			delete(s.underWay, k.hash)
		}
	}
}

// Failed ends the try and counts it as a failure, even when the client has gone
// and ctx has ended. What also writes, if it is not nil, with the ctx that it is
// given, is written in the same transaction: both are, or neither is.
// Errors: db.ErrUnavailable, and whatever also returned.
func (t *Try) Failed(ctx context.Context, also func(context.Context, *db.Tx) error) error {
	defer t.Done()
	ctx = context.WithoutCancel(ctx) // hanging up must not make guesses free
	err := t.store.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := charge(ctx, tx, t.keys, t.store.Now()); err != nil || also == nil {
			return err
		}
		return also(ctx, tx)
	})
	t.store.recorded.Add(1) // before Done: at no moment is the failure in neither count
	if err != nil {
		return fmt.Errorf("counting a failed sign-in: %w", err)
	}
	return nil
}

// Done ends the try without a failure: it succeeded, or no password was looked
// at. After Failed, or a second time, it does nothing: it may be deferred.
func (t *Try) Done() {
	t.once.Do(func() {
		t.store.mu.Lock()
		defer t.store.mu.Unlock()
		t.store.count(t.keys, -1)
	})
}
