// Package logs puts a queue between the log and where it goes, so that no
// request formats its line or waits for a slow disk or a full pipe. It drops
// lines, and counts them, rather than grow without limit.
package logs

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

const (
	most  = 4096                   // lines that may wait
	batch = 64                     // so many do not wait any longer: formatting them together is quicker
	often = 100 * time.Millisecond // how long a line waits at most
)

// Queue collects log lines. A goroutine of its own formats them and passes
// them on.
type Queue struct {
	to      io.Writer
	text    bytes.Buffer // what is formatted; the goroutine's own
	wake    chan struct{}
	stop    chan struct{}
	stopped chan struct{}

	mu      sync.Mutex
	waiting []line
	dropped int
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
func (q *Queue) Handler(format func(lines io.Writer) slog.Handler) slog.Handler {
	return handler{format(&q.text), q}
}

// Dropped returns how many lines were dropped since it was last asked.
func (q *Queue) Dropped() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.dropped
	q.dropped = 0
	return n
}

// Close passes on what waits and stops. Nothing must be logged after it.
func (q *Queue) Close() {
	close(q.stop)
	<-q.stopped
}

func (q *Queue) run() {
	defer close(q.stopped)
	tick := time.NewTicker(often)
	defer tick.Stop()
	var spare []line
	for open := true; open; {
		select {
		case <-tick.C:
		case <-q.wake:
		case <-q.stop:
			open = false
		}
		spare = q.pass(spare)
	}
}

// pass passes on what waits, and returns its memory for the next lines.
func (q *Queue) pass(spare []line) []line {
	q.mu.Lock()
	lines := q.waiting
	q.waiting = spare[:0]
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

// handler queues records for the handler that it embeds.
type handler struct {
	slog.Handler

	q *Queue
}

func (h handler) Handle(_ context.Context, r slog.Record) error {
	q := h.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == most {
		q.dropped++
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
