package process

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var flood = flag.Duration("flood", 20*time.Second, "how long BenchmarkFlood lasts")

const (
	flooders = 200
	signers  = 10
)

// BenchmarkFlood has 200 people sign in at once, each again as soon as there is a
// response, while signed-in people fetch a page 50 times a second.
func BenchmarkFlood(b *testing.B) {
	if b.N > 1 {
		b.Skip("once is enough")
	}
	p := start(b, b.TempDir(), "LOG_LEVEL=info") // the default log level
	s := beside(b, p.folder)
	for i := range flooders + signers {
		s.add(fmt.Sprintf("person-%d", i))
	}
	people := make([]*browser, signers)
	for i := range people {
		people[i] = s.signIn(p, fmt.Sprintf("person-%d", flooders+i))
	}
	s.close()
	before := hashesPerSecond()
	idle := during(5*time.Second, func(ctx context.Context) []time.Duration { return fetching(ctx, b, people) })

	var counts tally
	var most float64
	pages := during(*flood, func(ctx context.Context) []time.Duration {
		var all sync.WaitGroup
		defer all.Wait()
		for i := range flooders {
			all.Go(func() { counts.signIns(ctx, b, p, i) })
		}
		all.Go(func() { most = watch(ctx, p) })
		return fetching(ctx, b, people)
	})
	raw := (before + hashesPerSecond()) / 2 // average, because the machine's speed changes meanwhile
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(quantile(idle, 0.99)), "idle-p99-ms")
	b.ReportMetric(ms(quantile(pages, 0.5)), "page-p50-ms")
	b.ReportMetric(ms(quantile(pages, 0.99)), "page-p99-ms")
	b.ReportMetric(float64(len(pages)), "pages")
	b.ReportMetric(most, "MB-most")
	b.ReportMetric(raw, "argon2id/s")
	counts.report(b)
}

// during runs what until the time has passed.
func during(d time.Duration, what func(ctx context.Context) []time.Duration) []time.Duration {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	return what(ctx)
}

// watch returns the largest resident memory of the server until ctx ended.
func watch(ctx context.Context, p *program) (most float64) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil {
		<-tick.C
		most = max(most, p.resident())
	}
	return most
}

// tally counts responses by status.
type tally struct {
	answers [600]atomic.Int64
	errors  atomic.Int64
}

// report reports the numbers of sign-ins, and fails the benchmark if a response had an
// unexpected status.
func (n *tally) report(b *testing.B) {
	b.Helper()
	b.ReportMetric(float64(n.answers[http.StatusSeeOther].Load())/flood.Seconds(), "sign-ins/s")
	b.ReportMetric(float64(n.answers[http.StatusServiceUnavailable].Load()), "503s")
	b.ReportMetric(float64(n.answers[http.StatusTooManyRequests].Load()), "429s")
	b.ReportMetric(float64(n.errors.Load()), "connection-errors")
	for status := range n.answers {
		if n := n.answers[status].Load(); n > 0 && status != 303 && status != 503 && status != 429 {
			b.Errorf("%d answers were %d", n, status)
		}
	}
}

// signIns signs the i-th person in again and again, on one connection, with little work
// for the client, which shares the machine with the server.
func (n *tally) signIns(ctx context.Context, b *testing.B, p *program, i int) {
	b.Helper()
	form := signInForm(fmt.Sprintf("person-%d", i), good).Encode()
	request := fmt.Sprintf("%sX-Forwarded-For: 192.0.2.%d\r\nContent-Length: %d\r\n\r\n%s", post, i, len(form), form)
	for c := (*conn)(nil); ctx.Err() == nil; {
		if c == nil {
			c = dial(b, p)
			_ = c.tcp.SetDeadline(time.Time{})
		}
		c.send(request)
		if a, err := c.answer(); err == nil {
			n.answers[a.status].Add(1)
			continue
		}
		n.errors.Add(1)
		_ = c.tcp.Close()
		c = nil
	}
}
