package forward_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/audit"
)

// wiki is an app on webtest.Elsewhere for the groups dev and ops, which accepts app
// passwords, and ada, who is in no group, is signed in there and has an app password.
type wiki struct {
	*webtest.World

	app            app.App
	ada            *webtest.Browser
	cookie, bearer string // ada's credentials
}

func newWiki(t *testing.T) *wiki {
	t.Helper()
	w := &wiki{World: webtest.NewWorld(t, webtest.Jar, "")}
	w.ada, w.cookie = w.In(t)
	w.bearer = "Bearer " + w.AppPassword(t, "ada", account.AppPassword{Name: "git"})
	w.app = w.NewApp(t, app.App{Name: "Wiki", Host: "wiki.example", Groups: []string{"dev", "ops"}, Programs: true})
	return w
}

// answers fails the test unless the gate responds to a question about a page of the wiki
// with the status.
func (w *wiki) answers(t *testing.T, when string, status int, header ...string) *webtest.Answer {
	t.Helper()
	got := w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/a", header...))
	if got.StatusCode != status {
		t.Errorf("%s: got status %d, want %d", when, got.StatusCode, status)
	}
	return got
}

// change changes the app.
func (w *wiki) change(t *testing.T, set func(a *app.App)) {
	t.Helper()
	set(&w.app)
	if err := w.Apps.Change(t.Context(), w.app, audit.Command()); err != nil {
		t.Fatal(err)
	}
}

// addToOps adds ada to a group that may open the wiki.
func (w *wiki) addToOps(t *testing.T) {
	t.Helper()
	if err := w.Accounts.SetGroups(t.Context(), "ada", []string{"ops"}, audit.Command()); err != nil {
		t.Fatal(err)
	}
}

// An app's groups decide who passes, with a session and with an app password.
func TestGroupsOfAnAppDecideWhoPasses(t *testing.T) {
	w := newWiki(t)
	w.answers(t, "in none of the groups", http.StatusForbidden, "Cookie", w.cookie, "Accept", "text/html").WantGatePage()
	w.answers(t, "in none of the groups, by app password", http.StatusForbidden, "Authorization", w.bearer)
	w.addToOps(t)
	w.answers(t, "in one of them", http.StatusOK, "Cookie", w.cookie).WantHeader("Remote-Groups", "ops")
	w.answers(t, "by app password", http.StatusOK, "Authorization", w.bearer)
}

// An app with level 2 lets sessions of level 2 pass, and no app password.
func TestLevelOfAnAppDecidesWhoPasses(t *testing.T) {
	w := newWiki(t)
	w.addToOps(t)
	both := app.App{ID: w.app.ID, Name: "Wiki", Host: "wiki.example", Level: 2, Programs: true}
	if err := w.Apps.Change(t.Context(), both, audit.Command()); !errors.Is(err, app.ErrPrograms) {
		t.Errorf("a second factor and app passwords: got %v", err)
	}
	w.change(t, func(a *app.App) { a.Level, a.Programs = 2, false })
	w.answers(t, "with a session of level 1", http.StatusUnauthorized, "Cookie", w.cookie).WantHeader("Location", webtest.Jar+"/auth/step-up?next="+url.QueryEscape(webtest.Elsewhere+"/a"))
	w.answers(t, "by app password", http.StatusForbidden, "Authorization", w.bearer)
	w.answers(t, "a program without one is not asked for it", http.StatusUnauthorized, "Accept", "*/*").WantHeader("WWW-Authenticate", "")
	w.Exec(t, `UPDATE sessions SET level = 2`)
	for _, sid := range w.Texts(t, `SELECT sid FROM sessions`) {
		w.Sessions.Invalidate(sid)
	}
	w.answers(t, "with a session of level 2", http.StatusOK, "Cookie", w.cookie)
	w.change(t, func(a *app.App) { a.Level = 1 })
	w.answers(t, "with a session of level 2 where one of level 1 passes", http.StatusOK, "Cookie", w.cookie)
}

