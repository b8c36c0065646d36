package throttle_test

import (
	"testing"
	"time"
)

// Attack guessing/waits: the number of failures without a wait, and each wait, are exact.
func TestFreeFailuresThenDoublingWaits(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		i := k.freeFailures
		d.fail(k.attempts(0, i)...)
		d.wantWait("after the last free failure", k.attempt(i), 0)
		for _, s := range []time.Duration{1, 2, 4, 8, 16, 30, 30, 30} {
			wait := s * time.Second
			d.fail(k.attempt(i))
			i++
			d.wantWait("right after a failure", k.attempt(i), wait)
			d.advance(wait - time.Microsecond)
			d.wantWait("just before the end of "+wait.String(), k.attempt(i), time.Second)
			d.advance(time.Microsecond)
			d.wantWait("at the end of "+wait.String(), k.attempt(i), 0)
		}
	})
}

func TestAWindowLastsFromItsFirstFailure(t *testing.T) {
	for _, tt := range []struct {
		row   string
		after func(window time.Duration) time.Duration
		want  time.Duration
	}{
		{"just before its end a failure is one more", func(w time.Duration) time.Duration { return w - time.Microsecond }, time.Second},
		{"at its end a failure is the first again", func(w time.Duration) time.Duration { return w }, 0},
	} {
		t.Run(tt.row, func(t *testing.T) {
			eachKind(t, func(d *harness, k kind) {
				began := d.now
				d.fail(k.attempt(0))
				d.advance(k.window / 2) // later failures do not prolong the window
				d.fail(k.attempts(1, k.freeFailures-1)...)
				d.now = began.Add(tt.after(k.window))
				d.fail(k.attempt(k.freeFailures))
				d.wantWait("after one more", k.attempt(k.freeFailures+1), tt.want)
			})
		})
	}
}

func TestANewWindowHasAllItsFreeFailures(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		d.fail(k.attempts(0, k.freeFailures+1)...)
		d.advance(k.window)
		under, _ := d.begin(k.attempt(0))
		d.wantWait("two at once", k.attempt(1), 0)
		under.Done()
		d.fail(k.attempts(0, k.freeFailures)...)
		d.wantWait("after the free ones", k.attempt(0), 0)
		d.fail(k.attempt(0))
		d.wantWait("after one more", k.attempt(0), time.Second)
	})
}

func TestAWaitIsHonouredBeyondItsWindow(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		began := d.now
		d.fail(k.attempts(0, k.freeFailures)...)
		for _, wait := range []time.Duration{1, 2, 4, 8, 16} {
			d.fail(k.attempt(k.freeFailures))
			d.advance(wait * time.Second)
		}
		d.now = began.Add(k.window - time.Second)
		d.fail(k.attempt(k.freeFailures))
		d.now = began.Add(k.window + 29*time.Second - time.Microsecond)
		d.wantWait("just before its end", k.attempt(0), time.Second)
		d.advance(time.Microsecond)
		d.fail(k.attempts(0, k.freeFailures)...)
		d.wantWait("when the new window's free failures are spent", k.attempt(0), 0)
	})
}

// Attack guessing/counters: a success resets neither the address's counter nor any other but
// the streak's.
func TestSuccessResetsNothing(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		for i := range k.freeFailures {
			d.fail(k.attempt(i))
			d.wantWait("a sign-in that succeeds", k.attempt(i), 0)
		}
		d.fail(k.attempt(k.freeFailures))
		d.wantWait("after one failure more than is free", k.attempt(k.freeFailures+1), time.Second)
	})
}

func TestWhatIsRefusedIsNotCounted(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		d.fail(k.attempts(0, k.freeFailures+1)...)
		before := d.rows()
		for i := range 100 {
			d.wantWait("while it waits", k.attempt(k.freeFailures+1+i), time.Second)
		}
		if got := d.rows(); got != before {
			t.Errorf("got %d rows, want the %d of before", got, before)
		}
		d.advance(time.Second)
		d.fail(k.attempt(0))
		d.wantWait("the next wait", k.attempt(0), 2*time.Second)
	})
}

func TestNothingIsKeptOfATryWithoutAFailure(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		for i := range 100 {
			try, _ := d.begin(k.attempt(i))
			try.Done()
			try.Done() // a second call has no effect
		}
		if got := d.rows(); got != 0 {
			t.Errorf("got %d rows, want none", got)
		}
	})
}

// Attack guessing/counters: counters survive a restart.
func TestCountersSurviveARestart(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		d.fail(k.attempts(0, k.freeFailures)...)
		d = newHarnessOver(d.t, d.DB)
		d.fail(k.attempt(k.freeFailures))
		d = newHarnessOver(d.t, d.DB)
		d.wantWait("after two restarts", k.attempt(k.freeFailures+1), time.Second)
	})
}

func TestTwoServersOverOneDatabase(t *testing.T) {
	eachKind(t, func(d *harness, k kind) {
		other := newHarnessOver(d.t, d.DB)
		under, _ := d.begin(k.attempt(0))
		other.fail(k.attempts(0, k.freeFailures+1)...)
		other.advance(time.Second)
		other.fail(k.attempt(0))
		d.now = other.now
		d.wantWait("what failed at the other one", k.attempt(0), 2*time.Second)
		if err := under.Failed(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		other.wantWait("what failed here meanwhile", k.attempt(0), 4*time.Second)
	})
}

// Attack guessing/counters, fault/clock: a clock that moves back.
func TestAClockSetBackNeitherLocksOutNorLetsIn(t *testing.T) {
	for _, back := range []time.Duration{time.Millisecond, 10 * 365 * 24 * time.Hour} {
		t.Run(back.String(), func(t *testing.T) {
			eachKind(t, func(d *harness, k kind) {
				d.advance(20 * 365 * 24 * time.Hour)
				d.fail(k.attempts(0, k.freeFailures+1)...)
				d.advance(-back)
				d.wantWait("a wait still waits", k.attempt(0), time.Second)
				d.sweep()
				d.advance(time.Second)
				d.fail(k.attempt(0)) // admitted after the wait; earlier failures still count
				d.wantWait("the next wait", k.attempt(0), 2*time.Second)
				d.advance(k.window)
				d.fail(k.attempts(0, k.freeFailures)...)
				d.wantWait("the window ends as if it had begun now", k.attempt(0), 0)
			})
		})
	}
}

// Attack guessing/counters, fault/clock
func TestAWindowThatBeganInTheFutureEnds(t *testing.T) {
	for _, tt := range []struct {
		row   string
		spent func(free int) int
		mend  func(d *harness, k kind)
	}{
		{"15 minutes (or an hour) after the next failure", func(free int) int { return free }, func(d *harness, k kind) { d.fail(k.attempt(0)) }},
		{"as long after the next Sweep", func(free int) int { return free - 1 }, func(d *harness, _ kind) { d.sweep() }},
	} {
		t.Run(tt.row, func(t *testing.T) {
			eachKind(t, func(d *harness, k kind) {
				d.fail(k.attempts(0, tt.spent(k.freeFailures))...)
				d.advance(-365 * 24 * time.Hour)
				tt.mend(d, k)
				d.advance(k.window)
				d.fail(k.attempts(0, k.freeFailures)...)
				d.wantWait("after the free ones", k.attempt(0), 0)
			})
		})
	}
}
