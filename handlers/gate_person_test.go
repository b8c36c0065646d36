package handlers_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/session"
)

func TestGateGroups(t *testing.T) {
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	header := asked(elsewhere+"/a?b", "Cookie", cookie)
	set := func(groups ...string) {
		t.Helper()
		if err := w.accounts.SetGroups(t.Context(), "ada", groups, audit.Command()); err != nil {
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
			{[]string{"dev"}, "?group=dev", 200}, // at once
			{[]string{"ops", "web"}, "?group=dev", 403},
			{[]string{"ops", "web"}, "?group=dev&group=ops", 200},
			{[]string{"devs"}, "?group=dev", 403},
			{[]string{"dev"}, "?group=", 403},
			{nil, "?group=", 403},
			{nil, "", 200},
		} {
			set(step.groups...)
			got := w.ask(t, path+step.args, header).want(step.status)
			if step.status == 403 {
				got.says("p:first-of-type", "You are signed in as ada, who is in none of the groups that may open this page.")
				got.header("Remote-User", "").wantGatePage()
				if to := got.find("a").AttrOr("href", ""); to != jar+"/auth?other=1&next=https%3A%2F%2Fwiki.example%3A8443%2Fa%3Fb" {
					t.Errorf("to sign in as another one goes to %s", to)
				}
			}
		}
	}
	set("web", "dev", "dev")
	w.ask(t, "/gate/check?group=dev", header).want(http.StatusOK).header("Remote-Groups", "dev,web")
	if got := w.texts(t, `SELECT detail FROM audit WHERE event = 'account.groups' ORDER BY at DESC`); got[0] != "dev,web" {
		t.Errorf("the audit log says %q", got[0])
	}
}

// wantGatePage fails the test unless the answer is a page that needs nothing
// else of this site.
func (a *answer) wantGatePage() {
	a.t.Helper()
	if a.find("link, script, img, style, form").Length() > 0 || a.find("main#main h1").Length() != 1 {
		a.t.Errorf("the page needs more than itself:\n%s", a.body)
	}
}

// Another server takes up new groups with its next poll, and the assertion
// follows at once.
func TestGateGroupsOnAnotherServer(t *testing.T) {
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	header := asked(elsewhere+"/", "Cookie", cookie)
	before := w.ask(t, "/gate/check", header).want(http.StatusOK).Header.Get("Remote-Identity")
	other := account.New(account.Options{DB: w.db, Sessions: w.newSessions(t, true), Hasher: w.hasher, Now: w.clock.now})
	if err := other.SetGroups(t.Context(), "ada", []string{"dev"}, audit.Command()); err != nil {
		t.Fatal(err)
	}
	w.ask(t, "/gate/check", header).want(http.StatusOK).header("Remote-Groups", "").header("Remote-Identity", before)
	if err := w.sessions.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := w.ask(t, "/gate/check?group=dev", header).want(http.StatusOK).header("Remote-Groups", "dev")
	if got.Header.Get("Remote-Identity") == before {
		t.Error("the assertion is of before")
	}
}

// A person who may not pass signs in as somebody who may.
func TestGateSignInAsAnother(t *testing.T) {
	w := newWorld(t, jar, "")
	b, _ := w.in(t)
	w.add(t, "bob", account.Member)
	if err := w.accounts.SetGroups(t.Context(), "bob", []string{"dev"}, audit.Command()); err != nil {
		t.Fatal(err)
	}
	w.args = "?group=dev"
	denied := b.visit(elsewhere+"/a", 5).want(http.StatusForbidden)
	b.visit(denied.find("a").AttrOr("href", ""), 0).want(http.StatusOK).says("h1", "Sign in")
	b.post("/auth", "username", "bob", "password", good, "next", elsewhere+"/a").want(http.StatusSeeOther)
	if got := b.visit(elsewhere+"/a", 5).want(http.StatusOK); !strings.HasSuffix(got.body, " as bob") {
		t.Errorf("the app sees %q", got.body)
	}
	if n := len(w.texts(t, `SELECT sid FROM sessions WHERE ended_at = 0`)); n != 1 {
		t.Errorf("%d sessions are live, want bob's", n)
	}
}

