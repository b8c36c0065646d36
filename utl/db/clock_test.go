package db_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// Attack fault/clock, servers/clocks: two machines whose clocks are ten minutes apart
// both use the database's clock.
func TestClocksOfTwoMachines(t *testing.T) {
	at := dbtest.New(t)
	for _, wrong := range []time.Duration{-5 * time.Minute, 0, 5 * time.Minute} {
		own := func() time.Time { return time.Now().Add(wrong) }
		clock, err := dbtest.OpenAt(t, at).Clock(t.Context(), own)
		if err != nil {
			t.Fatal(err)
		}
		want := time.Now() // the database is on this machine
		if dbtest.OnPostgres() == nil {
			want = want.Add(wrong)
		}
		if off := clock.Now().Sub(want).Abs(); off > 10*time.Second {
			t.Errorf("a clock that is %v wrong says %v, %v off", wrong, clock.Now(), off)
		}
	}
}

// A server starts though the database takes more than a second to connect and answer. The
// time is as right as with a quick one: its answer took a second at most.
func TestTheFirstAnswerMayTakeLong(t *testing.T) {
	pg := dbtest.OnlyPostgres(t)
	url, wire := pg.Through(t, pg.New(t))
	d := dbtest.OpenAt(t, url)
	wire.Slow(400 * time.Millisecond)
	clock, err := d.Clock(t.Context(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if off := time.Until(clock.Now()).Abs(); off > 500*time.Millisecond {
		t.Errorf("it is %v off", off)
	}
}

// The time never goes back and never stops, whatever the database's clock says. A jump
// ahead is followed at once. One wrong answer among five has no effect.
func TestTheClockNeverGoesBack(t *testing.T) {
	now := time.Now()
	clock, err := dbtest.Open(t).Clock(t.Context(), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	say := func(ahead time.Duration) {
		for range 5 {
			clock.Heard(now, ahead)
		}
	}
	say(time.Hour)
	if got := clock.Now().Sub(now); got != time.Hour {
		t.Errorf("after a jump it is %v ahead, want an hour", got)
	}
	clock.Heard(now, -time.Hour)
	if got := clock.Now().Sub(now); got != time.Hour {
		t.Errorf("after one wrong answer it is %v ahead, want an hour", got)
	}
	say(-time.Hour)
	last, began := clock.Now(), now
	for now.Sub(began) < 4*time.Hour {
		now = now.Add(time.Minute)
		if got := clock.Now().Sub(last); got != 30*time.Second {
			t.Fatalf("in a minute it went by %v, want at half speed", got)
		}
		last = clock.Now()
		say(-time.Hour)
	}
	now = now.Add(time.Hour)
	if got := clock.Now().Sub(now); got != -time.Hour {
		t.Errorf("hours later it is %v ahead, want an hour behind", got)
	}
}

// record is a log that several goroutines may write to.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// within fails the test if the channel receives nothing for 10 s.
func within(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatal(what)
	}
}

// notify commits a transaction that calls Tx.Notify.
func notify(t *testing.T, d *db.DB) {
	t.Helper()
	if err := d.Tx(t.Context(), func(tx *db.Tx) error { tx.Notify(); return nil }); err != nil {
		t.Fatal(err)
	}
}

// Attack servers/listener: a notification reaches the other server. If that server's
// listening connection is lost, it logs so, connects again, and polls for what it missed.
func TestNoticesReachTheOtherServer(t *testing.T) {
	url := dbtest.OnlyPostgres(t).New(t)
	a, b, log := dbtest.OpenAt(t, url), dbtest.OpenAt(t, url), &record{}
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	all.Go(func() { a.Run(ctx, slog.New(slog.DiscardHandler)) })
	all.Go(func() { b.Run(ctx, slog.New(slog.NewTextHandler(log, nil))) })
	within(t, b.Notified(), "b does not listen")
	for range 3 {
		notify(t, a)
		within(t, b.Notified(), "a's notice does not come")
	}
	dbtest.Exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%LISTEN%' AND pid <> pg_backend_pid()`)
	for !strings.Contains(log.String(), "arrive again") { // earlier notifications may still arrive
		within(t, b.Notified(), "b does not listen again")
	}
	if s := log.String(); !strings.Contains(s, "by polling alone") {
		t.Errorf("the log says %q", s)
	}
	notify(t, a)
	within(t, b.Notified(), "a's notice does not come any more")
}

// A transaction that was rolled back sends no notification.
func TestNoNotice(t *testing.T) {
	dbtest.OnlyPostgres(t)
	d := dbtest.Open(t)
	_ = d.Tx(t.Context(), func(tx *db.Tx) error { tx.Notify(); return db.ErrNone })
	if d.Due() {
		t.Error("a notice is due of what was taken back")
	}
	if notify(t, d); !d.Due() {
		t.Error("no notice is due of what was committed")
	}
}
