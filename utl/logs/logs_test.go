package logs_test

import (
	"bytes"
	"context"
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

// However many requests there are, warnings have their places, in their order.
func TestRequestsDropNoWarnings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, q, log := hang(t)
		for range 4096 {
			log.Info("line")
		}
		for range 2048 {
			log.Info("line") // is dropped
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

// What was dropped is told as soon as the reader goes on, and once.
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

// A reader that never reads again does not keep the program from ending.
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

// hang returns a queue whose reader hangs on its first line until it is freed.
func hang(t *testing.T) (*stuck, *logs.Queue, *slog.Logger) {
	t.Helper()
	to := &stuck{free: make(chan struct{})}
	q := logs.New(to)
	log := slog.New(q.Handler(text))
	log.Info("first")
	<-time.After(time.Second) // the bubble's
	synctest.Wait()
	return to, q, log
}

// want fails the test unless so many of the lines hold the text.
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

// stuck takes nothing until it is freed.
type stuck struct {
	free chan struct{}
	b    bytes.Buffer
}

func (s *stuck) Write(p []byte) (int, error) {
	<-s.free
	return s.b.Write(p)
}

// JSON has OpenTelemetry's names and forms, and leaves out what is empty.
func TestJSONHasOpenTelemetrysNames(t *testing.T) {
	var to bytes.Buffer
	log := slog.New(logs.Format(true, slog.LevelDebug)(&to))
	for _, row := range []struct {
		attrs []any
		want  string
	}{
		{[]any{"method", "GET", "route", "GET /join/{code}", "status", 410}, `"http.request.method":"GET","http.route":"/join/{code}","http.response.status_code":410`},
		{[]any{"method", "other", "route", "none", "account", "", "id", "A-1"}, `"http.request.method":"_OTHER","glassjar.request.id":"A-1"`},
		{[]any{"route", "/healthz", "took", 1500 * time.Microsecond}, `"http.route":"/healthz","glassjar.request.duration":1500000`},
		{[]any{"event", "signin.failed", "ip", "192.0.2.1", "account", "ada", "reason", "wrong"}, `"event_name":"signin.failed","client.address":"192.0.2.1","user.name":"ada","glassjar.reason":"wrong"`},
		{[]any{"request_id", "12345678", "trace_id", "4bf9"}, `"http.request.header.x-request-id":["12345678"],"trace_id":"4bf9"`},
		{[]any{"args", "a=b", "form", "c=d"}, `"url.query":"a=b","glassjar.form":"c=d"`},
		{[]any{"error", io.EOF, "stack", "main()"}, `"exception.message":"EOF","exception.stacktrace":"main()"`},
		{[]any{"error", nil, "passkeys", 3}, `"glassjar.passkeys":3`},
		{[]any{slog.Group("config", "status", "on", "empty", "")}, `"config":{"status":"on","empty":""}`},
	} {
		to.Reset()
		log.Warn("told", row.attrs...)
		_, got, _ := strings.Cut(to.String(), `",`) // the time
		if want := `"severity_text":"WARN","body":"told",` + row.want + "}\n"; got != want || !strings.HasPrefix(to.String(), `{"timestamp":"2`) {
			t.Errorf("got %swant … %s", to.String(), want)
		}
	}
}

// Text keeps the short names that the code gives: filters and people read them.
func TestTextKeepsItsNames(t *testing.T) {
	var to bytes.Buffer
	slog.New(logs.Format(false, slog.LevelInfo)(&to)).Info("told", "event", "signin.ok", "ip", "192.0.2.1", "account", "")
	if want := ` level=INFO msg=told event=signin.ok ip=192.0.2.1 account=""` + "\n"; !strings.HasPrefix(to.String(), "time=") || !strings.HasSuffix(to.String(), want) {
		t.Errorf("got %swant … %s", to.String(), want)
	}
}

// A request's line is formatted without an allocation, whatever its names are.
func TestALineAllocatesNothing(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		if n := testing.AllocsPerRun(100, formatting(asJSON)); n != 0 {
			t.Errorf("as JSON %v: %v allocations, want none", asJSON, n)
		}
	}
}

// formatting returns what formats a request's line.
func formatting(asJSON bool) func() {
	h := logs.Format(asJSON, slog.LevelInfo)(io.Discard).WithAttrs([]slog.Attr{slog.String("method", "GET"), slog.String("route", "GET /"), slog.Int("status", 200)})
	now := time.Now()
	return func() {
		line := slog.NewRecord(now, slog.LevelInfo, "request", 0)
		line.AddAttrs(slog.Duration("took", time.Millisecond), slog.String("id", "A-1"), slog.String("account", "ada"), slog.String("ip", "192.0.2.1"))
		_ = h.Handle(context.Background(), line)
	}
}

// BenchmarkFormat is what formatting a request's line costs the queue's goroutine.
func BenchmarkFormat(b *testing.B) {
	for name, asJSON := range map[string]bool{"text": false, "json": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			format := formatting(asJSON)
			for b.Loop() {
				format()
			}
		})
	}
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
