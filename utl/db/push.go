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

// push makes the other servers of a PostgreSQL database poll at once, by NOTIFY. A
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

// Notify makes the other servers poll soon after the transaction has committed. DB.Run
// must be running.
func (t *Tx) Notify() { t.notify = true }

// Notified returns a channel that receives a value when another server has called
// Notify. With SQLite, and behind a pooler, it never does.
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

// sendNotify sends a notification. It ignores errors, because others find changes by
// polling anyway.
func (d *DB) sendNotify(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pushWait)
	defer cancel()
	_, _ = d.reserve.ExecContext(ctx, `NOTIFY glassjar`)
}

// listen passes notifications on to Notified until ctx ends, over a connection of its
// own. When that is lost it connects again; it logs the loss and the new connection.
func (d *DB) listen(ctx context.Context, log *slog.Logger, cfg *pgx.ConnConfig) {
	hears := true
	for ctx.Err() == nil {
		err := d.listenOnce(ctx, cfg, func() {
			if !hears {
				hears = true
				log.InfoContext(ctx, "notifications of other servers' changes arrive again")
			}
		})
		if hears && ctx.Err() == nil {
			hears = false
			log.WarnContext(ctx, "no notifications of other servers' changes arrive: they are found by polling alone", "error", err)
		}
		timer := time.NewTimer(pushWait)
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
	}
}

// listenOnce listens until the connection is lost. It calls hears once it has received
// a notification that it sent itself: a pooler may accept LISTEN and pass on nothing.
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
		wake(d.push.received) // the first time for notifications missed before
		if err := d.nextNotice(ctx, conn); err != nil {
			return err
		}
	}
}

// nextNotice waits for a notification. Once a second it tests the connection, because
// the loss of the other end would go unnoticed.
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

// run keeps the clock up to date, and sends and receives notifications, until ctx ends.
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
