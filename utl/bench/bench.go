// Package bench has measurements that package testing lacks.
package bench

import (
	"crypto/sha256"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Cores reports how many times as often two cores call do as one does in the same time,
// and beside it the same of a loop that hashes and uses no memory: where two cores are
// threads of one, or shared with other machines, that is less than 2 too. Runs of 30,000
// calls for each core take turns, on one and on two, and the best run of each counts,
// because other programs use the cores too. do gets the number of its goroutine, 0 or 1, and
// of its call.
func Cores(b *testing.B, do func(worker, i int)) {
	b.Helper()
	one, two, hashOne, hashTwo := time.Hour, time.Hour, time.Hour, time.Hour
	for b.Loop() {
		one, two = min(one, turn(1, do)), min(two, turn(2, do))
		hashOne, hashTwo = min(hashOne, turn(1, hash)), min(hashTwo, turn(2, hash))
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(one.Nanoseconds())/times, "ns-one-core")
	b.ReportMetric(float64(two.Nanoseconds())/times, "ns-each-of-two-cores")
	b.ReportMetric(2*float64(one)/float64(two), "times-with-two")
	b.ReportMetric(2*float64(hashOne)/float64(hashTwo), "times-with-two-hashing")
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