// Attack cookie/replay: ended here is ended at once, elsewhere with the poll.
func TestGateEndsWithTheSession(t *testing.T) {
	for name, end := range map[string]func(w *world, b *browser) error{
		"sign-out": func(_ *world, b *browser) error { b.post("/logout").want(http.StatusSeeOther); return nil },
		"disable":  func(w *world, b *browser) error { return w.accounts.Disable(b.t.Context(), "ada", audit.Command()) },
		"delete":   func(w *world, b *browser) error { return w.accounts.Delete(b.t.Context(), "ada", audit.Command()) },
		"a new password": func(w *world, b *browser) error {
			return w.accounts.SetPassword(b.t.Context(), "ada", other, audit.Command())
		},
		"the idle limit": func(w *world, b *browser) error { w.clock.move(25 * time.Hour); return w.sessions.Poll(b.t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, jar, "")
			b, cookie := w.in(t)
			header := asked(elsewhere+"/", "Cookie", cookie)
			w.ask(t, "/gate/check", header).want(http.StatusOK)
			if err := end(w, b); err != nil {
				t.Fatal(err)
			}
			w.ask(t, "/gate/check", header).want(http.StatusUnauthorized)
		})
	}
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	header := asked(elsewhere+"/", "Cookie", cookie)
	w.ask(t, "/gate/check", header).want(http.StatusOK)
	other := w.newSessions(t, true)
	if err := other.End(t.Context(), w.texts(t, `SELECT sid FROM sessions`)[0], audit.Actor{}); err != nil {
		t.Fatal(err)
	}
	if err := w.sessions.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.ask(t, "/gate/check", header).want(http.StatusUnauthorized)
}

// When the database cannot be read, what is known is said for ten seconds;
// then it is 503, and nobody passes.
func TestGateCannotKnow(t *testing.T) {
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	header := asked(elsewhere+"/", "Cookie", cookie)
	w.ask(t, "/gate/check", header).want(http.StatusOK)
	if err := os.Rename(w.dbPath, w.dbPath+".away"); err != nil {
		t.Fatal(err)
	}
	w.ask(t, "/gate/check", header).want(http.StatusOK)
	w.clock.move(11 * time.Second)
	for _, path := range []string{"/gate/check", "/gate/forward"} {
		got := w.ask(t, path, header).want(http.StatusServiceUnavailable).header("Retry-After", "5").header("Remote-User", "")
		got.wantGatePage()
	}
	w.ask(t, "/gate/check", asked(elsewhere+"/")).want(http.StatusUnauthorized) // without a cookie there is nothing to know
	if err := os.Rename(w.dbPath+".away", w.dbPath); err != nil {
		t.Fatal(err)
	}
	w.ask(t, "/gate/check", header).want(http.StatusOK)
}

// A key that was rotated out of the first place still opens, and the gate signs
// nothing anew.
func TestGateAfterRotation(t *testing.T) {
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	header := asked(elsewhere+"/", "Cookie", cookie)
	if err := w.sessions.SetGateKeys([][]byte{newKey, gateKey}); err != nil {
		t.Fatal(err)
	}
	w.ask(t, "/gate/check", header).want(http.StatusOK).header("Set-Cookie", "")
	if err := w.sessions.SetGateKeys([][]byte{newKey}); err != nil {
		t.Fatal(err)
	}
	w.ask(t, "/gate/check", header).want(http.StatusUnauthorized).header("Set-Cookie", "")
	for _, keys := range [][][]byte{nil, {gateKey[:31]}} {
		if err := w.sessions.SetGateKeys(keys); err == nil {
			t.Error("bad gate keys were taken")
		}
	}
	_, err := session.New(session.Options{Keys: [][]byte{key}, GateKeys: [][]byte{{1}}, Now: time.Now})
	if err == nil {
		t.Error("a short gate key was taken at the start")
	}
}
