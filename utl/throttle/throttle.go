// Package throttle rate-limits guessing. It counts failed sign-ins by address,
// by network, by account, by address and account together and by known device,
// keeps the counts in the database, and rejects an attempt while one of its
// counters waits. It also counts an account's failures in a row and its sign-ins.
// An account's failures count by the name that was typed, so that nobody learns
// which account has an email address; but those in a row count by the account,
// which shows after 100 of them.
// Typed names are stored only as hashes. Attempts of other kinds than a sign-in
// have separate counters.
package throttle

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"glassjar/utl/db"
)

const busyWait = time.Second // for an attempt while as many as allowed are in flight

// SignUp is the kind of an attempt to make an account, which nobody invited:
// Succeeded and Failed count it alike, by address, by network and all together.
const SignUp = "sign-up"

// Store counts failed sign-ins. It is safe for concurrent use. Limits are exact
// within one process. Attempts in flight in other processes sharing the database
// are not counted. The caller runs Sweep about once a minute.
type Store struct {
	DB  *db.DB
	Now func() time.Time

	once     sync.Once
	mutex    chan struct{}    // guards inFlight, and the counters from the read to the count; a wait for it ends with a ctx
	inFlight map[string]int64 // by key hash: tries between Begin and their end
}

// Attempt is one sign-in, or another use of a secret that can be guessed.
type Attempt struct {
	Kind    string     // empty for a sign-in; other kinds have separate counters, and SignUp has its own rules
	Address netip.Addr // the client's; IPv6 is counted by /64 and /48
	Account string     // the account's username, or what was typed if no account has it; its first 256 bytes count
	Typed   string     // what was typed if it may be another name of the account, its email address; empty: Account
	Device  string     // a known device's id, verified for this account, or empty

	Unnamed bool // nobody is named: failures count by address alone
	Proven  bool // who it is is known: only the account's sign-ins are checked and counted

	SignedIn bool // the person is signed in and proves who they are again: not counted as a sign-in
}

// Try is an admitted Attempt. It is for use by one goroutine.
type Try struct {
	counters

	store *Store
	done  bool
}

// Begin admits or rejects the attempt. If wait is 0, it is admitted, and the
// caller must end the Try with Failed, Succeeded, Pending or Done. Otherwise the Try is
// nil, wait is in whole seconds, at most an hour, and the caller must not verify
// the password. An attempt from a known device waits only because of that
// device's failures and pending sign-ins, and the account's sign-ins. Errors: db.ErrUnavailable, and
// ctx's own.
func (s *Store) Begin(ctx context.Context, a Attempt) (_ *Try, wait time.Duration, err error) {
	t := &Try{store: s, counters: a.counters()}
	// Locked from the read to the count: a try that ends in between would be in
	// neither the rows nor inFlight.
	if err := s.lock(ctx); err != nil {
		return nil, 0, fmt.Errorf("waiting for the throttle: %w", err)
	}
	defer s.unlock()
	rows, err := s.read(ctx, t.checked)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the throttle: %w", err)
	}
	if wait = s.wait(t.checked, rows); wait > 0 {
		return nil, wait, nil
	}
	s.count(t.checked, 1)
	return t, 0, nil
}

// lock locks the mutex, or fails when ctx ends.
func (s *Store) lock(ctx context.Context) error {
	s.once.Do(func() { s.mutex = make(chan struct{}, 1) })
	select {
	case s.mutex <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Store) unlock() { <-s.mutex }

// wait returns how long the keys must wait, in whole seconds. The caller holds
// the mutex.
func (s *Store) wait(keys []key, rows map[string]row) (wait time.Duration) {
	now := s.Now()
	for _, k := range keys {
		counted, left := k.state(rows[k.hash], now)
		if busy := s.inFlight[k.hash]; busy > 0 && counted+busy >= k.freeFailures {
			left = max(left, busyWait)
		}
		wait = max(wait, left)
	}
	return (wait + time.Second - 1).Truncate(time.Second)
}

// count adds n to the keys' tries in flight. The caller holds the mutex.
func (s *Store) count(keys []key, n int64) {
	if s.inFlight == nil {
		s.inFlight = map[string]int64{}
	}
	for _, k := range keys {
		if s.inFlight[k.hash] += n; s.inFlight[k.hash] == 0 {
			delete(s.inFlight, k.hash)
		}
	}
}

// Failed ends the try and counts it as a failure, even if ctx has ended because
// the client is gone. inTx, if non-nil, runs in the same transaction and must use
// the ctx that it is given. Errors: db.ErrUnavailable, and those of inTx.
func (t *Try) Failed(ctx context.Context, inTx func(context.Context, *db.Tx) error) error {
	defer t.Done()
	ctx = context.WithoutCancel(ctx) // hanging up must not make guesses free
	err := t.store.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := recordFailure(ctx, tx, t.onFailure, t.store.Now()); err != nil || inTx == nil {
			return err
		}
		return inTx(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("counting a failed sign-in: %w", err)
	}
	return nil
}

// Succeeded ends the try, counts it as a sign-in of the account, and resets the
// account's failures in a row. Errors: db.ErrUnavailable.
func (t *Try) Succeeded(ctx context.Context) error { return t.passed(ctx, t.onSuccess) }

// Pending ends the try, whose password was right and whose second factor is still to
// come: it is no sign-in of the account yet, and counts by the client. It resets the
// account's failures in a row. Errors: db.ErrUnavailable.
func (t *Try) Pending(ctx context.Context) error { return t.passed(ctx, t.onPending) }

func (t *Try) passed(ctx context.Context, counted []key) error {
	defer t.Done()
	ctx = context.WithoutCancel(ctx) // hanging up must not make sign-ins free
	err := t.store.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := clearCounters(ctx, tx, t.cleared); err != nil {
			return err
		}
		return recordFailure(ctx, tx, counted, t.store.Now())
	})
	if err != nil {
		return fmt.Errorf("counting a sign-in: %w", err)
	}
	return nil
}

// Done ends the try without counting it: no password was verified, or it was
// right and the attempt is not a sign-in. After Failed, Succeeded, Pending or Done
// it is a no-op, so it may be deferred.
func (t *Try) Done() {
	if t.done {
		return
	}
	t.done = true
	_ = t.store.lock(context.Background()) // cannot fail: this ctx does not end
	defer t.store.unlock()
	t.store.count(t.checked, -1)
}
