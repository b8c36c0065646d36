package self_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// Attack cookie/replay: a new password ends every other session and this session's old
// cookie. This session continues with a new sid, remembered if it was.
func TestChangePassword(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	elsewhere, here := s.SignedIn(t, "ada"), s.Browser(t)
	here.Post("/auth", "username", "ada", "password", webtest.Good, "remember", "1").Want(http.StatusSeeOther)
	old := here.Clone()
	got := here.Post("/account/password", "current", webtest.Good, "password", webtest.Other).Want(http.StatusSeeOther, "/account?done=password")
	webtest.WantCookie(t, got.Cookie("glassjar"), 720*time.Hour, false)
	here.Get("/account?done=password").Want(http.StatusOK).
		Says("[role=status]", "Your password is changed. You were signed out everywhere else.")
	old.Get("/account").Want(http.StatusSeeOther)
	elsewhere.Get("/account").Want(http.StatusSeeOther)
	if sids := s.Texts(t, `SELECT sid FROM sessions WHERE ended_at = 0`); len(sids) != 1 {
		t.Errorf("%d sessions live, want one", len(sids))
	}
	s.Browser(t).SignIn("ada", webtest.Good).Want(http.StatusUnprocessableEntity)
	s.Browser(t).SignIn("ada", webtest.Other).Want(http.StatusSeeOther)
}

func TestAPasswordThatIsNotTaken(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "longname", account.Owner)
	b := s.SignedIn(t, "longname")
	before := s.Texts(t, `SELECT password || epoch FROM accounts`)[0]
	for _, row := range []struct {
		name, current, password, problem string
	}{
		{"the current one is wrong", webtest.Other, "another good password", "The current password is not right."},
		{"14 characters", webtest.Good, "fourteen bytes", "That password is too short: it must have at least 15 characters."},
		{"empty", webtest.Good, "", "That password is too short: it must have at least 15 characters."},
		{"1,025 bytes", webtest.Good, strings.Repeat("x y ", 256) + "z", "That password is too long: it may have at most 1,024 bytes."},
		{"a control character", webtest.Good, "a jar of \x07 oat cookies", "That password contains a character that cannot be used. Choose another."},
		{"five characters of three bytes", webtest.Good, "水火木金土", "That password is too short: it must have at least 15 characters."},
		{"common", webtest.Good, "passwordpassword", "That password is on the lists that attackers try first, or is such a word with digits and signs around it. Choose another."},
		{"common with a tail", webtest.Good, "Password123456!", "That password is on the lists that attackers try first, or is such a word with digits and signs around it. Choose another."},
		{"the site's name in it", webtest.Good, "we are at jar.example", "That password contains the name of this site. Choose another."},
		{"the username in it", webtest.Good, "i am LongName and fine", "That password contains your username. Choose another."},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := b.Post("/account/password", "current", row.current, "password", row.password).Want(http.StatusUnprocessableEntity)
			got.Says("[role=alert] p", row.problem)
			got.WantPage()
			if strings.Contains(got.Body, row.current) || row.password != "" && strings.Contains(got.Body, row.password) {
				t.Error("a password came back")
			}
			if got.Find("form[action='/account/password']").Length() != 1 {
				t.Error("the form is gone")
			}
		})
	}
	if now := s.Texts(t, `SELECT password || epoch FROM accounts`)[0]; now != before {
		t.Error("the account changed")
	}
	b.Get("/account").Want(http.StatusOK)
}

// Attack guessing/open-browser: somebody who finds a browser signed in cannot guess the
// password.
func TestGuessingTheCurrentPasswordIsSlowed(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada") // a known device: ten failures an hour
	for range 11 {
		b.Post("/account/password", "current", webtest.Other, "password", "another good password").Want(http.StatusUnprocessableEntity)
	}
	got := b.Post("/account/password", "current", webtest.Good, "password", "another good password").Want(http.StatusTooManyRequests)
	got.WantHeader("Retry-After", "1").Says("[role=alert] p", "Too many sign-ins. Wait 1 s, then try again.")
	if n := len(s.Log.Lines(`msg="sign-in failed" event=signin.failed`)); n != 11 {
		t.Errorf("the log tells of %d failures, want 11", n)
	}
}

// If the account is disabled while its password is being changed, the answer is 409 with an
// explanation.
func TestAnAccountThatChangesAtTheSameMoment(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	b := s.SignedIn(t, "bob")
	b.Get("/").Want(http.StatusOK) // puts the session into the cache
	s.Exec(t, `UPDATE accounts SET disabled_at = 1 WHERE username = 'bob'`)
	got := b.Post("/account/password", "current", webtest.Good, "password", webtest.Other).Want(http.StatusConflict)
	got.Says("h1", "Please sign in again").WantPage()
}
