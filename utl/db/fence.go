package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// selectTimeline selects the timeline of PostgreSQL's write-ahead log, which is
// incremented when a standby is promoted. pg_control_checkpoint has it too late.
const selectTimeline = `substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)`

// timelineKey is the key of a connection's timeline in its custom data.
const timelineKey = "glassjar timeline"

// fence keeps out a replaced primary: when it comes back beside the promoted one it
// still takes writes, and does not know what has ended since. No connection is used
// whose timeline is older than the newest seen.
type fence struct {
	cfg    *pgx.ConnConfig
	asking atomic.Bool

	mu     sync.Mutex
	newest string
}

// newFence returns a fence that checks every connection made with cfg.
func newFence(cfg *pgx.ConnConfig) *fence {
	f := &fence{}
	validate := cfg.ValidateConnect
	cfg.ValidateConnect = func(ctx context.Context, c *pgconn.PgConn) error {
		if validate != nil { // target_session_attrs
			if err := validate(ctx, c); err != nil {
				return err
			}
		}
		return f.admit(ctx, c)
	}
	f.cfg = cfg
	return f
}

// admit returns an error if the connection is to a replaced primary, or to a standby,
// which lags: ended sessions would still be live there.
func (f *fence) admit(ctx context.Context, c *pgconn.PgConn) error {
	results, err := c.Exec(ctx, `SELECT `+selectTimeline+`, current_setting('transaction_read_only')`).ReadAll() // a standby refuses selectTimeline
	if err != nil {
		return fmt.Errorf("asking for the timeline: %w", err)
	}
	line, readOnly := string(results[0].Rows[0][0]), string(results[0].Rows[0][1])
	if readOnly != "off" {
		return errors.New("it takes no writes")
	}
	c.CustomData()[timelineKey] = line
	f.mu.Lock()
	defer f.mu.Unlock()
	f.newest = max(f.newest, line)
	if line < f.newest {
		return fmt.Errorf("timeline %s answers, but %s was promoted", line, f.newest)
	}
	return nil
}

// behind reports whether a newer timeline was seen since the connection was made.
func (f *fence) behind(c *pgx.Conn) bool {
	line, _ := c.PgConn().CustomData()[timelineKey].(string)
	f.mu.Lock()
	defer f.mu.Unlock()
	return line < f.newest
}

// options make a pool drop connections that are behind. Nothing is sent to the other
// end, because it may be stopped and never answer.
func (f *fence) options() []stdlib.OptionOpenDB {
	return []stdlib.OptionOpenDB{
		stdlib.OptionShouldPing(func(_ context.Context, p stdlib.ShouldPingParams) bool {
			return p.IdleDuration > time.Second && !f.behind(p.Conn)
		}),
		stdlib.OptionResetSession(func(_ context.Context, c *pgx.Conn) error {
			if f.behind(c) {
				return driver.ErrBadConn
			}
			return nil
		}),
	}
}

// ask connects to every host of the URL once, to learn the newest timeline. This is
// needed because the first host may be a replaced primary that accepts connections and
// never answers writes: it has lost its standby. Concurrent calls return at once.
func (f *fence) ask(ctx context.Context) {
	if len(f.cfg.Fallbacks) == 0 || !f.asking.CompareAndSwap(false, true) {
		return
	}
	defer f.asking.Store(false)
	hosts := append([]*pgconn.FallbackConfig{{Host: f.cfg.Host, Port: f.cfg.Port, TLSConfig: f.cfg.TLSConfig}}, f.cfg.Fallbacks...)
	var all sync.WaitGroup
	for _, h := range hosts {
		all.Go(func() {
			one := f.cfg.Config.Copy()
			one.Host, one.Port, one.TLSConfig, one.Fallbacks = h.Host, h.Port, h.TLSConfig, nil
			if c, err := pgconn.ConnectConfig(ctx, one); err == nil { // admit has recorded its timeline
				_ = c.Close(ctx)
			}
		})
	}
	all.Wait()
}

// failed asks every host for its timeline after a query that was not answered in time:
// another host may be the primary now. It also closes idle connections, because they
// lead to the host that did not answer.
func (p *postgres) failed(ctx context.Context, err error) {
	if !errors.Is(err, context.DeadlineExceeded) {
		return
	}
	p.closeIdle()
	go p.fence.ask(context.WithoutCancel(ctx)) // for connectWait at most
}

// dialer connects to PostgreSQL. If the other end of a connection vanishes, the
// connection fails after about 5 s; with TCP's defaults that takes 15 minutes.
var dialer = net.Dialer{
	KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 3 * time.Second, Interval: time.Second, Count: 2},
	Control: func(network, _ string, c syscall.RawConn) (err error) {
		if !strings.HasPrefix(network, "tcp") {
			return nil
		}
		set := func(fd uintptr) {
			err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(useTimeout.Milliseconds())) // #nosec G115 -- a small number
		}
		if failed := c.Control(set); failed != nil {
			return failed
		}
		return err
	},
}

// tcpUserTimeout is Linux's TCP_USER_TIMEOUT: for how many milliseconds sent data may
// stay unacknowledged before the connection fails. pgx does not support libpq's setting
// of that name.
const tcpUserTimeout = 0x12
