package logs_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/logs"
)

func TestEveryLineIsPassedOnInOrder(t *testing.T) {
	var to bytes.Buffer
	l := logs.New(&to)
	var want strings.Builder
	for i := range 1000 {
		fmt.Fprintf(l, "line %d\n", i)
		fmt.Fprintf(&want, "line %d\n", i)
	}
	l.Close()
	if to.String() != want.String() {
		t.Errorf("%d bytes were passed on, want %d", to.Len(), want.Len())
	}
}

func TestALineWaitsATenthOfASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var to safe
		l := logs.New(&to)
		defer l.Close()
		fmt.Fprint(l, "a line\n")
		<-time.After(100 * time.Millisecond) // of the bubble's clock: no time passes
		synctest.Wait()
		if got := to.String(); got != "a line\n" {
			t.Errorf("got %q", got)
		}
	})
}

func TestAStuckReaderDropsLinesAndCountsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &stuck{free: make(chan struct{})}
		l := logs.New(to)
		kilobyte := strings.Repeat("x", 1023) + "\n"
		fmt.Fprint(l, "first\n")
		<-time.After(time.Second) // the bubble's: the reader hangs on the first line
		synctest.Wait()
		for range 1024 + 7 {
			fmt.Fprint(l, kilobyte)
		}
		close(to.free)
		l.Close()
		if got := strings.Count(to.b.String(), "x\n"); got != 1024 {
			t.Errorf("%d lines were passed on, want 1024", got)
		}
		if got := l.Dropped(); got != 7 {
			t.Errorf("%d lines were dropped, want 7", got)
		}
		if got := l.Dropped(); got != 0 {
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

func BenchmarkWrite(b *testing.B) {
	l := logs.New(&bytes.Buffer{})
	defer l.Close()
	line := []byte(strings.Repeat("x", 200) + "\n")
	b.ReportAllocs()
	for b.Loop() {
		_, _ = l.Write(line)
	}
}
