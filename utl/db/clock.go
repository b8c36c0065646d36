package db

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	clockEvery = time.Second
	clockAsked = 5               // the median of so many answers is used
	clockWarn  = 2 * time.Second // if this machine's clock is off by more, a warning is logged
)

// Clock is the time that all servers of one database share. With PostgreSQL it is the
// database server's: Clock asks for it once a second and extrapolates with this
// machine's clock in between. It never goes back: if it turns out to be ahead, it runs
// at half speed until it is right. With SQLite it is this machine's clock.
type Clock struct {
	db     *DB
	own    func() time.Time
	offset atomic.Pointer[offset]

	mu   sync.Mutex
	last []time.Duration // how far the database's clock was ahead, in the newest answers
}

// offset is how far the database's clock is ahead of this machine's. If it has to be
// lowered, it goes from from to to by half a second per second, starting at the time
// at.
type offset struct {
	at       time.Time
	from, to time.Duration
}

func (a *offset) by(own time.Time) time.Duration {
	return max(a.to, a.from-own.Sub(a.at)/2)
}

// Clock returns the shared clock, after asking the database once. own is this
// machine's. Run keeps it up to date. Errors: ErrUnavailable.
func (d *DB) Clock(ctx context.Context, own func() time.Time) (*Clock, error) {
	c := &Clock{db: d, own: own}
	if d.Postgres() {
		_, err := c.asked(ctx) // connects, and its answer may take longer than one that is used
		if err == nil {
			err = c.ask(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("asking the database for the time: %w", err)
		}
		d.clock.Store(c)
	}
	return c, nil
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	now := c.own()
	if a := c.offset.Load(); a != nil {
		return now.Add(a.by(now))
	}
	return now
}

// asked returns the database's time.
func (c *Clock) asked(ctx context.Context) (int64, error) {
	return One(ctx, c.db.Reserved(), Int, `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)`)
}

// ask asks the database for the time. The answer is wrong by at most half of the
// round trip, which may take a second.
func (c *Clock) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, clockEvery)
	defer cancel()
	began := c.own()
	at, err := c.asked(ctx)
	if err != nil {
		return err
	}
	now := c.own()
	c.addAnswer(now, Time(at).Sub(began.Add(now.Sub(began)/2)))
	return nil
}

// addAnswer sets the offset from one more answer.
func (c *Clock) addAnswer(now time.Time, ahead time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = append(c.last, ahead)
	c.last = c.last[max(0, len(c.last)-clockAsked):]
	sorted := slices.Sorted(slices.Values(c.last))
	next := &offset{at: now, to: sorted[len(sorted)/2]}
	next.from = next.to
	if was := c.offset.Load(); was != nil {
		next.from = was.by(now)
	}
	c.offset.Store(next)
}

// run keeps the clock up to date until ctx ends, and logs when this machine's clock
// differs by 2 s: securecookie dates cookies by it.
func (c *Clock) run(ctx context.Context, log *slog.Logger) {
	ticker := time.NewTicker(clockEvery)
	defer ticker.Stop()
	for wrong := false; ; {
		_ = c.ask(ctx) // the next answer comes in a second
		by := c.offset.Load().to
		if is := by.Abs() > clockWarn; is != wrong {
			wrong = is
			log.WarnContext(ctx, "this machine's clock and the database's: set both by NTP", "wrong", wrong, "database_ahead", by)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
