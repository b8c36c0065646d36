// Package bench has measurements that package testing lacks.
package bench

import (
	"crypto/sha256"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Cores reports how many times as often two cores call do as one does in the same time,
// and beside it the same of a loop that hashes and uses no memory: where two cores are
// threads of one, or shared with other machines, that is less than 2 too. Runs of 30,000
// calls for each core take turns, on one and on two. The median of the turns' ratios counts,
// because other programs use the cores too: the best run of each, whose times are reported
// as well, would compare a quiet moment of one core with a busy one of the other. do gets
// the number of its goroutine, 0 or 1, and of its call.
func Cores(b *testing.B, do func(worker, i int)) {
	b.Helper()
	one, two := time.Hour, time.Hour
	var ratios, hashing []float64
	for b.Loop() {
		o, t := turn(1, do), turn(2, do)
		one, two = min(one, o), min(two, t)
		ratios = append(ratios, 2*float64(o)/float64(t))
		hashing = append(hashing, 2*float64(turn(1, hash))/float64(turn(2, hash)))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(one.Nanoseconds())/times, "ns-one-core")
	b.ReportMetric(float64(two.Nanoseconds())/times, "ns-each-of-two-cores")
	b.ReportMetric(median(ratios), "times-with-two")
	b.ReportMetric(median(hashing), "times-with-two-hashing")
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

const times, share = 30_000, 100

// turn returns how long so many goroutines, on a core each, take for 30,000 calls each. They
// take 100 calls at a time from those that are left, so that neither waits for the other at
// the end.
func turn(workers int, do func(worker, i int)) time.Duration {
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

func hash(_, _ int) {
	var sum [sha256.Size]byte
	for range 10 {
		sum = sha256.Sum256(sum[:])
	}
}
