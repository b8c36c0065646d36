package handlers_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
)

// away takes the database away, and returns what brings it back.
func (s *testSite) away(t *testing.T) (back func()) {
	t.Helper()
	if err := os.Rename(s.dbPath, s.dbPath+".away"); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.Rename(s.dbPath+".away", s.dbPath); err != nil {
			t.Fatal(err)
		}
		if err := s.sessions.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// Attack fault/database-away: without its database the site serves live sessions for 10 s, then
// nobody: 503, never a guess. It recovers without a restart.
func TestOutage(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	s.write(t, "notes.txt", "notes")
	b := s.signedIn(t, "ada")
	b.get("/").want(http.StatusOK)
	cold := s.signedIn(t, "ada") // in no cache
	back := s.away(t)

	b.get("/").want(http.StatusOK).says("h1", "Hello, ada")
	s.clock.move(10*time.Second - time.Millisecond)
	b.get("/pages/notes.txt").want(http.StatusOK)
	b.get("/account").wantOutage() // it asks the database
	cold.get("/").wantOutage()
	s.browser(t).get("/").want(http.StatusOK).says("h1", "Sign in") // it needs none
	s.browser(t).get("/nowhere").want(http.StatusNotFound)
	s.browser(t).get("/healthz").want(http.StatusOK)

	s.clock.move(time.Millisecond)
	for _, path := range []string{"/", "/auth", "/account", "/logout", "/pages/notes.txt", "/join/x", "/reset/x", "/readyz"} {
		b.get(path).wantOutage()
	}
	s.browser(t).get("/readyz").wantOutage()
	b.get("/healthz").want(http.StatusOK)

	back()
	b.get("/").want(http.StatusOK)
	cold.get("/").want(http.StatusOK)
	b.get("/readyz").want(http.StatusOK)
}

// wantOutage fails the test unless the answer says that the database is away.
func (a *answer) wantOutage() {
	a.t.Helper()
	a.want(http.StatusServiceUnavailable).header("Retry-After", "5").says("h1", "Not now")
	a.wantHeaders(headersOf{})
	a.wantPage()
}

// /readyz tells of a cache that nobody keeps up to date, too.
func TestReadyWithoutPolls(t *testing.T) {
	s := newSite(t)
	s.clock.move(10 * time.Second)
	s.browser(t).get("/readyz").wantOutage()
}

// What is typed during an outage is kept, but for the passwords, and nothing
// is half done.
func TestFormsDuringAnOutage(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	b := s.signedIn(t, "ada")
	b.get("/").want(http.StatusOK)
	join := s.link(t, account.Member)
	before, back := s.state(t), s.away(t)
	got := s.browser(t).post("/auth", "username", "ada", "password", good, "next", "/account").want(http.StatusServiceUnavailable)
	got.says("[role=alert] p", "The server cannot reach its database. Nothing was changed. Try again in a few seconds.")
	if got.header("Retry-After", "5").find("#username").AttrOr("value", "") != "ada" || len(got.Cookies()) > 0 {
		t.Error("the name is gone, or a cookie came")
	}
	for _, path := range []string{join, "/account/password", "/account/sessions/x/end", "/account/sessions/end-others"} {
		b.post(path, "username", "eve", "current", good, "password", other).wantOutage()
	}
	back()
	if s.state(t) != before {
		t.Error("something changed")
	}
	s.browser(t).post(join, "username", "eve", "password", other).want(http.StatusSeeOther)
}

// Sign-out during an outage, however long it has lasted: the cookie is cleared
// and refused here at once; the end is written when the database is back.
func TestSignOutDuringAnOutage(t *testing.T) {
	for name, lasted := range map[string]time.Duration{"from the cache": 0, "of 11 s": 11 * time.Second, "of an hour": time.Hour} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.add(t, "ada", account.Owner)
			b := s.signedIn(t, "ada")
			b.get("/").want(http.StatusOK)
			old, back := b.clone(), s.away(t)
			s.clock.move(lasted)
			got := b.post("/logout").want(http.StatusServiceUnavailable).header("Retry-After", "5")
			got.says("h1", "Signed out, not yet written down").wantPage()
			if c := got.cookie("glassjar"); c == nil || c.MaxAge >= 0 || c.Value != "" || len(got.Cookies()) != 1 {
				t.Errorf("got the cookies %q, want ours cleared", got.Header.Values("Set-Cookie"))
			}
			old.get("/account").want(http.StatusSeeOther)
			old.post("/logout").want(http.StatusSeeOther, "/")
			back()
			old.get("/account").want(http.StatusSeeOther)
			if n := len(s.texts(t, `SELECT sid FROM sessions WHERE ended_at = 0`)); n != 0 {
				t.Errorf("%d sessions live after the database came back, want none", n)
			}
			if n := len(s.texts(t, `SELECT event FROM audit WHERE event = 'session.ended'`)); n != 1 {
				t.Errorf("%d ends are recorded, want one", n)
			}
		})
	}
}

// A cookie that nobody signed signs nobody out during an outage.
func TestSignOutDuringAnOutageNeedsACookieOfOurs(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	live := s.signedIn(t, "ada")
	back := s.away(t)
	s.clock.move(time.Hour)
	s.browser(t).send("/logout", "", "Cookie", live.cookie("glassjar")+"A").want(http.StatusSeeOther, "/")
	s.browser(t).post("/logout").want(http.StatusSeeOther, "/")
	back()
	live.get("/account").want(http.StatusOK)
}

var errUndone = errors.New("undone")

// Attack fault/lock: a database that another process locks: 503 within 5 s, and live
// sessions go on meanwhile.
func TestALockedDatabase(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	b := s.signedIn(t, "ada")
	old := b.clone()
	held, release, ended := make(chan bool), make(chan bool), make(chan error)
	go func() {
		ended <- dbtest.OpenAt(t, s.dbPath).Tx(context.Background(), func(*db.Tx) error {
			close(held)
			<-release
			return errUndone
		})
	}()
	<-held
	out := make(chan *answer)
	go func() { out <- b.clone().post("/logout") }()
	began := time.Now()
	got := s.browser(t).signIn("ada", good).want(http.StatusServiceUnavailable).header("Retry-After", "5")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if !strings.HasPrefix(got.text("[role=alert] p"), "The server cannot reach its database.") {
		t.Error("the form does not say why")
	}
	(<-out).want(http.StatusServiceUnavailable).says("h1", "Signed out, not yet written down")
	old.get("/account").want(http.StatusSeeOther)
	s.browser(t).get("/readyz").want(http.StatusOK) // it can be read
	close(release)
	if err := <-ended; !errors.Is(err, errUndone) {
		t.Fatal(err)
	}
	s.signedIn(t, "ada").get("/account").want(http.StatusOK)
}
