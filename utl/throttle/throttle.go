// Package throttle slows down guessing. It counts failed sign-ins by address,
// by network, by account, by address and account together and by known device,
// keeps the counts in the database, and refuses a try while one of its counters
// waits. It also counts an account's failures in a row and its sign-ins. What
// people typed is kept as a hash alone. What is no sign-in is counted in the
// same way, apart.
package throttle

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"glassjar/utl/db"
)

const busyWait = time.Second // for an attempt that must let a try end first

// Store counts failed sign-ins. Its methods may be called from many
// goroutines. Limits hold exactly in one process; where several share a
// database, but for the tries that are under way in the others.
// Somebody must call Sweep, once a minute or so.
type Store struct {
	DB  *db.DB
	Now func() time.Time

	once     sync.Once
	turn     chan struct{}    // holds one value while somebody reads the counters or changes underWay
	underWay map[string]int64 // by key hash: tries that began and have not ended
}

// Attempt is a sign-in that somebody asks for.
type Attempt struct {
	Kind    string     // what is tried, if it is no sign-in: each kind slows its own alone
	Address netip.Addr // the client's; IPv6 counts by /64
	Account string     // the username in its normal form, else as typed; 256 bytes of it count
	Device  string     // a known device's id, verified for this account; empty: none

	SignedIn bool // somebody signed in shows again who they are: that is no sign-in
}

// Try is a sign-in that may be tried. One goroutine uses it.
type Try struct {
	counters

	store *Store
	over  bool
}

// Begin asks whether the sign-in may be tried now. Either wait is 0, and the
// caller must end the Try with Failed, Succeeded or Done; or the Try is nil, wait
// is whole seconds, an hour at most, and no password may be looked at. An attempt
// from a known device waits for the device's failures and the account's sign-ins
// alone. Errors: db.ErrUnavailable, and ctx's own.
func (s *Store) Begin(ctx context.Context, a Attempt) (_ *Try, wait time.Duration, err error) {
	t := &Try{store: s, counters: a.counters()}
	// Held from the reading to the counting: a try that ends in between would be
	// in neither the rows nor underWay.
	if err := s.lock(ctx); err != nil {
		return nil, 0, fmt.Errorf("waiting for the throttle: %w", err)
	}
	defer s.unlock()
	rows, err := s.read(ctx, t.asked)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the throttle: %w", err)
	}
	if wait = s.wait(t.asked, rows); wait > 0 {
		return nil, wait, nil
	}
	s.count(t.asked, 1)
	return t, 0, nil
}

// lock waits for the turn, or until ctx ends.
func (s *Store) lock(ctx context.Context) error {
	s.once.Do(func() { s.turn = make(chan struct{}, 1) })
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) unlock() { <-s.turn }

// wait returns how long the keys must wait, in whole seconds. The caller has
// the turn.
func (s *Store) wait(keys []key, rows map[string]row) (wait time.Duration) {
	now := s.Now()
	for _, k := range keys {
		counted, left := k.standing(rows[k.hash], now)
		if busy := s.underWay[k.hash]; busy > 0 && counted+busy >= k.free {
			left = max(left, busyWait)
		}
		wait = max(wait, left)
	}
	return (wait + time.Second - 1).Truncate(time.Second)
}

// count adds n to the tries under way. The caller has the turn.
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
		if err := charge(ctx, tx, t.failure, t.store.Now()); err != nil || also == nil {
			return err
		}
		return also(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("counting a failed sign-in: %w", err)
	}
	return nil
}

// Succeeded ends the try and counts it as a sign-in of the account, whose
// failures in a row begin anew. Errors: db.ErrUnavailable.
func (t *Try) Succeeded(ctx context.Context) error {
	defer t.Done()
	err := t.store.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := forget(ctx, tx, t.ended); err != nil {
			return err
		}
		return charge(ctx, tx, t.success, t.store.Now())
	})
	if err != nil {
		return fmt.Errorf("counting a sign-in: %w", err)
	}
	return nil
}

// Done ends the try without counting it: no password was looked at, or it was
// right and is no sign-in. After Failed or Succeeded, or a second time, it does
// nothing: it may be deferred.
func (t *Try) Done() {
	if t.over {
		return
	}
	t.over = true
	_ = t.store.lock(context.Background()) // nothing else ends the wait
	defer t.store.unlock()
	t.store.count(t.asked, -1)
}
