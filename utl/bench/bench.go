// Package bench has measurements that package testing lacks.
package bench

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Cores reports how many times as often two cores call do as one does in the same time.
// Runs of 30,000 calls for each core take turns, on one and on two, and the best run of each
// counts, because other programs use the cores too. The cores take 100 calls at a time from
// those that are left, so that neither waits for the other at the end. do gets the number of
// its goroutine, 0 or 1, and of its call.
func Cores(b *testing.B, do func(worker, i int)) {
	b.Helper()
	const times, share = 30_000, 100
	turn := func(workers int) time.Duration {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(workers))
		var wg sync.WaitGroup
		var taken atomic.Int64
		began := time.Now() //nolint:forbidigo // for a measurement
		for worker := range workers {
			wg.Go(func() {
				for {
					first := int(taken.Add(share)) - share
					if first >= workers*times {
						return
					}
					for i := range share {
						do(worker, first+i)
					}
				}
			})
		}
		wg.Wait()
		return time.Since(began)
	}
	best := [...]time.Duration{time.Hour, time.Hour}
	for b.Loop() {
		for i := range best {
			best[i] = min(best[i], turn(i+1))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(best[0].Nanoseconds())/times, "ns-one-core")
	b.ReportMetric(float64(best[1].Nanoseconds())/times, "ns-each-of-two-cores")
	b.ReportMetric(2*float64(best[0])/float64(best[1]), "times-with-two")
}
