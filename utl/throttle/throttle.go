// Package throttle slows down guessing. It counts failed sign-ins by address,
// by account, by both together and by known device, keeps the counts in the
// database, and refuses a try while one of its counters waits. Success costs
// nothing and clears nothing. What people typed is kept as a hash alone. What
// is no sign-in is counted in the same way, apart.
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

const (
	busyWait = time.Second // for an attempt that must let a try end first
	slots    = 1 << 12     // keys that share one cost each other a second reading at worst
)

// Store counts failed sign-ins. Its methods may be called from many
// goroutines. Limits hold exactly in one process; where several share a
// database, but for the tries that are under way in the others.
// Somebody must call Sweep, once a minute or so.
type Store struct {
	DB      *db.DB
	Now     func() time.Time
	MaxRows int // counters that Sweep leaves; 0: 100,000

	recorded [slots]atomic.Uint64 // by key slot: counts up with each failure that was written
	mu       sync.Mutex
	underWay map[string]int64 // by key hash: tries that began and have not ended
}

// Attempt is a sign-in that somebody asks for.
type Attempt struct {
	Kind    string     // what is tried, if it is no sign-in: each kind slows its own alone
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
	for { // a further turn was paid for with a failure of one of the keys
		recorded := s.failures(t.keys)
		rows, err := s.read(ctx, t.keys)
		if err != nil {
			return nil, 0, fmt.Errorf("reading the throttle: %w", err)
		}
		switch wait, stale := s.admit(t.keys, rows, recorded); {
		case wait > 0:
			return nil, wait, nil
		case !stale:
			return t, 0, nil
		}
	}
}

// failures returns a number that grows when a failure of the keys is written.
func (s *Store) failures(keys []key) (n uint64) {
	for _, k := range keys {
		n += s.recorded[k.slot].Load()
	}
	return n
}

// admit counts the keys as under way, unless they must wait, or the rows are
// stale: a failure was written since they were read, whose try may be neither
// in them nor under way any more. That could only make the keys wait longer.
func (s *Store) admit(keys []key, rows map[string]row, recorded uint64) (wait time.Duration, stale bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.Now()
	for _, k := range keys {
		failures, left := k.standing(rows[k.hash], now)
		if busy := s.underWay[k.hash]; busy > 0 && failures+busy >= k.free {
			left = max(left, busyWait)
		}
		wait = max(wait, left)
	}
	if wait > 0 {
		return (wait + time.Second - 1).Truncate(time.Second), false
	}
	if s.failures(keys) != recorded {
		return 0, true
	}
	s.count(keys, 1)
	return 0, false
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
	defer t.end(1)
	ctx = context.WithoutCancel(ctx) // hanging up must not make guesses free
	err := t.store.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := charge(ctx, tx, t.keys, t.store.Now()); err != nil || also == nil {
			return err
		}
		return also(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("counting a failed sign-in: %w", err)
	}
	return nil
}

// Done ends the try without a failure: it succeeded, or no password was looked
// at. After Failed, or a second time, it does nothing: it may be deferred.
func (t *Try) Done() { t.end(0) }

// end takes the keys off what is under way and, in the same moment, makes rows
// that were read before its failures were written stale.
func (t *Try) end(failures uint64) {
	t.once.Do(func() {
		t.store.mu.Lock()
		defer t.store.mu.Unlock()
		for _, k := range t.keys {
			t.store.recorded[k.slot].Add(failures)
		}
		t.store.count(t.keys, -1)
	})
}
