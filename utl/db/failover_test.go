package db_test

import (
	"flag"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

var failovers = flag.Int("failovers", 2, "how often TestFailovers kills the primary")

// writesAgain is for how long writes may fail after a promotion.
const writesAgain = 5 * time.Second

// writers write rows until stop is called, each row in its own transaction.
type writers struct {
	all  sync.WaitGroup
	done chan struct{}
	ack  chan struct{} // holds a value if a write was acknowledged since it was last read

	mu     sync.Mutex
	acked  []string     // ids of the acknowledged rows
	newest [4]time.Time // per writer: when its newest acknowledged write began
}

func startWriters(t *testing.T, d *db.DB, name string) *writers {
	t.Helper()
	w := &writers{done: make(chan struct{}), ack: make(chan struct{}, 1)}
	for i := range w.newest {
		w.all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-w.done:
					return
				case <-time.After(2 * time.Millisecond):
				}
				id, began := fmt.Sprintf("%s-%d-%d", name, i, n), time.Now()
				if err := put(t.Context(), d, id, id); err == nil {
					w.mu.Lock()
					w.acked, w.newest[i] = append(w.acked, id), began
					w.mu.Unlock()
					select {
					case w.ack <- struct{}{}:
					default: // it holds a value already
					}
				} else if took := time.Since(began); took > 6*time.Second {
					t.Errorf("a write took %v to fail: %v", took, err)
				}
			}
		})
	}
	return w
}

// more waits until each writer has an acknowledged write that began after the time
// after, at most for most, and returns how long that took.
func (w *writers) more(t *testing.T, after time.Time, most time.Duration) time.Duration {
	t.Helper()
	began, over := time.Now(), time.After(most)
	for {
		w.mu.Lock()
		all := !slices.ContainsFunc(w.newest[:], func(newest time.Time) bool { return !newest.After(after) })
		w.mu.Unlock()
		if all {
			return time.Since(began)
		}
		select {
		case <-w.ack:
		case <-over:
			t.Fatalf("nobody writes within %v", most)
		}
	}
}

func (w *writers) stop() []string {
	close(w.done)
	w.all.Wait()
	return w.acked
}

// kept fails the test if a node lacks an acknowledged row.
func kept(t *testing.T, p *dbtest.Pair, node int, acked []string) {
	t.Helper()
	d := dbtest.OpenAt(t, p.URL(p.Port(node)))
	rows, err := db.All(t.Context(), d, db.Text, `SELECT id FROM accounts`)
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for _, id := range rows {
		has[id] = true
	}
	lost := 0
	for _, id := range acked {
		if !has[id] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d acknowledged writes are lost", lost, len(acked))
	}
}

// returns restarts the replaced primary as one that accepts writes without a standby,
// and closes all connections to the new primary. It fails the test unless a server that
// was running, and one that starts now, write to the new primary only.
func returns(t *testing.T, p *dbtest.Pair, old int, w *writers) {
	t.Helper()
	p.Exec(old, `ALTER SYSTEM SET synchronous_standby_names = ''`, `SELECT pg_reload_conf()`)
	const rows = `SELECT COUNT(*) FROM accounts`
	before := p.Int(old, rows)
	p.Exec(1-old, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`)
	for range 10 {
		w.more(t, time.Now(), writesAgain)
	}
	late := dbtest.OpenAt(t, p.URL(p.Port(old), p.Port(1-old)))
	id := fmt.Sprint("late-", time.Now().UnixNano())
	mustPut(t, late, id)
	w.mu.Lock()
	w.acked = append(w.acked, id)
	w.mu.Unlock()
	if after := p.Int(old, rows); after != before {
		t.Errorf("%d rows were written into the primary that was replaced", after-before)
	}
}

// Attack servers/failover: the primary is killed and its standby promoted. Servers write
// again within 5 s without help, no acknowledged write is lost, and the old primary gets no
// writes when it is back.
func TestFailovers(t *testing.T) {
	dbtest.OnlyPostgres(t)
	t.Parallel() // with the next one: both wait more than they work
	p := dbtest.NewPair(t)
	primary, all, longest := 0, 0, time.Duration(0)
	d := dbtest.OpenAt(t, p.URL())
	for round := range *failovers {
		w := startWriters(t, d, fmt.Sprint("r", round))
		w.more(t, time.Now(), writesAgain)
		p.Kill(primary)
		p.Promote(1 - primary)
		longest = max(longest, w.more(t, time.Now(), writesAgain))
		p.Start(primary)
		returns(t, p, primary, w)
		acked := w.stop()
		all += len(acked)
		kept(t, p, 1-primary, acked)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
		p.Kill(primary)
		p.Join(primary)
		primary = 1 - primary
	}
	t.Logf("%d rounds: %d acknowledged writes, 0 lost; writes again at most %v after the promotion", *failovers, all, longest)
}

// Attack servers/failover: the standby is promoted while the primary is alive, first one that
// was only stopped for a while, then one that works. Servers find the new primary, even if
// the URL names the old one first.
func TestPromotedWhileThePrimaryLives(t *testing.T) {
	dbtest.OnlyPostgres(t)
	t.Parallel()
	p := dbtest.NewPair(t)
	d := dbtest.OpenAt(t, p.URL(p.Port(0), p.Port(1)))
	w := startWriters(t, d, "stopped")
	w.more(t, time.Now(), writesAgain)
	p.Signal(0, syscall.SIGSTOP)
	p.Promote(1)
	again := w.more(t, time.Now(), 3*writesAgain)
	p.Signal(0, syscall.SIGCONT)
	returns(t, p, 0, w)
	kept(t, p, 1, w.stop())
	p.Kill(0)
	p.Join(0)
	d = dbtest.OpenAt(t, p.URL(p.Port(1), p.Port(0)))
	w = startWriters(t, d, "well")
	w.more(t, time.Now(), writesAgain)
	p.Promote(0)
	t.Logf("writes again %v after the primary stopped, %v after a false alarm", again, w.more(t, time.Now().Add(time.Second), 3*writesAgain))
	returns(t, p, 1, w)
	kept(t, p, 0, w.stop())
}

// After a time in which the network carried nothing, the numbers of connections and
// goroutines return to what they were, without a restart.
func TestNothingIsLeftOfAHole(t *testing.T) {
	s := dbtest.OnlyPostgres(t)
	url, wire := s.Through(t, s.New(t))
	d := dbtest.OpenAt(t, url)
	pool, _ := d.Pools()
	busy := func() (errs []error) {
		var all sync.WaitGroup
		errs = make([]error, 24)
		for i := range errs {
			all.Go(func() { errs[i] = put(t.Context(), d, fmt.Sprint(t.Name(), i), fmt.Sprint(t.Name(), i)) })
		}
		all.Wait()
		return errs
	}
	mustPut(t, d, "a")
	before := runtime.NumGoroutine()
	wire.Hole(true)
	for _, err := range busy() {
		unavailable(t, "a write into the hole", err)
	}
	wire.Hole(false)
	for began := time.Now(); ; {
		id := fmt.Sprint(time.Now().UnixNano())
		err := put(t.Context(), d, id, id) // it may have to wait for earlier writes at first
		left, stats := runtime.NumGoroutine()-before, pool.Stats()
		if err == nil && left <= 3*stats.OpenConnections && stats.InUse == 0 && stats.OpenConnections <= 8 { // dbtest.Wire has three goroutines per connection
			return
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("a write: %v; %d goroutines more, the pool %+v", err, left, stats)
		}
	}
}
