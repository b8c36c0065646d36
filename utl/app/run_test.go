package app_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/db/dbtest"
)

// Attack fault/file-gone: while the database is unavailable, the rules stay in use for 10 s
// after the last successful Load. Then nobody passes until the database is back. The
// counts of an app continue.
func TestRunForgets(t *testing.T) {
	at := dbtest.New(t)
	synctest.Test(t, func(t *testing.T) { // its clock advances without waiting
		w := second(t, at)
		made := w.add(t, wiki())
		tally := w.Rules.Tally(made.ID)
		check := func(when string, want bool) {
			t.Helper()
			synctest.Wait()
			for _, page := range []string{"https://wiki.example/", "https://listed.example/"} {
				if got := w.answers(t, page); got != want {
					t.Errorf("%s: the gate answers for %s: %t, want %t", when, page, got, want)
				}
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			w.Run(ctx)
			close(done)
		}()
		time.Sleep(time.Minute)
		check("a minute without a change", true)
		back := dbtest.Away(t, at)
		time.Sleep(10 * time.Second)
		check("10 s after the last good look", true)
		time.Sleep(time.Second)
		check("11 s after it", false)
		back()
		time.Sleep(time.Second)
		check("the database is back", true)
		if w.Rules.Tally(made.ID) != tally {
			t.Error("what was counted is gone")
		}
		stop()
		<-done
	})
}
