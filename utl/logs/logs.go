// Package logs puts a buffer between the log and where it goes, so that no
// request waits for a slow disk or a full pipe. It drops lines, and counts
// them, rather than grow without limit.
package logs

import (
	"io"
	"sync"
	"time"
)

const (
	most  = 1 << 20                // bytes that may wait to be written
	often = 100 * time.Millisecond // how long a line waits at most
)

// Writer collects what is written to it and passes it on from a goroutine of
// its own. Its methods may be called from many goroutines.
type Writer struct {
	to      io.Writer
	mu      sync.Mutex
	waiting []byte
	dropped int
	stop    chan struct{}
	stopped chan struct{}
}

// New returns a writer that passes on to w until it is closed.
func New(w io.Writer) *Writer {
	l := &Writer{to: w, stop: make(chan struct{}), stopped: make(chan struct{})}
	go l.run()
	return l
}

// Write takes the line and never waits for w. It returns no error: a line that
// does not fit is dropped and counted.
func (l *Writer) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting)+len(line) > most {
		l.dropped++
	} else {
		l.waiting = append(l.waiting, line...)
	}
	return len(line), nil
}

// Dropped returns how many lines were dropped since it was last asked.
func (l *Writer) Dropped() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.dropped
	l.dropped = 0
	return n
}

// Close passes on what waits and stops. Write must not be called after it.
func (l *Writer) Close() {
	close(l.stop)
	<-l.stopped
}

func (l *Writer) run() {
	defer close(l.stopped)
	tick := time.NewTicker(often)
	defer tick.Stop()
	var spare []byte
	for open := true; open; {
		select {
		case <-tick.C:
		case <-l.stop:
			open = false
		}
		spare = l.pass(spare)
	}
}

// pass writes what waits, and returns its memory for the next lines.
func (l *Writer) pass(spare []byte) []byte {
	l.mu.Lock()
	lines := l.waiting
	l.waiting = spare[:0]
	l.mu.Unlock()
	if len(lines) > 0 {
		_, _ = l.to.Write(lines) // there is nowhere to say that the log fails
	}
	return lines
}
