package throttle_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/throttle"
)

// concurrently begins n attempts at once and passes each admitted Try to end while the
// others go on. It returns the admitted ones.
func (d *harness) concurrently(n int, k kind, end func(*throttle.Try)) (admitted []*throttle.Try) {
	d.t.Helper()
	var (
		all   sync.WaitGroup
		mu    sync.Mutex
		start = make(chan struct{})
	)
	for i := range n {
		all.Go(func() {
			<-start
			try, wait, err := d.Begin(d.t.Context(), k.attempt(i))
			for errors.Is(err, db.ErrUnavailable) { // on a slow machine so many reads at once time out
				try, wait, err = d.Begin(d.t.Context(), k.attempt(i))
			}
			switch {
			case err != nil:
				d.t.Error(err)
			case try == nil && wait != time.Second:
				d.t.Errorf("refused for %v, want 1s", wait)
			case try != nil:
				end(try)
				mu.Lock()
				defer mu.Unlock()
				admitted = append(admitted, try)
			}
		})
	}
	close(start)
	all.Wait()
	return admitted
}

// Attack race/one-winner, guessing/counters: concurrent attempts do not exceed a limit.
func TestACrowdGetsWhatIsFreeAndNoMore(t *testing.T) {
	for _, tt := range []struct {
		row    string
		crowd  int
		before func(k kind) int // failures before
		want   func(k kind) int // tries in flight at once
	}{
		{"200 at once, nothing failed before", 200, func(kind) int { return 0 }, func(k kind) int { return k.freeFailures }},
		{"150 at once, two failed before", 150, func(kind) int { return 2 }, func(k kind) int { return k.freeFailures - 2 }},
		{"150 at once, all that are free failed before", 150, func(k kind) int { return k.freeFailures }, func(kind) int { return 1 }},
	} {
		t.Run(tt.row, func(t *testing.T) {
			eachKind(t, func(d *harness, k kind) {
				d.fail(k.attempts(0, tt.before(k))...)
				admitted := d.concurrently(tt.crowd, k, func(*throttle.Try) {})
				if len(admitted) != tt.want(k) {
					t.Errorf("got %d admitted, want %d", len(admitted), tt.want(k))
				}
				for _, try := range admitted {
					try.Done()
				}
				d.wantWait("when all are done", k.attempt(0), 0)
			})
		})
	}
}

// Attack race/one-winner, guessing/counters
func TestAThousandNamesAtOnce(t *testing.T) {
	d := newHarness(t)
	oneAddress := kinds[1]
	admitted := d.concurrently(1000, oneAddress, func(*throttle.Try) {})
	if len(admitted) != 20 {
		t.Errorf("got %d admitted, want 20", len(admitted))
	}
	for _, try := range admitted {
		if err := try.Failed(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	d.fail(oneAddress.attempt(1000))
	d.wantWait("after the free ones and one more", oneAddress.attempt(1001), time.Second)
}

// Attack race/one-winner, guessing/counters: of concurrent failures exactly one more than are
// free is admitted, in whatever order the counters are read and written.
func TestACrowdThatFailsIsCountedExactly(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		for range 3 {
			failed := len(d.concurrently(100, k, func(try *throttle.Try) {
				if err := try.Failed(d.t.Context(), nil); err != nil {
					d.t.Error(err)
				}
			}))
			for i := failed; ; i++ { // further attempts, until one has to wait
				try, wait := d.begin(k.attempt(i))
				if try == nil {
					if i != k.freeFailures+1 || wait != time.Second {
						d.t.Errorf("got %d failures and a wait of %v, want %d and 1s", i, wait, k.freeFailures+1)
					}
					break
				}
				if err := try.Failed(d.t.Context(), nil); err != nil {
					d.t.Fatal(err)
				}
			}
			d.advance(2 * k.window)
		}
	})
}

func TestOneTryAtATimeBeyondWhatIsFree(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		d.fail(k.attempts(0, k.freeFailures)...)
		try, _ := d.begin(k.attempt(0))
		d.wantWait("while one is under way", k.attempt(1), time.Second)
		try.Done()
		d.wantWait("when it is done", k.attempt(1), 0)
	})
}

// A rejected attempt is in flight in none of its counters.
func TestARefusedAttemptIsNotUnderWay(t *testing.T) {
	d := newHarness(t)
	d.fail(slices.Repeat([]throttle.Attempt{at("192.0.2.1", "bob")}, 5)...)
	d.wantWait("the pair waits", at("192.0.2.1", "bob"), time.Second)
	if got := d.InFlight(); got != 0 {
		t.Errorf("got %d keys under way, want none", got)
	}
}

// Attack guessing/counters: a failure counts even if the client has hung up.
func TestAFailureCountsWhenTheClientHasGone(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for i := range k.freeFailures + 1 {
			try, _ := d.begin(k.attempt(i))
			if err := try.Failed(gone, func(ctx context.Context, _ *db.Tx) error { return ctx.Err() }); err != nil {
				t.Fatal(err)
			}
		}
		d.wantWait("after the free ones and one more", k.attempt(0), time.Second)
		if _, _, err := d.Begin(gone, k.attempt(0)); !errors.Is(err, context.Canceled) {
			t.Errorf("Begin = %v, want context.Canceled", err)
		}
	})
}

func TestWhatIsWrittenWithAFailure(t *testing.T) {
	errBroken := errors.New("broken")
	for _, tt := range []struct {
		row  string
		err  error
		want int64 // number of rows
	}{
		{"both are written", nil, 5},
		{"or neither is", errBroken, 0},
	} {
		t.Run(tt.row, func(t *testing.T) {
			d := newHarness(t)
			try, _ := d.begin(at("192.0.2.1", "bob"))
			err := try.Failed(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO throttle (key_hash, kind, failures, since_at, last_at) VALUES ('x', 'test', 1, 0, 0)`)
				return errors.Join(err, tt.err)
			})
			if !errors.Is(err, tt.err) {
				t.Errorf("Failed = %v, want %v", err, tt.err)
			}
			if got := d.rows(); got != tt.want {
				t.Errorf("got %d rows, want %d", got, tt.want)
			}
		})
	}
}

// Attack fault/file-gone: if the database file is gone, no attempt is admitted.
func TestWithoutTheDatabaseNothingIsTried(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	data, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	d := newHarnessOver(t, data)
	try, _ := d.begin(at("192.0.2.1", "bob"))
	rename(t, path, path+".away")
	_, _, errBegin := d.Begin(t.Context(), at("192.0.2.1", "bob"))
	for name, err := range map[string]error{
		"Begin": errBegin, "Failed": try.Failed(t.Context(), nil), "Sweep": d.Sweep(t.Context()),
	} {
		if !errors.Is(err, db.ErrUnavailable) {
			t.Errorf("%s = %v, want db.ErrUnavailable", name, err)
		}
	}
	rename(t, path+".away", path)
	d.fail(slices.Repeat([]throttle.Attempt{at("192.0.2.1", "bob")}, 5)...)
	d.wantWait("when it is back", at("192.0.2.1", "bob"), time.Second)
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
