package doctor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Longest is how long a run may take.
const Longest = 2 * time.Minute

// Subject is the app that a run is about, as it was then.
type Subject struct {
	ID   string // what Last and Forget find the run by
	Host string
	URL  string // the page that is attacked
}

// Report is what a run has shown so far.
type Report struct {
	Subject

	Began, Ended time.Time // Ended is zero until it has ended
	Attacks      int       // how many there are to try; fewer where nothing is behind a gate
	Findings     []Finding
	Fault        string // why nothing was tested, or not all; empty: all was
}

// Running reports whether the run goes on, or is about to begin.
func (r Report) Running() bool { return r.Ended.IsZero() }

// Options are what a Runner needs.
type Options struct {
	Most    int // reports to keep: the oldest goes
	Now     func() time.Time
	Examine func(ctx context.Context, page Page, with Credential, onFinding func(Finding)) error // nil: Examine
}

// Runner examines pages for a server, one at a time, and keeps the last report about
// each app, in memory.
type Runner struct {
	options Options
	asked   chan *run // at most one: it is the current one

	mu      sync.Mutex
	current *run
	last    map[string]*run
}

// run is one examination. What it has found is read and written under the Runner's
// lock.
type run struct {
	report Report
	page   Page
	with   Credential
	cancel context.CancelFunc // nil until it has begun
}

// NewRunner returns a Runner. It examines nothing until Run is called.
func NewRunner(o Options) *Runner {
	if o.Examine == nil {
		o.Examine = Examine
	}
	return &Runner{options: o, asked: make(chan *run, 1), last: map[string]*run{}}
}

// Run does what Start asks for, until ctx ends: a run ends with it.
func (r *Runner) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case next := <-r.asked:
			r.do(ctx, next)
		}
	}
}

func (r *Runner) do(ctx context.Context, next *run) {
	ctx, cancel := context.WithTimeout(ctx, Longest)
	defer cancel()
	r.mu.Lock()
	next.cancel = cancel
	if r.last[next.report.ID] != next { // it was forgotten before it began
		cancel()
	}
	r.mu.Unlock()
	err := ctx.Err()
	if err == nil {
		err = r.options.Examine(ctx, next.page, next.with, func(f Finding) {
			r.mu.Lock()
			defer r.mu.Unlock()
			next.report.Findings = append(next.report.Findings, f)
		})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	next.report.Ended, next.report.Fault = r.options.Now(), faultOfRun(err)
	r.current, next.with = nil, Credential{} // the report stays
}

// faultOfRun says why a run tested nothing, or not all.
func faultOfRun(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, context.DeadlineExceeded):
		return "the test was stopped after 2 minutes: what is not listed was not tried"
	case errors.Is(err, context.Canceled):
		return "the test was stopped: what is not listed was not tried"
	}
	return err.Error()
}

// Busy returns the report about the app that is examined now, if there is one.
func (r *Runner) Busy() (Report, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == nil {
		return Report{}, false
	}
	return r.current.copied(), true
}

// Start makes Run examine the app's page, without a sign-in and with the credential,
// if it is not empty. It reports false while another run goes on. Errors: the URL is
// no page.
func (r *Runner) Start(about Subject, with Credential) (bool, error) {
	var page Page
	if err := page.UnmarshalText([]byte(about.URL)); err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current != nil {
		return false, nil
	}
	next := &run{page: page, with: with, report: Report{Subject: about, Began: r.options.Now(), Attacks: 1 + len((&scan{Page: page}).attacks())}}
	if with != (Credential{}) {
		next.report.Attacks += 1 + len(signedIn(""))
	}
	delete(r.last, about.ID)
	for len(r.last) >= r.options.Most {
		delete(r.last, r.oldest())
	}
	r.current, r.last[about.ID] = next, next
	r.asked <- next // there is room: only the current one is ever in it
	return true, nil
}

func (r *Runner) oldest() (id string) {
	for one, of := range r.last {
		if id == "" || of.report.Began.Before(r.last[id].report.Began) {
			id = one
		}
	}
	return id
}

// Last returns the report of the app's last run, if there is one. A report about
// another host or page than the app has now is forgotten.
func (r *Runner) Last(about Subject) (Report, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.last[about.ID]
	if found == nil {
		return Report{}, false
	}
	if found.report.Subject != about {
		r.forget(about.ID)
		return Report{}, false
	}
	return found.copied(), true
}

// Forget drops the report about the app, and ends its run if it goes on.
func (r *Runner) Forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forget(id)
}

func (r *Runner) forget(id string) {
	if found := r.last[id]; found != nil && found.cancel != nil {
		found.cancel()
	}
	delete(r.last, id)
}

func (r *run) copied() Report {
	report := r.report
	report.Findings = slices.Clone(report.Findings)
	return report
}
