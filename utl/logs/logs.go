// Package logs puts a queue between the logger and its output, so that no request formats
// its line or waits for a slow disk or a full pipe. If the queue is full it drops lines
// and logs how many. Warnings and errors have reserved space, so that many requests
// cannot displace them.
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
	maxQueued     = 4096                   // lines in the queue
	reserved      = 4096                   // additional lines for warnings and errors only
	batch         = 64                     // flush at this many queued lines; formatting several at once is faster
	flushInterval = 100 * time.Millisecond // maximum time in the queue
	closeTimeout  = 5 * time.Second        // maximum duration of Close
)

// Queue is a queue of log lines. Its goroutine formats them and writes them to its output.
type Queue struct {
	to      io.Writer
	text    bytes.Buffer // formatted lines; only the goroutine uses it
	wake    chan struct{}
	stop    chan struct{}
	stopped chan struct{}

	total atomic.Uint64 // lines dropped since New

	mu      sync.Mutex
	waiting []line
	dropped drops
	own     slog.Handler // formats the queue's own lines
}

// drops counts the lines dropped since the log last reported them.
type drops struct {
	lines    int
	warnings int       // how many of them were warnings or errors
	last     time.Time // time of the last one
}

// line is a record and the handler that formats it.
type line struct {
	format slog.Handler
	record slog.Record
}

// New returns a Queue that writes to w until it is closed.
func New(w io.Writer) *Queue {
	q := &Queue{to: w, wake: make(chan struct{}, 1), stop: make(chan struct{}), stopped: make(chan struct{})}
	go q.run()
	return q
}

// Handler returns a handler that queues records and never blocks. Records are formatted
// later, by the handler that format returns, so logged values must not be modified: log
// no pointer or slice that changes.
func (q *Queue) Handler(format Formatter) slog.Handler {
	h := handler{format(&q.text), q}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.own = h.Handler
	return h
}

// Dropped returns how many lines were dropped since New.
func (q *Queue) Dropped() uint64 { return q.total.Load() }

// Close writes the queued lines and stops. It waits at most 5 s: if the output is blocked
// for longer, the rest is lost. Nothing may be logged afterwards.
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

// flush writes the queued lines, and then how many were dropped. It returns the slice for
// reuse.
func (q *Queue) flush(spare []line) []line {
	q.mu.Lock()
	lines, dropped := q.waiting, q.dropped
	q.waiting, q.dropped = spare[:0], drops{}
	if dropped.lines > 0 {
		lines = append(lines, line{q.own, dropped.record()})
	}
	q.mu.Unlock()
	for _, l := range lines {
		_ = l.format.Handle(context.Background(), l.record) // writes into q.text
	}
	clear(lines)
	if q.text.Len() > 0 {
		_, _ = q.text.WriteTo(q.to) // a failing log cannot be logged
		q.text.Reset()
	}
	return lines
}

func (d drops) record() slog.Record {
	r := slog.NewRecord(d.last, slog.LevelWarn, "log lines dropped", 0)
	r.AddAttrs(slog.Int("count", d.lines), slog.Int("warnings", d.warnings))
	return r
}

// handler queues records, to be formatted by the handler that it embeds.
type handler struct {
	slog.Handler

	q *Queue
}

// Handle queues the record, or drops and counts it if the queue is full. It never waits
// for the output.
func (h handler) Handle(_ context.Context, r slog.Record) error {
	q, limit, warnings := h.q, maxQueued, 0
	if r.Level >= slog.LevelWarn {
		limit, warnings = maxQueued+reserved, 1
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) >= limit {
		q.total.Add(1)
		q.dropped = drops{q.dropped.lines + 1, q.dropped.warnings + warnings, r.Time}
		return nil
	}
	q.waiting = append(q.waiting, line{h.Handler, r})
	if len(q.waiting)%batch == 0 {
		select {
		case q.wake <- struct{}{}:
		default: // a wake-up is pending already
		}
	}
	return nil
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.q}
}

func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name), h.q} }
