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

// An app's groups, level and programs decide who passes; GATE_HOSTS goes on to count
// for hosts without an app.
func TestAppsDecideWhoPasses(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	ada, cookie := w.In(t)
	secret := w.AppPassword(t, "ada", account.AppPassword{Name: "git"})
	made := w.NewApp(t, app.App{Name: "Wiki", Host: "wiki.example", Groups: []string{"dev", "ops"}, Programs: true})
	ask := func(when string, status int, header ...string) *webtest.Answer {
		t.Helper()
		got := w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/a", header...))
		if got.StatusCode != status {
			t.Errorf("%s: got status %d, want %d", when, got.StatusCode, status)
		}
		return got
	}
	change := func(set func(a *app.App)) {
		t.Helper()
		set(&made)
		if err := w.Apps.Change(t.Context(), made, audit.Command()); err != nil {
			t.Fatal(err)
		}
	}
	ask("in none of the groups", http.StatusForbidden, "Cookie", cookie, "Accept", "text/html").WantGatePage()
	ask("in none of the groups, by app password", http.StatusForbidden, "Authorization", "Bearer "+secret)
	if err := w.Accounts.SetGroups(t.Context(), "ada", []string{"ops"}, audit.Command()); err != nil {
		t.Fatal(err)
	}
	ask("in one of them", http.StatusOK, "Cookie", cookie).WantHeader("Remote-Groups", "ops")
	ask("by app password", http.StatusOK, "Authorization", "Bearer "+secret)

	if err := w.Apps.Change(t.Context(), app.App{ID: made.ID, Name: "Wiki", Host: "wiki.example", Level: 2, Programs: true}, audit.Command()); !errors.Is(err, app.ErrPrograms) {
		t.Errorf("a second factor and app passwords: got %v", err)
	}
	change(func(a *app.App) { a.Level, a.Programs = 2, false })
	ask("with a session of level 1", http.StatusUnauthorized, "Cookie", cookie).WantHeader("Location", webtest.Jar+"/auth/step-up?next="+url.QueryEscape(webtest.Elsewhere+"/a"))
	ask("by app password", http.StatusForbidden, "Authorization", "Bearer "+secret)
	ask("a program without one is not asked for it", http.StatusUnauthorized, "Accept", "*/*").WantHeader("WWW-Authenticate", "")
	w.Exec(t, `UPDATE apps SET programs = 1`) // as an older version kept it
	w.Exec(t, `UPDATE app_changes SET stamp = 'older'`)
	if err := w.Apps.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ask("by app password, as it was allowed once", http.StatusForbidden, "Authorization", "Bearer "+secret); got.Body != noSecondFactor {
		t.Errorf("the body says %s", got.Body)
	}
	ask("a program without one is not asked for it, either", http.StatusUnauthorized, "Accept", "*/*").WantHeader("WWW-Authenticate", "")
	w.Exec(t, `UPDATE sessions SET level = 2`)
	for _, sid := range w.Texts(t, `SELECT sid FROM sessions`) {
		w.Sessions.Invalidate(sid)
	}
	ask("with a session of level 2", http.StatusOK, "Cookie", cookie)

	change(func(a *app.App) { a.Level = 1 })
	if got := ask("a program where it may not", http.StatusForbidden, "Authorization", "Bearer "+secret); !strings.Contains(got.Body, "takes no app passwords") {
		t.Errorf("the body says %s", got.Body)
	}
	ask("a wrong app password where none may", http.StatusForbidden, "Authorization", "Bearer gj_x")
	ask("a program without one is not asked for it", http.StatusUnauthorized, "Accept", "*/*").WantHeader("WWW-Authenticate", "")
	ask("with the session beside it", http.StatusOK, "Cookie", cookie)

	change(func(a *app.App) { a.Host, a.URL, a.Groups, a.Level = "wiki.example:9999", "", nil, 1 })
	ask("on another port than the app's, though GATE_HOSTS has it", http.StatusForbidden, "Cookie", cookie)
	change(func(a *app.App) { a.Host, a.Groups = "other.example", []string{"other"} })
	ask("without an app, by GATE_HOSTS", http.StatusOK, "Cookie", cookie)
	if got := w.Ask(t, "/gate/check", webtest.Asked("https://other.example/", "Sec-Fetch-Mode", "navigate")); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("an app that GATE_HOSTS has not: got status %d", got.StatusCode)
	}
	ada.Visit("https://other.example/", 5).Want(http.StatusForbidden)
	if err := w.Apps.Remove(t.Context(), made.ID, audit.Command()); err != nil {
		t.Fatal(err)
	}
	w.Ask(t, "/gate/check", webtest.Asked("https://other.example/")).Want(http.StatusForbidden)
}

// An app is added, opened and removed: cookies for its host stop at once. The most
// exact rule counts.
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
	ada.Visit("https://one.apps.example/", 0).Want(http.StatusForbidden) // the rule for all below counts
	if err := w.Apps.Remove(t.Context(), below.ID, audit.Command()); err != nil {
		t.Fatal(err)
	}
	if got := ada.Visit("https://one.apps.example/", 0).Want(http.StatusForbidden); !strings.Contains(got.Body, "does not answer for this host") {
		t.Errorf("the page says %s", got.Body)
	}
}

// Whoever cannot know the apps lets nobody pass.
func TestUnknownAppsLetNobodyPass(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	w.Apps.Rules.Forget()
	w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie)).Want(http.StatusServiceUnavailable)
}
