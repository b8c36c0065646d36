package forward_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
)

func TestGateGroups(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	header := webtest.Asked(webtest.Elsewhere+"/a?b", "Cookie", cookie, "Accept", "text/html")
	set := func(groups ...string) {
		t.Helper()
		if err := w.Accounts.SetGroups(t.Context(), "ada", groups, audit.Command()); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/gate/check", "/gate/forward"} {
		for _, step := range []struct {
			groups []string
			args   string
			status int
		}{
			{nil, "?group=dev", 403},
			{[]string{"dev"}, "?group=dev", 200}, // applies at once
			{[]string{"ops", "web"}, "?group=dev", 403},
			{[]string{"ops", "web"}, "?group=dev&group=ops", 200},
			{[]string{"devs"}, "?group=dev", 403},
			{[]string{"dev"}, "?group=", 403},
			{nil, "?group=", 403},
			{nil, "", 200},
		} {
			set(step.groups...)
			got := w.Ask(t, path+step.args, header).Want(step.status)
			if step.status == 403 {
				got.Says("main > p:first-of-type", "You are signed in as ada, who is in none of the groups that may open wiki.example:8443.")
				got.WantHeader("Remote-User", "").WantGatePage()
				if to := got.Find("nav p:last-child a").AttrOr("href", ""); to != webtest.Jar+"/auth?other=1&next=https%3A%2F%2Fwiki.example%3A8443%2Fa%3Fb" {
					t.Errorf("to sign in as another one goes to %s", to)
				}
			}
		}
	}
	set("web", "dev", "dev")
	w.Ask(t, "/gate/check?group=dev", header).Want(http.StatusOK).WantHeader("Remote-Groups", "dev,web")
	if got := w.Texts(t, `SELECT detail FROM audit WHERE event = 'account.groups' ORDER BY at DESC`); got[0] != "dev,web" {
		t.Errorf("the audit log says %q", got[0])
	}
}

// Another server knows new groups after its next poll, and so does its assertion.
func TestGateGroupsOnAnotherServer(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	header := webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie)
	before := w.Ask(t, "/gate/check", header).Want(http.StatusOK).Header.Get("Remote-Identity")
	other := account.New(account.Options{DB: w.DB, Sessions: w.NewSessions(t, true), Hasher: w.Hasher, Now: w.Clock.Now})
	if err := other.SetGroups(t.Context(), "ada", []string{"dev"}, audit.Command()); err != nil {
		t.Fatal(err)
	}
	w.Ask(t, "/gate/check", header).Want(http.StatusOK).WantHeader("Remote-Groups", "").WantHeader("Remote-Identity", before)
	if err := w.Sessions.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := w.Ask(t, "/gate/check?group=dev", header).Want(http.StatusOK).WantHeader("Remote-Groups", "dev")
	if got.Header.Get("Remote-Identity") == before {
		t.Error("the assertion is of before")
	}
}

// Somebody who may not pass can sign in as somebody who may.
func TestGateSignInAsAnother(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	b, _ := w.In(t)
	w.Add(t, "bob", account.Member)
	if err := w.Accounts.SetGroups(t.Context(), "bob", []string{"dev"}, audit.Command()); err != nil {
		t.Fatal(err)
	}
	w.Args = "?group=dev"
	b.Header.Set("Sec-Fetch-Mode", "navigate")
	denied := b.Visit(webtest.Elsewhere+"/a", 5).Want(http.StatusForbidden)
	b.Visit(denied.Find("nav p:last-child a").AttrOr("href", ""), 0).Want(http.StatusOK).Says("h1", "Sign in")
	b.Post("/auth", "username", "bob", "password", webtest.Good, "next", webtest.Elsewhere+"/a").Want(http.StatusSeeOther)
	if got := b.Visit(webtest.Elsewhere+"/a", 5).Want(http.StatusOK); !strings.HasSuffix(got.Body, " as bob") {
		t.Errorf("the app sees %q", got.Body)
	}
	if n := len(w.Texts(t, `SELECT sid FROM sessions WHERE ended_at = 0`)); n != 1 {
		t.Errorf("%d sessions are live, want bob's", n)
	}
}

