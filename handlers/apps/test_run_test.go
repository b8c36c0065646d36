package apps_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/app"
	"glassjar/utl/audit"
	"glassjar/utl/doctor"
)

// held is an app that responds only when go is closed. began receives a value at the
// first request.
func held(t *testing.T) (host string, began, goOn chan struct{}) {
	t.Helper()
	began, goOn = make(chan struct{}, 1000), make(chan struct{})
	host = behindGate(t, func(_ http.ResponseWriter, r *http.Request) bool {
		began <- struct{}{}
		select {
		case <-goOn:
		case <-r.Context().Done():
		}
		return false
	})
	return host, began, goOn
}

// A second test cannot start before the first ends; the page links to that. A page
// reloads itself only while its test runs.
func TestOneAtATime(t *testing.T) {
	s, b := tested(t)
	host, began, goOn := held(t)
	first, second := newApp(t, s, host), newApp(t, s, "notes.localhost")
	b.Post(first+"/test").Want(http.StatusSeeOther, first+"/test")
	<-began
	running := b.Get(first + "/test").Want(http.StatusOK)
	running.WantHeader("Refresh", "2")
	wants(t, "running", running, "Testing Wiki", "0 of 46 attacks")
	b.Post(first+"/test").Want(http.StatusSeeOther, first+"/test") // a second time: redirects to the running test
	got := b.Post(second + "/test").Want(http.StatusConflict)
	wants(t, "the second", got, "One test runs at a time, and one is running.", "See the test of "+host)
	if got.Find(`a[href="`+first+`/test"]`).Length() != 1 || got.Header.Get("Refresh") != "" {
		t.Error("the second leads nowhere, or loads itself again")
	}
	if n := len(s.Texts(t, `SELECT event FROM audit WHERE event = 'app.tested'`)); n != 1 {
		t.Errorf("%d tests are in the audit log", n)
	}
	close(goOn)
	for b.Get(first+"/test").Header.Get("Refresh") != "" && t.Context().Err() == nil {
	}
	wants(t, "done", b.Get(first+"/test"), "What was stopped")
}

// A report is dropped when the app's host or URL changes, here or on another server, but
// not when its name changes.
func TestResultIsForgotten(t *testing.T) {
	s, b := tested(t)
	host := behindGate(t, good)
	at := newApp(t, s, host)
	for _, tt := range []struct {
		row    string
		change func()
		want   string
	}{
		{"another name", func() {
			b.Post(at, "name", "Notes", "host", host, "url", "http://"+host+"/").Want(http.StatusSeeOther)
		}, "What was stopped"},
		{"another page", func() {
			b.Post(at, "name", "Notes", "host", host, "url", "http://"+host+"/a").Want(http.StatusSeeOther)
		}, "Not tested yet"},
		{"another host", func() {
			b.Post(at, "name", "Notes", "host", "*.localhost", "url", "http://"+host+"/a").Want(http.StatusSeeOther)
		}, "Not tested yet"},
		{"another host, on another server", func() { s.Exec(t, `UPDATE apps SET host = ?`, host) }, "Not tested yet"},
	} {
		result(t, b, at)
		tt.change()
		wants(t, tt.row, b.Get(at+"/test").Want(http.StatusOK), tt.want)
	}
}

// Removing an app ends its test and drops its report.
func TestRemovedAppIsNotTestedOn(t *testing.T) {
	s, b := tested(t)
	host, began, _ := held(t)
	at := newApp(t, s, host)
	b.Post(at+"/test").Want(http.StatusSeeOther, at+"/test")
	<-began
	b.Post(at + "/remove").Want(http.StatusSeeOther)
	for _, busy := s.Settings.Tests.Busy(); busy && t.Context().Err() == nil; _, busy = s.Settings.Tests.Busy() {
	}
	if _, ok := s.Settings.Tests.Last(doctor.Subject{ID: strings.TrimPrefix(at, "/apps/"), Host: host, URL: "http://" + host + "/"}); ok {
		t.Error("the report is kept")
	}
	b.Get(at + "/test").Want(http.StatusNotFound)
}

// An app with many hosts can be tested only if its link says which host.
func TestAppOfManyHosts(t *testing.T) {
	s, b := tested(t)
	made := s.NewApp(t, app.App{Name: "Wikis", Host: "*.localhost"})
	at := "/apps/" + made.ID
	wants(t, "the page", b.Get(at+"/test").Want(http.StatusOK), "No page to test", "give the app a link to one page of it", "Say its link")
	wants(t, "pressed", b.Post(at+"/test").Want(http.StatusUnprocessableEntity), "There is no page to test.")
	if got := b.Get(at); got.Find(`form[action$="/test"]`).Length() != 0 {
		t.Error("the app's page has the button")
	}
	made.URL = "http://" + behindGate(t, good) + "/"
	if err := s.Apps.Change(t.Context(), made, audit.Command()); err != nil {
		t.Fatal(err)
	}
	wants(t, "with a link", result(t, b, at), "What was stopped")
}

// Starting a test needs a proof of the last 10 minutes; seeing the last report does not.
func TestOwnersProveBeforeATest(t *testing.T) {
	s, b := site(t)
	at := newApp(t, s, "wiki.localhost")
	s.Clock.Move(11 * time.Minute)
	b.Post(at+"/test").Want(http.StatusSeeOther, "/account/prove?"+webtest.Form("next", at+"/test"))
	if _, busy := s.Settings.Tests.Busy(); busy {
		t.Error("it was started")
	}
	b.Get(at + "/test").Want(http.StatusOK)
}
