package handlers_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/db/dbtest"
)

// away makes the database unavailable, and returns a function that makes it available again.
func away(t *testing.T, s *webtest.Site) (back func()) {
	t.Helper()
	if err := os.Rename(s.DbPath, s.DbPath+".away"); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.Rename(s.DbPath+".away", s.DbPath); err != nil {
			t.Fatal(err)
		}
		if err := s.Sessions.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// Attack fault/database-away: without its database the site accepts live sessions for 10
// s, then answers 503, and never guesses. It recovers without a restart.
func TestOutage(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Write(t, "notes.txt", "notes")
	b := s.SignedIn(t, "ada")
	b.Get("/").Want(http.StatusOK)
	cold := s.SignedIn(t, "ada") // its session is not in the cache
	back := away(t, s)

	b.Get("/").Want(http.StatusOK).Says("h1", "Hello, ada")
	s.Clock.Move(10*time.Second - time.Millisecond)
	b.Get("/pages/notes.txt").Want(http.StatusOK)
	wantOutage(b.Get("/account")) // this page reads the database
	wantOutage(cold.Get("/"))
	s.Browser(t).Get("/").Want(http.StatusOK).Says("h1", "Sign in") // this page needs no database
	s.Browser(t).Get("/nowhere").Want(http.StatusNotFound)
	s.Browser(t).Get("/healthz").Want(http.StatusOK)

	s.Clock.Move(time.Millisecond)
	for _, path := range []string{"/", "/auth", "/account", "/logout", "/pages/notes.txt", "/join/x", "/reset/x", "/readyz"} {
		wantOutage(b.Get(path))
	}
	wantOutage(s.Browser(t).Get("/readyz"))
	b.Get("/healthz").Want(http.StatusOK)

	back()
	b.Get("/").Want(http.StatusOK)
	cold.Get("/").Want(http.StatusOK)
	b.Get("/readyz").Want(http.StatusOK)
}

// wantOutage fails the test unless the response says that the database is unavailable.
func wantOutage(a *webtest.Answer) {
	a.T.Helper()
	a.Want(http.StatusServiceUnavailable).WantHeader("Retry-After", "5").Says("h1", "Not now")
	a.WantHeaders(webtest.HeadersOf{})
	a.WantPage()
}

// /readyz fails too if the cache is not kept up to date.
func TestReadyWithoutPolls(t *testing.T) {
	s := webtest.New(t)
	s.Clock.Move(10 * time.Second)
	wantOutage(s.Browser(t).Get("/readyz"))
}

// Input during an outage is kept in the form, except for passwords, and nothing is done
// in part.
func TestFormsDuringAnOutage(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	b.Get("/").Want(http.StatusOK)
	join := s.Link(t, account.Member)
	before, back := s.State(t), away(t, s)
	got := s.Browser(t).Post("/auth", "username", "ada", "password", webtest.Good, "next", "/account").Want(http.StatusServiceUnavailable)
	got.Says("[role=alert] p", "The server cannot reach its database. Nothing was changed. Try again in a few seconds.")
	if got.WantHeader("Retry-After", "5").Find("#username").AttrOr("value", "") != "ada" || len(got.Cookies()) > 0 {
		t.Error("the name is gone, or a cookie came")
	}
	got = b.Post("/account/password", "current", webtest.Good, "password", webtest.Other).Want(http.StatusServiceUnavailable)
	got.WantHeader("Retry-After", "5").Says("[role=alert] p", "The server cannot reach its database. Nothing was changed. Try again in a few seconds.").WantPage()
	for _, path := range []string{join, "/account/app-passwords", "/account/sessions/x/end", "/account/sessions/end-others"} {
		wantOutage(b.Post(path, "username", "eve", "current", webtest.Good, "password", webtest.Other))
	}
	back()
	if s.State(t) != before {
		t.Error("something changed")
	}
	s.Browser(t).Post(join, "username", "eve", "password", webtest.Other).Want(http.StatusSeeOther)
}

// A sign-out during an outage clears the cookie, which this server then refuses, however
// long the outage lasts; the end is written when the database is available again.
func TestSignOutDuringAnOutage(t *testing.T) {
	for name, lasted := range map[string]time.Duration{"from the cache": 0, "of 11 s": 11 * time.Second, "of an hour": time.Hour} {
		t.Run(name, func(t *testing.T) {
			s := webtest.New(t)
			s.Add(t, "ada", account.Owner)
			b := s.SignedIn(t, "ada")
			b.Get("/").Want(http.StatusOK)
			old, back := b.Clone(), away(t, s)
			s.Clock.Move(lasted)
			got := b.Post("/logout").Want(http.StatusServiceUnavailable).WantHeader("Retry-After", "5")
			got.Says("h1", "Signed out, not yet written down").WantPage()
			if c := got.Cookie("glassjar"); c == nil || c.MaxAge >= 0 || c.Value != "" || len(got.Cookies()) != 1 {
				t.Errorf("got the cookies %q, want ours cleared", got.Header.Values("Set-Cookie"))
			}
			old.Get("/account").Want(http.StatusSeeOther)
			old.Post("/logout").Want(http.StatusSeeOther, "/")
			back()
			old.Get("/account").Want(http.StatusSeeOther)
			if n := len(s.Texts(t, `SELECT sid FROM sessions WHERE ended_at = 0`)); n != 0 {
				t.Errorf("%d sessions live after the database came back, want none", n)
			}
			if n := len(s.Texts(t, `SELECT event FROM audit WHERE event = 'session.ended'`)); n != 1 {
				t.Errorf("%d ends are recorded, want one", n)
			}
		})
	}
}

// A cookie that the site did not sign signs nobody out during an outage.
func TestSignOutDuringAnOutageNeedsACookieOfOurs(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	live := s.SignedIn(t, "ada")
	back := away(t, s)
	s.Clock.Move(time.Hour)
	s.Browser(t).Send("/logout", "", "Cookie", cookie(live, "glassjar")+"A").Want(http.StatusSeeOther, "/")
	s.Browser(t).Post("/logout").Want(http.StatusSeeOther, "/")
	back()
	live.Get("/account").Want(http.StatusOK)
}

// Attack fault/lock: if another process locks the database, the answer is 503 within 5 s,
// and live sessions work meanwhile.
func TestALockedDatabase(t *testing.T) {
	t.Parallel()
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	old := b.Clone()
	unlock := dbtest.Lock(t, s.DbPath)
	out := make(chan *webtest.Answer)
	go func() { out <- b.Clone().Post("/logout") }()
	began := time.Now()
	got := s.Browser(t).SignIn("ada", webtest.Good).Want(http.StatusServiceUnavailable).WantHeader("Retry-After", "5")
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	if !strings.HasPrefix(got.Text("[role=alert] p"), "The server cannot reach its database.") {
		t.Error("the form does not say why")
	}
	(<-out).Want(http.StatusServiceUnavailable).Says("h1", "Signed out, not yet written down")
	old.Get("/account").Want(http.StatusSeeOther)
	s.Browser(t).Get("/readyz").Want(http.StatusOK) // the database can still be read
	unlock()
	s.SignedIn(t, "ada").Get("/account").Want(http.StatusOK)
}
