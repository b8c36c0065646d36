package process

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"glassjar/utl/password"
)

// BenchmarkStart measures the time from a start to the first response, in an empty folder
// and in a used one.
func BenchmarkStart(b *testing.B) {
	used := b.TempDir()
	start(b, used).stop()
	for name, folder := range map[string]func() string{
		"first": b.TempDir,
		"again": func() string { return used },
	} {
		b.Run(name, func(b *testing.B) {
			var all []time.Duration
			for b.Loop() {
				where, began := folder(), time.Now()
				p := start(b, where)
				newBrowser(p).get(b, "/", http.StatusOK)
				all = append(all, time.Since(began))
				p.stop()
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ms(quantile(all, 0.5)), "ms-median")
			b.ReportMetric(ms(slices.Max(all)), "ms-max")
		})
	}
}

// BenchmarkSize measures the size of the binary, and of the process when idle and just
// after a sign-in.
func BenchmarkSize(b *testing.B) {
	info, err := os.Stat(binary)
	if err != nil {
		b.Fatal(err)
	}
	var idle, after float64 // the largest values
	for b.Loop() {
		p := start(b, b.TempDir(), "LOG_LEVEL=info") // the default log level
		p.owner("ada")
		person := newBrowser(p)
		person.get(b, "/", http.StatusOK)
		idle = max(idle, p.resident())
		person.signIn(b, "ada", good, http.StatusSeeOther)
		after = max(after, p.resident())
		p.stop()
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(info.Size())/1e6, "MB-binary")
	b.ReportMetric(idle, "MB-idle")
	b.ReportMetric(after, "MB-after-sign-in")
}

// resident returns the server's resident memory, in MB.
func (p *program) resident() float64 {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	field, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	kib, err := strconv.Atoi(field)
	if err != nil {
		p.t.Fatal(err)
	}
	return float64(kib) * 1024 / 1e6
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// quantile returns the duration that a fraction q of all does not exceed.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

// hashesPerSecond returns how many passwords one idle core hashes in a second.
func hashesPerSecond() float64 {
	cost, salt := password.Recommended(), make([]byte, 16)
	began, n := time.Now(), 0
	for ; time.Since(began) < time.Second; n++ {
		argon2.IDKey([]byte(good), salt, cost.Time, cost.Memory, cost.Threads, 32)
	}
	return float64(n) / time.Since(began).Seconds()
}

// fetching fetches a page 50 times a second, like signed-in people, until ctx ends. It
// returns how long after its scheduled time each response came.
func fetching(ctx context.Context, b *testing.B, people []*browser) (took []time.Duration) {
	b.Helper()
	due := time.NewTicker(20 * time.Millisecond)
	defer due.Stop()
	answers := make(chan time.Duration)
	asked := 0
	for ctx.Err() == nil || asked > len(took) {
		next := due.C
		if ctx.Err() != nil {
			next = nil
		}
		select {
		case at := <-next:
			person := people[asked%len(people)].copied()
			asked++
			go func() {
				if a, err := person.try("/", nil); err != nil || a.status != http.StatusOK || !strings.Contains(a.body, "Hello") {
					b.Errorf("a signed-in person's page: status %d, error %v", a.status, err)
				}
				answers <- time.Since(at)
			}()
		case d := <-answers:
			took = append(took, d)
		}
	}
	return took
}