// Attack cookie/replay: a session that ended is refused here at once, on another server
// after its poll.
func TestGateEndsWithTheSession(t *testing.T) {
	for name, end := range map[string]func(w *webtest.World, b *webtest.Browser) error{
		"sign-out": func(_ *webtest.World, b *webtest.Browser) error {
			b.Post("/logout").Want(http.StatusSeeOther)
			return nil
		},
		"disable": func(w *webtest.World, b *webtest.Browser) error {
			return w.Accounts.Disable(b.T.Context(), "ada", audit.Command())
		},
		"delete": func(w *webtest.World, b *webtest.Browser) error {
			return w.Accounts.Delete(b.T.Context(), "ada", audit.Command())
		},
		"a new password": func(w *webtest.World, b *webtest.Browser) error {
			return w.Accounts.SetPassword(b.T.Context(), "ada", webtest.Other, audit.Command())
		},
		"the idle limit": func(w *webtest.World, b *webtest.Browser) error {
			w.Clock.Move(25 * time.Hour)
			return w.Sessions.Poll(b.T.Context())
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := webtest.NewWorld(t, webtest.Jar, "")
			b, cookie := w.In(t)
			header := webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie)
			w.Ask(t, "/gate/check", header).Want(http.StatusOK)
			if err := end(w, b); err != nil {
				t.Fatal(err)
			}
			w.Ask(t, "/gate/check", header).Want(http.StatusUnauthorized)
		})
	}
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	header := webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie)
	w.Ask(t, "/gate/check", header).Want(http.StatusOK)
	other := w.NewSessions(t, true)
	if err := other.End(t.Context(), w.Texts(t, `SELECT sid FROM sessions`)[0], audit.Actor{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Sessions.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Ask(t, "/gate/check", header).Want(http.StatusUnauthorized)
}

// While the database is unavailable, cached sessions are accepted for ten seconds; then
// the answer is 503, and nobody passes.
func TestGateCannotKnow(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	header := webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie, "Sec-Fetch-Mode", "navigate")
	w.Ask(t, "/gate/check", header).Want(http.StatusOK)
	if err := os.Rename(w.DbPath, w.DbPath+".away"); err != nil {
		t.Fatal(err)
	}
	w.Ask(t, "/gate/check", header).Want(http.StatusOK)
	w.Clock.Move(11 * time.Second)
	for _, path := range []string{"/gate/check", "/gate/forward"} {
		got := w.Ask(t, path, header).Want(http.StatusServiceUnavailable).WantHeader("Retry-After", "5").WantHeader("Remote-User", "")
		got.WantGatePage()
	}
	w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/")).Want(http.StatusUnauthorized) // without a cookie the answer does not depend on the database
	if err := os.Rename(w.DbPath+".away", w.DbPath); err != nil {
		t.Fatal(err)
	}
	w.Ask(t, "/gate/check", header).Want(http.StatusOK)
}

// A cookie signed with an older key is still accepted, and the gate does not sign it again.
func TestGateAfterRotation(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	header := webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie)
	if err := w.Sessions.SetGateKeys([][32]byte{webtest.NewKey, webtest.GateKey}); err != nil {
		t.Fatal(err)
	}
	w.Ask(t, "/gate/check", header).Want(http.StatusOK).WantHeader("Set-Cookie", "")
	if err := w.Sessions.SetGateKeys([][32]byte{webtest.NewKey}); err != nil {
		t.Fatal(err)
	}
	w.Ask(t, "/gate/check", header).Want(http.StatusUnauthorized).WantHeader("Set-Cookie", "")
	if err := w.Sessions.SetGateKeys(nil); err == nil {
		t.Error("no gate key at all was taken")
	}
}
