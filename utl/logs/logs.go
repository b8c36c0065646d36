// Package logs puts a queue between the log and where it goes, so that no
// request formats its line or waits for a slow disk or a full pipe. It drops
// lines, and logs how many, rather than grow without limit. Warnings have places
// of their own: no crowd of requests drops them.
package logs

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxQueued     = 4096                   // lines that may wait
	reserved      = 4096                   // further places, for warnings and errors alone
	batch         = 64                     // so many do not wait any longer: formatting them together is quicker
	flushInterval = 100 * time.Millisecond // how long a line waits at most
	closeTimeout  = 5 * time.Second        // how long Close waits at most
)

// Queue collects log lines. A goroutine of its own formats them and passes
// them on.
type Queue struct {
	to      io.Writer
	text    bytes.Buffer // what is formatted; the goroutine's own
	wake    chan struct{}
	stop    chan struct{}
	stopped chan struct{}

	total atomic.Uint64 // lines dropped since the start

	mu      sync.Mutex
	waiting []line
	dropped drops
	own     slog.Handler // for the queue's own line
}

// drops are the lines dropped since the log last said so.
type drops struct {
	lines    int
	warnings int       // of them, warnings and errors
	last     time.Time // of the last one
}

// line is a record and what formats it.
type line struct {
	format slog.Handler
	record slog.Record
}

// New returns a queue that passes on to w until it is closed.
func New(w io.Writer) *Queue {
	q := &Queue{to: w, wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{})}
	go q.run()
	return q
}

// Handler returns a handler that queues what it is given, and never waits. What
// is logged must not change later: it is formatted then, by the handler that
// format makes for its lines.
func (q *Queue) Handler(format Formatter) slog.Handler {
	h := handler{format(&q.text), q}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.own = h.Handler
	return h
}

// Dropped returns how many lines were dropped since the start.
func (q *Queue) Dropped() uint64 { return q.total.Load() }

// Close passes on what waits and stops, for 5 s at most: a reader that is stuck
// loses the rest. Nothing must be logged after it.
func (q *Queue) Close() {
	close(q.stop)
	select {
	case <-q.stopped:
	case <-time.After(closeTimeout):
	}
}

func (q *Queue) run() {
	defer close(q.stopped)
	tick := time.NewTicker(flushInterval)
	defer tick.Stop()
	var spare []line
	for open := true; open; {
		select {
		case <-tick.C:
		case <-q.wake:
		case <-q.stop:
			open = false
		}
		spare = q.flush(spare)
	}
}

// flush passes on what waits and how many lines were dropped behind it, and
// returns its memory for the next lines.
func (q *Queue) flush(spare []line) []line {
	q.mu.Lock()
	lines, dropped := q.waiting, q.dropped
	q.waiting, q.dropped = spare[:0], drops{}
	if dropped.lines > 0 {
		lines = append(lines, line{q.own, dropped.record()})
	}
	q.mu.Unlock()
	for _, l := range lines {
		_ = l.format.Handle(context.Background(), l.record) // into memory
	}
	clear(lines)
	if q.text.Len() > 0 {
		_, _ = q.text.WriteTo(q.to) // there is nowhere to say that the log fails
		q.text.Reset()
	}
	return lines
}

func (d drops) record() slog.Record {
	r := slog.NewRecord(d.last, slog.LevelWarn, "log lines dropped", 0)
	r.AddAttrs(slog.Int("count", d.lines), slog.Int("warnings", d.warnings))
	return r
}

// handler queues records for the handler that it embeds.
type handler struct {
	slog.Handler

	q *Queue
}

func (h handler) Handle(_ context.Context, r slog.Record) error {
	q, places, warnings := h.q, maxQueued, 0
	if r.Level >= slog.LevelWarn {
		places, warnings = maxQueued+reserved, 1
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= places {
		q.total.Add(1)
		q.dropped = drops{q.dropped.lines + 1, q.dropped.warnings + warnings, r.Time}
		return nil
	}
	q.waiting = append(q.waiting, line{h.Handler, r})
	if len(q.waiting)%batch == 0 {
		select {
		case q.wake <- struct{}{}:
		default: // it is awake
		}
	}
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.q}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name), h.q} }
