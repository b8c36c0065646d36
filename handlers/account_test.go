package handlers_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
)

// Attack cookie/replay: a new password ends every other session and the old cookie of
// this one, which goes on under a new sid, remembered if it was.
func TestChangePassword(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	elsewhere, here := s.signedIn(t, "ada"), s.browser(t)
	here.post("/auth", "username", "ada", "password", good, "remember", "1").want(http.StatusSeeOther)
	old := here.clone()
	got := here.post("/account/password", "current", good, "password", other).want(http.StatusSeeOther, "/account?done=password")
	wantCookie(t, got.cookie("glassjar"), 720*time.Hour, false)
	here.get("/account?done=password").want(http.StatusOK).
		says("[role=status]", "Your password is changed. You were signed out everywhere else.")
	old.get("/account").want(http.StatusSeeOther)
	elsewhere.get("/account").want(http.StatusSeeOther)
	if sids := s.texts(t, `SELECT sid FROM sessions WHERE ended_at = 0`); len(sids) != 1 {
		t.Errorf("%d sessions live, want one", len(sids))
	}
	s.browser(t).signIn("ada", good).want(http.StatusUnprocessableEntity)
	s.browser(t).signIn("ada", other).want(http.StatusSeeOther)
}

func TestAPasswordThatIsNotTaken(t *testing.T) {
	s := newSite(t)
	s.add(t, "longname", account.Owner)
	b := s.signedIn(t, "longname")
	before := s.texts(t, `SELECT password || epoch FROM accounts`)[0]
	for _, row := range []struct {
		name, current, password, problem string
	}{
		{"the current one is wrong", other, "another good password", "The current password is not right."},
		{"14 characters", good, "fourteen bytes", "That password is too short: it must have at least 15 characters."},
		{"empty", good, "", "That password is too short: it must have at least 15 characters."},
		{"1,025 bytes", good, strings.Repeat("x y ", 256) + "z", "That password is too long: it may have at most 1,024 bytes."},
		{"a control character", good, "a jar of \x07 oat cookies", "That password holds a character that cannot be used."},
		{"five characters of three bytes", good, "水火木金土", "That password is too short: it must have at least 15 characters."},
		{"common", good, "passwordpassword", "That password is on the lists that attackers try first, or is such a word with digits and signs around it. Choose another."},
		{"common with a tail", good, "Password123456!", "That password is on the lists that attackers try first, or is such a word with digits and signs around it. Choose another."},
		{"the site's name in it", good, "we are at jar.example", "That password holds the name of this site. Choose another."},
		{"the username in it", good, "i am LongName and fine", "That password holds your username. Choose another."},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := b.post("/account/password", "current", row.current, "password", row.password).want(http.StatusUnprocessableEntity)
			got.says("[role=alert] p", row.problem)
			got.wantPage()
			if strings.Contains(got.body, row.current) || row.password != "" && strings.Contains(got.body, row.password) {
				t.Error("a password came back")
			}
			if len(got.rows("devices")) == 0 {
				t.Error("the rest of the page is gone")
			}
		})
	}
	if now := s.texts(t, `SELECT password || epoch FROM accounts`)[0]; now != before {
		t.Error("the account changed")
	}
	b.get("/account").want(http.StatusOK)
}

// Attack guessing/open-browser: whoever found a browser open does not guess the password in it.
func TestGuessingTheCurrentPasswordIsSlowed(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	b := s.signedIn(t, "ada") // a known device: ten an hour
	for range 11 {
		b.post("/account/password", "current", other, "password", "another good password").want(http.StatusUnprocessableEntity)
	}
	got := b.post("/account/password", "current", good, "password", "another good password").want(http.StatusTooManyRequests)
	got.header("Retry-After", "1").says("[role=alert] p", "Too many sign-ins. Wait 1 s, then try again.")
	if n := len(s.log.lines(`msg="sign-in failed" event=signin.failed`)); n != 11 {
		t.Errorf("the log tells of %d failures, want 11", n)
	}
}

// An account that is disabled while its password is being changed: 409, and
// the words for it.
func TestAnAccountThatChangesAtTheSameMoment(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	s.add(t, "bob", account.Member)
	b := s.signedIn(t, "bob")
	b.get("/").want(http.StatusOK) // the session is in the cache, and stays there
	s.exec(t, `UPDATE accounts SET disabled_at = 1 WHERE username = 'bob'`)
	got := b.post("/account/password", "current", good, "password", other).want(http.StatusConflict)
	got.says("h1", "Please sign in again").wantPage()
}
