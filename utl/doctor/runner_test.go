package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/doctor"
)

// about is an app whose page is on a port where nobody listens.
func about(id string) doctor.Subject {
	return doctor.Subject{ID: id, Host: "app.localhost", URL: "http://app.localhost:1/"}
}

// runner returns a Runner with this examine, and a function that stops it.
func runner(t *testing.T, most int, examine func(context.Context, func(doctor.Finding)) error) (r *doctor.Runner, stop func()) {
	t.Helper()
	r = doctor.NewRunner(doctor.Options{Most: most, Now: time.Now, Examine: func(ctx context.Context, _ doctor.Page, _ doctor.Credential, on func(doctor.Finding)) error {
		return examine(ctx, on)
	}})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); r.Run(ctx) }()
	return r, func() { cancel(); <-ended }
}

func started(t *testing.T, r *doctor.Runner, id string, want bool) {
	t.Helper()
	if got, err := r.Start(about(id), doctor.Credential{}); got != want || err != nil {
		t.Fatalf("starting %s: %t, %v; want %t", id, got, err, want)
	}
}

func forever(ctx context.Context, on func(doctor.Finding)) error {
	on(doctor.Finding{Verdict: doctor.Pass, Attack: "the first"})
	<-ctx.Done()
	return ctx.Err()
}

// A run ends after two minutes, whatever the page does, and its report says so.
func TestRunIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := runner(t, 5, forever)
		began := time.Now()
		started(t, r, "a", true)
		synctest.Wait()
		if got, ok := r.Last(about("a")); !ok || !got.Running() || len(got.Findings) != 1 || got.Attacks != 46 {
			t.Errorf("while it runs: %+v", got)
		}
		started(t, r, "b", false)
		time.Sleep(doctor.Longest) // synctest's fake clock
		synctest.Wait()
		got, _ := r.Last(about("a"))
		if got.Running() || got.Ended.Sub(began) != doctor.Longest || got.Fault != "the test was stopped after 2 minutes: what is not listed was not tried" {
			t.Errorf("after it: %+v", got)
		}
		started(t, r, "b", true)
		stop()
	})
}

// A run ends when the server stops, and at once when it is forgotten.
func TestRunEndsWithTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := runner(t, 5, forever)
		started(t, r, "a", true)
		synctest.Wait()
		r.Forget("a")
		synctest.Wait()
		if _, busy := r.Busy(); busy {
			t.Error("what was forgotten goes on")
		}
		started(t, r, "b", true)
		synctest.Wait()
		at := time.Now()
		stop()
		if got, _ := r.Last(about("b")); got.Running() || !got.Ended.Equal(at) {
			t.Errorf("the server stopped after %v", time.Since(at))
		}
	})
}

// A run that is forgotten before it began never begins.
func TestForgottenBeforeItBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		examined := 0
		r := doctor.NewRunner(doctor.Options{Most: 5, Now: time.Now, Examine: func(context.Context, doctor.Page, doctor.Credential, func(doctor.Finding)) error {
			examined++
			return nil
		}})
		started(t, r, "a", true)
		r.Forget("a")
		ctx, cancel := context.WithCancel(t.Context())
		go r.Run(ctx)
		synctest.Wait()
		cancel()
		if _, busy := r.Busy(); busy || examined != 0 {
			t.Errorf("busy %t, examined %d times", busy, examined)
		}
	})
}

// The number of reports is limited; the oldest is dropped.
func TestReportsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := runner(t, 3, func(context.Context, func(doctor.Finding)) error { return errors.New("nothing was tested") })
		for i := range 5 {
			time.Sleep(time.Second) // synctest's fake clock
			started(t, r, fmt.Sprint(i), true)
			synctest.Wait()
		}
		for i := range 5 {
			if got, ok := r.Last(about(fmt.Sprint(i))); ok != (i >= 2) || ok && got.Fault != "nothing was tested" {
				t.Errorf("report %d: %t, %+v", i, ok, got)
			}
		}
		stop()
	})
}

// A report is dropped when the app's host or URL has changed.
func TestReportOfAnotherHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, stop := runner(t, 3, forever)
		started(t, r, "a", true)
		synctest.Wait()
		moved := about("a")
		moved.Host = "*.localhost"
		if _, ok := r.Last(moved); ok {
			t.Error("it is shown")
		}
		synctest.Wait()
		if _, busy := r.Busy(); busy {
			t.Error("its run goes on")
		}
		stop()
		if ok, err := r.Start(doctor.Subject{URL: "ftp://app.localhost/"}, doctor.Credential{}); ok || err == nil {
			t.Error("what is no page is examined")
		}
	})
}
