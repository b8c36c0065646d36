package db

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	pushEvery  = 50 * time.Millisecond // one server sends at most this often: NOTIFY takes a lock that other commits wait for
	pushWait   = time.Second           // for an answer
	pushListen = time.Second           // without a notification, then the connection is tested
)

// push is how servers of one PostgreSQL make each other poll at once. A
// notification carries no data and may be lost: polling alone finds every change.
type push struct {
	pending  chan struct{} // a commit that other servers should know of
	received chan struct{} // a server has sent a notification
}

func newPush() push { return push{make(chan struct{}, 1), make(chan struct{}, 1)} }

// wake sends to a channel of capacity 1, unless it is full.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Notify makes the other servers poll soon after the transaction has committed,
// where DB.Run runs.
func (t *Tx) Notify() { t.notify = true }

// Notified returns a channel that receives when a server has notified of a commit.
// With SQLite, and behind a pooler, it never does.
func (d *DB) Notified() <-chan struct{} { return d.push.received }

// runSender sends pending notifications until ctx ends, at most every 50 ms, over a
// reserved connection: a flood of requests does not delay it.
func (d *DB) runSender(ctx context.Context) {
	ticker := time.NewTicker(pushEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.push.pending:
		}
		d.sendNotify(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sendNotify sends a notification. It ignores errors: others poll anyway.
func (d *DB) sendNotify(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pushWait)
	defer cancel()
	_, _ = d.reserve.ExecContext(ctx, `NOTIFY glassjar`)
}

// listen hands notifications on to Notified until ctx ends, over a connection of its
// own. It reconnects when that is lost, and logs both.
func (d *DB) listen(ctx context.Context, log *slog.Logger, cfg *pgx.ConnConfig) {
	hears := true
	for ctx.Err() == nil {
		err := d.listenOnce(ctx, cfg, func() {
			if !hears {
				hears = true
				log.InfoContext(ctx, "other servers' changes are heard of at once again")
			}
		})
		if hears && ctx.Err() == nil {
			hears = false
			log.WarnContext(ctx, "other servers' changes are found by polling alone", "error", err)
		}
		timer := time.NewTimer(pushWait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// listenOnce does so until the connection is lost. It calls hears when it has
// received a notification of its own: a pooler accepts LISTEN and passes none on.
func (d *DB) listenOnce(ctx context.Context, cfg *pgx.ConnConfig, hears func()) error {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, `LISTEN glassjar; NOTIFY glassjar`); err != nil {
		return err
	}
	if err := waitNotice(ctx, conn, pushWait); err != nil {
		return errors.Join(errors.New("PostgreSQL passes no notifications on: a pooler in between needs default_query_exec_mode=exec"), err)
	}
	hears()
	for {
		wake(d.push.received) // at first for what was missed meanwhile
		if err := d.nextNotice(ctx, conn); err != nil {
			return err
		}
	}
}

// nextNotice waits for a notification, and tests the connection once a second: a
// dead peer sends nothing.
func (d *DB) nextNotice(ctx context.Context, conn *pgx.Conn) error {
	for {
		err := waitNotice(ctx, conn, pushListen)
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		tried, cancel := context.WithTimeout(ctx, pushWait)
		err = conn.Ping(tried)
		cancel()
		if err != nil {
			return err
		}
	}
}

func waitNotice(ctx context.Context, conn *pgx.Conn, long time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	_, err := conn.WaitForNotification(ctx)
	return err
}

// run does what servers of one PostgreSQL need until ctx ends.
func (p *postgres) run(ctx context.Context, d *DB, log *slog.Logger) {
	var all sync.WaitGroup
	if !pooled(*p.cfg) {
		all.Go(func() { d.runSender(ctx) })
		all.Go(func() { d.listen(ctx, log, p.cfg) })
	}
	if c := d.clock.Load(); c != nil {
		all.Go(func() { c.run(ctx, log) })
	}
	<-ctx.Done()
	all.Wait()
}
