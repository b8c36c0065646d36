package logs_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/logs"
)

// text formats lines without their time.
func text(w io.Writer) slog.Handler {
	return slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
}

func TestEveryLineIsPassedOnInOrder(t *testing.T) {
	var to bytes.Buffer
	q := logs.New(&to)
	log := slog.New(q.Handler(text))
	with := log.With("a", 1).WithGroup("g")
	var want strings.Builder
	for i := range 1000 {
		log.Info("line", "i", i)
		with.Warn("with", "i", i)
		log.Debug("not at this level")
		fmt.Fprintf(&want, "level=INFO msg=line i=%d\nlevel=WARN msg=with a=1 g.i=%d\n", i, i)
	}
	q.Close()
	if to.String() != want.String() {
		t.Errorf("%d bytes were passed on, want %d", to.Len(), want.Len())
	}
}

func TestALineWaitsATenthOfASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to safe
		q := logs.New(&to)
		defer q.Close()
		slog.New(q.Handler(text)).Info("line")
		<-time.After(100 * time.Millisecond) // of the bubble's clock: no time passes
		synctest.Wait()
		if got := to.String(); got != "level=INFO msg=line\n" {
			t.Errorf("got %q", got)
		}
	})
}

func TestManyLinesDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to safe
		q := logs.New(&to)
		defer q.Close()
		log := slog.New(q.Handler(text))
		for i := range 64 {
			if got := to.String(); got != "" {
				t.Fatalf("after %d lines some were passed on", i)
			}
			log.Info("line")
			synctest.Wait() // no time passes
		}
		if got := strings.Count(to.String(), "\n"); got != 64 {
			t.Errorf("%d lines were passed on at once, want 64", got)
		}
	})
}

func TestCloseWaitsForNoTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to bytes.Buffer
		q := logs.New(&to)
		synctest.Wait()
		slog.New(q.Handler(text)).Info("line")
		q.Close() // no time passes
		if got := to.String(); got != "level=INFO msg=line\n" {
			t.Errorf("got %q", got)
		}
	})
}

// A log on a full disk loses lines, and does not grow.
func TestAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to full
		q := logs.New(&to)
		log := slog.New(q.Handler(text))
		for range 10 {
			log.Info("line")
			<-time.After(100 * time.Millisecond) // of the bubble's clock
			synctest.Wait()
		}
		q.Close()
		if want := len("level=INFO msg=line\n"); to.most != want || to.times != 10 {
			t.Errorf("%d bytes at most came in %d pieces, want %d in 10", to.most, to.times, want)
		}
	})
}

// full takes nothing, and notes what came.
type full struct{ most, times int }

func (f *full) Write(p []byte) (int, error) {
	f.most, f.times = max(f.most, len(p)), f.times+1
	return 0, syscall.ENOSPC
}

func TestAStuckReaderDropsLinesAndCountsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &stuck{free: make(chan struct{})}
		q := logs.New(to)
		log := slog.New(q.Handler(text))
		log.Info("first")
		<-time.After(time.Second) // the bubble's: the reader hangs on the first line
		synctest.Wait()
		for range 4096 + 7 {
			log.Info("line")
		}
		close(to.free)
		q.Close()
		if got := strings.Count(to.b.String(), "msg=line"); got != 4096 {
			t.Errorf("%d lines were passed on, want 4096", got)
		}
		if got := q.Dropped(); got != 7 {
			t.Errorf("%d lines were dropped, want 7", got)
		}
		if got := q.Dropped(); got != 0 {
			t.Errorf("the second time %d lines were dropped, want 0", got)
		}
	})
}

type safe struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// stuck takes nothing until it is freed.
type stuck struct {
	free chan struct{}
	b    bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.free
	return s.b.Write(p)
}

// BenchmarkQueue is what a line costs, the goroutine that formats it included.
func BenchmarkQueue(b *testing.B) {
	q := logs.New(io.Discard)
	defer q.Close()
	log := slog.New(q.Handler(text))
	b.ReportAllocs()
	for b.Loop() {
		log.Info("request", "status", 200, "ip", "192.0.2.1")
	}
}
