package throttle_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
)

// Attack race/one-winner, guessing/counters: concurrent failures on two servers are counted
// together, each once.
func TestServersCountTogether(t *testing.T) {
	where := dbtest.New(t)
	a, b := newHarnessOver(t, dbtest.OpenAt(t, where)), newHarnessOver(t, dbtest.OpenAt(t, where))
	for round := range 100 {
		var both sync.WaitGroup
		for n, server := range []*harness{a, b} {
			both.Go(func() {
				for i := range 5 { // ten failures of an account cause no wait
					try, _, err := server.Begin(t.Context(), at(fmt.Sprintf("198.51.100.%d", 10*n+i), "bob"))
					if err == nil {
						err = try.Failed(t.Context(), nil)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		both.Wait()
		a.fail(at("203.0.113.1", "bob"))
		b.wantWait(fmt.Sprint("round ", round, ": after ten and one more"), at("203.0.113.2", "bob"), time.Second)
		a.advance(time.Hour)
		b.advance(time.Hour)
		write(t, a.DB, `DELETE FROM throttle WHERE kind = 'streak'`)
	}
}