// An app that an older version stored with level 2 and app passwords accepts no app password.
func TestLevelOfAnOlderAppWinsOverItsPrograms(t *testing.T) {
	w := newWiki(t)
	w.addToOps(t)
	w.Exec(t, `UPDATE apps SET level = 2, programs = 1`)
	w.Exec(t, `UPDATE app_changes SET stamp = 'older'`)
	if err := w.Apps.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := w.answers(t, "by app password", http.StatusForbidden, "Authorization", w.bearer); got.Body != noSecondFactor {
		t.Errorf("the body says %s", got.Body)
	}
	w.answers(t, "a program without one is not asked for it", http.StatusUnauthorized, "Accept", "*/*").WantHeader("WWW-Authenticate", "")
}

// An app without app passwords refuses each of them, right or wrong, and accepts a session.
func TestAppWithoutProgramsTakesNoAppPassword(t *testing.T) {
	w := newWiki(t)
	w.addToOps(t)
	w.change(t, func(a *app.App) { a.Programs = false })
	if got := w.answers(t, "a program where it may not", http.StatusForbidden, "Authorization", w.bearer); !strings.Contains(got.Body, "takes no app passwords") {
		t.Errorf("the body says %s", got.Body)
	}
	w.answers(t, "a wrong app password where none may", http.StatusForbidden, "Authorization", "Bearer gj_x")
	w.answers(t, "a program without one is not asked for it", http.StatusUnauthorized, "Accept", "*/*").WantHeader("WWW-Authenticate", "")
	w.answers(t, "with the session beside it", http.StatusOK, "Cookie", w.cookie)
}

// GATE_HOSTS still applies to hosts without an app. An app's host needs no GATE_HOSTS,
// until the app is removed.
func TestHostOfAnAppDecidesWhoPasses(t *testing.T) {
	w := newWiki(t)
	w.change(t, func(a *app.App) { a.Host, a.URL, a.Groups = "wiki.example:9999", "", nil })
	w.answers(t, "on another port than the app's, though GATE_HOSTS has it", http.StatusForbidden, "Cookie", w.cookie)
	w.change(t, func(a *app.App) { a.Host, a.Groups = "other.example", []string{"other"} })
	w.answers(t, "without an app, by GATE_HOSTS", http.StatusOK, "Cookie", w.cookie)
	if got := w.Ask(t, "/gate/check", webtest.Asked("https://other.example/", "Sec-Fetch-Mode", "navigate")); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("an app that GATE_HOSTS has not: got status %d", got.StatusCode)
	}
	w.ada.Visit("https://other.example/", 5).Want(http.StatusForbidden)
	if err := w.Apps.Remove(t.Context(), w.app.ID, audit.Command()); err != nil {
		t.Fatal(err)
	}
	w.Ask(t, "/gate/check", webtest.Asked("https://other.example/")).Want(http.StatusForbidden)
}

// When an app is removed, cookies for its host are refused at once. Of several rules the most
// specific one applies.
func TestRemovedAppStopsAtOnce(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Member)
	one := w.NewApp(t, app.App{Name: "One", Host: "one.apps.example"})
	below := w.NewApp(t, app.App{Name: "All", Host: "*.apps.example", Groups: []string{"dev"}})
	ada := w.SignedIn(t, "ada")
	ada.Visit("https://one.apps.example/", 5).Want(http.StatusOK)
	ada.Visit("https://two.apps.example/", 5).Want(http.StatusForbidden)
	ada.Visit("https://apps.example/", 5).Want(http.StatusForbidden)
	if err := w.Apps.Remove(t.Context(), one.ID, audit.Command()); err != nil {
		t.Fatal(err)
	}
	ada.Visit("https://one.apps.example/", 0).Want(http.StatusForbidden) // the rule for all hosts below applies
	if err := w.Apps.Remove(t.Context(), below.ID, audit.Command()); err != nil {
		t.Fatal(err)
	}
	if got := ada.Visit("https://one.apps.example/", 0).Want(http.StatusForbidden); !strings.Contains(got.Body, "does not answer for this host") {
		t.Errorf("the page says %s", got.Body)
	}
}

// If the apps are not known, nobody passes.
func TestUnknownAppsLetNobodyPass(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	w.Apps.Rules.Forget()
	w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie)).Want(http.StatusServiceUnavailable)
}
