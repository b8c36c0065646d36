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
		<-time.After(100 * time.Millisecond) // synctest's fake clock: takes no real time
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

// If the output fails, lines are lost, and memory does not grow.
func TestAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to full
		q := logs.New(&to)
		log := slog.New(q.Handler(text))
		for range 10 {
			log.Info("line")
			<-time.After(100 * time.Millisecond) // synctest's fake clock
			synctest.Wait()
		}
		q.Close()
		if want := len("level=INFO msg=line\n"); to.most != want || to.times != 10 {
			t.Errorf("%d bytes at most came in %d pieces, want %d in 10", to.most, to.times, want)
		}
	})
}

// full is a writer that always fails, and records what it was given.
type full struct{ most, times int }

func (f *full) Write(p []byte) (int, error) {
	f.most, f.times = max(f.most, len(p)), f.times+1
	return 0, syscall.ENOSPC
}

func TestAStuckReaderDropsLinesAndCountsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, q, log := hang(t)
		for range 4096 + 7 {
			log.Info("line")
		}
		close(to.free)
		q.Close()
		to.want(t, "msg=line", 4096)
		to.want(t, `level=WARN msg="log lines dropped" count=7 warnings=0`, 1)
	})
}

// However many requests are logged, warnings have reserved space and keep their order.
func TestRequestsDropNoWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, q, log := hang(t)
		for range 4096 {
			log.Info("line")
		}
		for range 2048 {
			log.Info("line") // dropped
			log.Warn("told")
			log.Error("told")
		}
		log.Warn("dropped")
		log.Debug("not at this level")
		close(to.free)
		q.Close()
		to.want(t, "msg=line", 4096)
		to.want(t, "level=WARN msg=told", 2048)
		to.want(t, "level=ERROR msg=told", 2048)
		to.want(t, "msg=dropped", 0)
		to.want(t, `level=WARN msg="log lines dropped" count=2049 warnings=1`, 1)
	})
}

// The number of dropped lines is logged once, as soon as the output works again.
func TestWhatWasDroppedIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, q, log := hang(t)
		for range 4097 {
			log.Info("line")
		}
		close(to.free)
		synctest.Wait() // no time passes
		to.want(t, `msg="log lines dropped" count=1 warnings=0`, 1)
		log.Info("after")
		q.Close()
		to.want(t, "dropped", 1)
		to.want(t, "msg=after", 1)
	})
}

// An output that is blocked forever does not prevent the program from ending.
func TestCloseGivesUpAStuckReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, q, log := hang(t)
		log.Info("line")
		began := time.Now()
		q.Close()
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("Close took %v, want 5 s", took)
		}
		close(to.free)
	})
}

// hang returns a queue whose output blocks at its first line until it is freed.
func hang(t *testing.T) (*stuck, *logs.Queue, *slog.Logger) {
	t.Helper()
	to := &stuck{free: make(chan struct{})}
	q := logs.New(to)
	log := slog.New(q.Handler(text))
	log.Info("first")
	<-time.After(time.Second) // synctest's fake clock
	synctest.Wait()
	return to, q, log
}

// want fails the test unless exactly n of the lines contain the text.
func (s *stuck) want(t *testing.T, text string, n int) {
	t.Helper()
	if got := strings.Count(s.b.String(), text); got != n {
		t.Errorf("%d lines hold %s, want %d", got, text, n)
	}
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

// stuck is a writer that blocks until it is freed.
type stuck struct {
	free chan struct{}
	b    bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.free
	return s.b.Write(p)
}

// BenchmarkQueue measures the cost of a line, including the goroutine that formats it.
func BenchmarkQueue(b *testing.B) {
	q := logs.New(io.Discard)
	defer q.Close()
	log := slog.New(q.Handler(text))
	b.ReportAllocs()
	for b.Loop() {
		log.Info("request", "status", 200, "ip", "192.0.2.1")
	}
}
