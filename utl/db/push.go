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
	pushEvery  = 50 * time.Millisecond // of one server: a NOTIFY takes a lock that commits of others wait for
	pushWait   = time.Second           // for an answer
	pushListen = time.Second           // without news, then the connection is tried
)

// push is how servers of one PostgreSQL tell each other to poll now. It carries
// nothing and may fail: the poll alone is the truth.
type push struct {
	pending  chan struct{} // something was committed that others should know
	received chan struct{} // another server, or this one, said so
}

func newPush() push { return push{make(chan struct{}, 1), make(chan struct{}, 1)} }

// wake fills a channel of one place.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Notify has the other servers poll soon after the transaction has committed,
// where Run runs.
func (t *Tx) Notify() { t.notify = true }

// Notified returns a channel that says that a server has committed what it gave notice
// of. With SQLite it says nothing, and neither behind a pooler.
func (d *DB) Notified() <-chan struct{} { return d.push.received }

// runSender gives notice, every 50 ms at most, until ctx ends. It has a place among the
// reserved connections: a flood of requests does not keep it waiting.
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

// sendNotify gives notice. That it cannot is no error: the poll comes anyway.
func (d *DB) sendNotify(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pushWait)
	defer cancel()
	_, _ = d.reserve.ExecContext(ctx, `NOTIFY glassjar`)
}

// listen rings came for each notice until ctx ends, over a connection of its own,
// which it makes again when it is lost, and says in the log when it comes and goes.
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

// listenOnce does so until the connection is lost. Once a notice of its own has
// come, it calls hears: a pooler takes LISTEN and passes nothing on.
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
		return errors.Join(errors.New("PostgreSQL does not pass on notices: a pooler in between needs default_query_exec_mode=exec"), err)
	}
	hears()
	for {
		wake(d.push.received) // the first time for what was missed
		if err := d.nextNotice(ctx, conn); err != nil {
			return err
		}
	}
}

// nextNotice waits for a notice, and tries the connection once a second: one that
// is lost without a word says nothing.
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
