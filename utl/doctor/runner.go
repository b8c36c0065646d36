package doctor

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Longest is the maximum duration of a run.
const Longest = 2 * time.Minute

// Subject is the app of a run, as it was at the start.
type Subject struct {
	ID   string // the app's id
	Host string
	URL  string // the page that is attacked
}

// Report is the result of a run so far.
type Report struct {
	Subject

	Began, Ended time.Time // Ended is zero while it runs
	Attacks      int       // how many attacks are planned; fewer are made if the page is open
	Findings     []Finding
	Fault        string // why nothing or not everything was tested; empty: everything was
}

// Running reports whether the run has not ended yet; it may not have begun.
func (r Report) Running() bool { return r.Ended.IsZero() }

// Options are what a Runner needs.
type Options struct {
	Most    int // maximum number of reports; the oldest is dropped
	Now     func() time.Time
	Examine func(ctx context.Context, page Page, with Credential, onFinding func(Finding)) error // nil: Examine
}

// Runner runs Examine for a server, one page at a time, and keeps the last report of each
// app in memory.
type Runner struct {
	options Options
	asked   chan *run // has room for one, which is then current

	mu      sync.Mutex
	current *run
	last    map[string]*run
}

// run is one examination. The Runner's lock protects it.
type run struct {
	report Report
	page   Page
	with   Credential
	cancel context.CancelFunc // nil before it begins
}

// NewRunner returns a Runner. It does nothing until Run is called.
func NewRunner(o Options) *Runner {
	if o.Examine == nil {
		o.Examine = Examine
	}
	return &Runner{options: o, asked: make(chan *run, 1), last: map[string]*run{}}
}

// Run makes the runs that Start requests, until ctx ends, which also ends the current run.
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
	if r.last[next.report.ID] != next { // Forget was called before it began
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
	r.current, next.with = nil, Credential{} // only the report is kept
}

// faultOfRun says why a run tested nothing or not everything.
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

// Busy returns the report of the current run, if there is one.
func (r *Runner) Busy() (Report, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == nil {
		return Report{}, false
	}
	return r.current.copied(), true
}

// Start requests a run on the app's page, without a sign-in and, if the credential is not
// empty, with it. It returns false while another run is current. It returns an error if the
// URL is not a valid Page.
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
	r.asked <- next // never blocks: there is only one current run
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

// Last returns the report of the app's last run, if there is one. It drops a report about
// another host or URL than the app has now.
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

// Forget drops the app's report, and cancels its run if that is current.
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
