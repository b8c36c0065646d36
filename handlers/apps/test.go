package apps

import (
	"errors"
	"net/http"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/app"
	"glassjar/utl/doctor"
	"glassjar/utl/gate"
	"glassjar/utl/session"
)

// A test makes this server send requests to hosts that the owner's browser may not reach:
// apps run on loopback and private addresses, so these are allowed. This reveals little,
// and only to owners who recently proved who they are: the host must be that of an app in
// the database, the port is that of the app's link, and a report has only statuses and
// redirects, nothing of a response's body. If the owner may open the app, requests with
// the owner's own gate cookie are sent to the app's link too, as the owner's browser
// would send them. Each test is audited.

// refresh is after how many seconds the browser reloads the page of a running test.
const refresh = "2"

// TestPage is the data of /apps/{id}/test.
type TestPage struct {
	web.Layout

	App     app.App
	NoLink  bool           // whether the app lacks a page to test
	Tested  bool           // whether there is a report
	Report  doctor.Report  // the report of the last test
	When    web.Moment     // when it ended
	Problem string         // why no test was started
	Busy    doctor.Subject // the app that is being tested, if that is the problem
}

// finding is a doctor.Finding on a page.
type finding struct{ doctor.Finding }

// Class returns the CSS class of the finding.
func (f finding) Class() string {
	switch f.Verdict {
	case doctor.Pass:
		return "good"
	case doctor.Fail:
		return "bad"
	}
	return "wait"
}

// count is the number of findings with a verdict.
type count struct {
	finding

	N int
}

// Tally returns the number of findings of each verdict, without zeros.
func (p TestPage) Tally() (all []count) {
	for _, verdict := range []doctor.Verdict{doctor.Fail, doctor.Unknown, doctor.Remark, doctor.Pass} {
		if n := len(p.only(func(v doctor.Verdict) bool { return v == verdict })); n > 0 {
			all = append(all, count{finding{doctor.Finding{Verdict: verdict}}, n})
		}
	}
	return all
}

// ToFix returns the findings that need somebody to do something, holes first. Consecutive
// findings with the same fix show it once.
func (p TestPage) ToFix() []finding {
	all := append(p.only(func(v doctor.Verdict) bool { return v == doctor.Fail }),
		p.only(func(v doctor.Verdict) bool { return v != doctor.Fail && v != doctor.Pass })...)
	said := ""
	for i := range all {
		if all[i].Fix == said {
			all[i].Fix = ""
		} else {
			said = all[i].Fix
		}
	}
	return all
}

// Passed returns the other findings.
func (p TestPage) Passed() []finding {
	return p.only(func(v doctor.Verdict) bool { return v == doctor.Pass })
}

func (p TestPage) only(these func(doctor.Verdict) bool) (found []finding) {
	for _, f := range p.Report.Findings {
		if these(f.Verdict) {
			found = append(found, finding{f})
		}
	}
	return found
}

// Fault returns why nothing or not everything was tested, as a sentence.
func (p TestPage) Fault() string {
	if p.Report.Fault == "" {
		return ""
	}
	return strings.ToUpper(p.Report.Fault[:1]) + p.Report.Fault[1:] + "."
}

// Test answers GET /apps/{id}/test: the report of the app's last test. While the test
// runs, the browser reloads the page by itself.
func (s *Room) Test(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	a, err := s.app(r)
	if err != nil {
		return err
	}
	return s.renderTest(w, http.StatusOK, s.testPage(me, a))
}

// TestSubmit answers POST /apps/{id}/test: it starts a test of the app's page, 303; 422
// if the app has none; 409 while another app is tested.
func (s *Room) TestSubmit(w http.ResponseWriter, r *http.Request, me web.ProvenOwner) error {
	a, err := s.app(r)
	if err != nil {
		return err
	}
	if !s.Apps.LeadsToIt(a) {
		p := s.testPage(me.Owner(), a)
		p.Problem = "There is no page to test."
		return s.renderTest(w, http.StatusUnprocessableEntity, p)
	}
	_, busy := s.Tests.Busy()
	if !busy {
		if err := s.Apps.Tested(r.Context(), a.ID, web.Actor(r)); errors.Is(err, app.ErrUnknown) { // it was removed meanwhile
			return web.ErrNotFound
		} else if err != nil {
			return err
		}
		with, err := s.credential(r, a)
		if err != nil {
			return err
		}
		started, err := s.Tests.Start(subject(a), with)
		if err != nil {
			return err
		}
		busy = !started
	}
	if now, running := s.Tests.Busy(); busy && running && now.ID != a.ID {
		p := s.testPage(me.Owner(), a)
		p.Problem, p.Busy = "One test runs at a time, and one is running.", now.Subject
		return s.renderTest(w, http.StatusConflict, p)
	}
	return web.SeeOther(w, "/apps/"+a.ID+"/test")
}

// credential returns the owner's gate cookie for the app's host, so that the app is also
// tested signed in, or nothing if the owner may not open the app.
func (s *Room) credential(r *http.Request, a app.App) (doctor.Credential, error) {
	found := web.InfoOf(r).Session
	target, err := gate.ParseURL(a.URL)
	if err != nil || !s.Gate.Allows(target) || !a.MayOpen(found.HasGroup) || found.Level < a.Level {
		return doctor.Credential{}, nil //nolint:nilerr // LeadsToIt has checked the URL
	}
	cookie, err := s.Sessions.GateCookie(found, session.CookieScope(s.Gate.CookieScope(target)))
	return doctor.Credential{Cookie: cookie}, err
}

func subject(a app.App) doctor.Subject { return doctor.Subject{ID: a.ID, Host: a.Host, URL: a.URL} }

func (s *Room) testPage(me web.Owned, a app.App) TestPage {
	p := TestPage{Layout: layout(me), App: a, NoLink: !s.Apps.LeadsToIt(a)}
	p.Report, p.Tested = s.Tests.Last(subject(a))
	if p.Tested && !p.Report.Running() {
		p.When = web.MomentAt(p.Report.Ended, s.Now())
	}
	return p
}

func (s *Room) renderTest(w http.ResponseWriter, status int, p TestPage) error {
	if p.Tested && p.Report.Running() {
		w.Header().Set("Refresh", refresh)
	}
	return s.Render(w, status, "app-test", p)
}
