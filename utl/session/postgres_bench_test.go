package session_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

// onPostgres returns a server with a new database on the benchmark's own PostgreSQL,
// which does not sync to disk.
func onPostgres(b *testing.B, server *dbtest.Server) *site {
	b.Helper()
	s := &site{path: server.New(b), opt: session.Options{
		Keys: [][32]byte{newKey()}, Idle: idle, Max: most, Log: slog.New(slog.DiscardHandler),
	}}
	return s.another(b)
}

// each lets n goroutines call do repeatedly for a second, and returns the number of
// calls per second.
func each(n int, do func(worker, i int)) float64 {
	calls, began := make([]int, n), time.Now()
	var all sync.WaitGroup
	for w := range n {
		all.Go(func() {
			for ; time.Since(began) < time.Second; calls[w]++ {
				do(w, calls[w])
			}
		})
	}
	all.Wait()
	sum := 0
	for _, n := range calls {
		sum += n
	}
	return float64(sum) / time.Since(began).Seconds()
}

// BenchmarkPostgresServers measures one, two and four servers on one PostgreSQL in the
// same run: starts of sessions (without hashing a password), finds of sessions in
// memory, and the time from an end on the first server until the last one refuses the
// session. All of them and PostgreSQL share the machine's cores.
func BenchmarkPostgresServers(b *testing.B) {
	server := dbtest.Need(b)
	for range b.N {
		starts, finds := map[int]float64{}, map[int]float64{}
		for _, n := range []int{1, 2, 4} {
			s := onPostgres(b, server)
			all := []*site{s}
			for len(all) < n {
				all = append(all, s.another(b))
			}
			for i := range 64 {
				s.account(b, fmt.Sprint("p", i))
			}
			starts[n] = each(8*n, func(w, i int) { all[w%n].signIn(b, fmt.Sprint("p", (w*8+i)%64), false) })
			cookie := s.signIn(b, "p1", false)
			r := request(cookie)
			finds[n] = each(n, func(w, _ int) {
				if _, err := all[w].Find(r); err != nil {
					b.Error(err)
				}
			})
			used := server.Count(b, s.path, `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			b.ReportMetric(float64(used), fmt.Sprintf("connections-%d", n))
			b.ReportMetric(starts[n], fmt.Sprintf("starts/s-%d", n))
			b.ReportMetric(finds[n], fmt.Sprintf("finds/s-%d", n))
			b.ReportMetric(float64(endsAfter(b, all))/1e6, fmt.Sprintf("ms-to-end-%d", n))
		}
		for _, n := range []int{2, 4} {
			b.ReportMetric(starts[n]/starts[1], fmt.Sprintf("starts-%d÷1", n))
			b.ReportMetric(finds[n]/finds[1], fmt.Sprintf("finds-%d÷1", n))
		}
	}
	b.ReportMetric(0, "ns/op")
}

// endsAfter returns the median time from an end on the first server until the last one
// refuses the session.
func endsAfter(b *testing.B, all []*site) time.Duration {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	for _, s := range all {
		running.Go(func() { s.Run(ctx) })
		running.Go(func() { s.db.Run(ctx, slog.New(slog.DiscardHandler)) })
	}
	<-all[len(all)-1].db.Notified() // it is listening now
	last, took := all[len(all)-1], []time.Duration{}
	for range 11 {
		cookie := all[0].signIn(b, "p2", false)
		sid := all[0].live(b, cookie).SID
		last.live(b, cookie)
		began := time.Now()
		all[0].end(b, sid)
		for {
			if _, err := last.Find(request(cookie)); err != nil {
				break
			}
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2]
}
