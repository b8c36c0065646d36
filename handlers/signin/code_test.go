package signin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/factor"
)

const (
	wrongCode = "That code is not right. Codes change every 30 seconds; check that your phone sets its clock by itself."
	usedCode  = "That code was used already. Wait for the next."
)

// withApp returns a site where ada has an authenticator app.
func withApp(t *testing.T, change ...func(*handlers.Config)) (*webtest.Site, webtest.App) {
	t.Helper()
	s := webtest.New(t, change...)
	s.Add(t, "ada", account.Owner)
	return s, s.AddApp(t, "ada")
}

func TestSignInWithACode(t *testing.T) {
	s, app := withApp(t, webtest.Secure)
	b := s.Browser(t)
	got := b.Post("/auth", "username", "ada", "password", webtest.Good, "next", "/account?x=1", "remember", "1").Want(http.StatusSeeOther, "/auth/code")
	webtest.WantCookie(t, got.Cookie("__Host-glassjar-pending"), factor.PendingLife, true)
	if got.Cookie("__Host-glassjar") != nil || got.Cookie("__Host-glassjar-device") != nil {
		t.Error("the password alone gave a session, or made a known device")
	}
	form := b.Get("/auth/code").Want(http.StatusOK).Says("h1", "One more step, ada")
	form.WantPage()
	got = b.Post("/auth/code", "code", app.Code(t), "next", form.Find("[name=next]").AttrOr("value", ""), "mark", form.Find("[name=mark]").AttrOr("value", "")).
		Want(http.StatusSeeOther, "/account?x=1")
	webtest.WantCookie(t, got.Cookie("__Host-glassjar"), 720*time.Hour, true)
	if c := got.Cookie("__Host-glassjar-pending"); c == nil || c.MaxAge >= 0 || got.Cookie("__Host-glassjar-device") == nil {
		t.Errorf("the cookies are %v", got.Cookies())
	}
	b.Get("/account").Want(http.StatusOK)
	if got := s.Texts(t, `SELECT amr || level FROM sessions WHERE ended_at = 0`); len(got) != 1 || got[0] != "otp pwd2" {
		t.Errorf("the sessions are %q, want one of level 2", got)
	}
	if n := len(s.Texts(t, `SELECT code_hash FROM pending_signins`)); n != 0 {
		t.Errorf("%d pending sign-ins are left", n)
	}
	if log := s.Log.Lines("event=signin."); len(log) != 2 || !strings.Contains(log[0], "signin.pending") || !strings.Contains(log[1], "signin.ok") {
		t.Errorf("the log says %q", log)
	}
}

// Attack factors/code: codes that are refused, and the texts for them.
func TestCodesThatAreNotTaken(t *testing.T) {
	s, app := withApp(t)
	b := s.Browser(t)
	b.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	code := app.Code(t)
	for _, row := range []struct{ name, code, says string }{
		{"five digits", code[:5], "A code is six digits, or a recovery code of 24 letters and digits."},
		{"nothing", "", "A code is six digits, or a recovery code of 24 letters and digits."},
		{"10,000 digits", strings.Repeat("1", 10_000), "A code is six digits, or a recovery code of 24 letters and digits."},
		{"wrong", app.Wrong(t), wrongCode},
		{"a recovery code of nobody's", "0000-0000-0000-0000-0000-0000", "That recovery code is not right. Check each letter and digit, or take another one."},
	} {
		got := b.Post("/auth/code", "code", row.code).Want(http.StatusUnprocessableEntity).Says("[role=alert] p", row.says).Says("h1", "One more step, ada")
		got.WantPage()
		if len(row.code) > 5 && len(row.code) < 100 && strings.Contains(got.Body, `"`+row.code+`"`) {
			t.Errorf("%s: the code came back", row.name)
		}
	}
	b.Post("/auth/code", "code", " "+code[:3]+" "+code[3:]).Want(http.StatusSeeOther, "/")
	again := s.Browser(t)
	again.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	again.Post("/auth/code", "code", code).Want(http.StatusUnprocessableEntity).Says("[role=alert] p", usedCode)
	wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
	again.Post("/auth/code", "code", wide).Want(http.StatusUnprocessableEntity).Says("[role=alert] p", usedCode)
}

// A recovery code signs in once, and leads to the page that says how many are left.
func TestSignInWithARecoveryCode(t *testing.T) {
	s, app := withApp(t)
	b := s.Browser(t)
	b.Post("/auth", "username", "ada", "password", webtest.Good, "next", "/account").Want(http.StatusSeeOther, "/auth/code")
	b.Get("/auth/code?with=recovery").Want(http.StatusOK).Says("label", "Recovery code").WantPage()
	b.Post("/auth/code", "code", strings.ToUpper(strings.ReplaceAll(app.Recovery[3], "-", " ")), "next", "/account").
		Want(http.StatusSeeOther, "/account/recovery?next=%2Faccount&used=1")
	left := b.Get("/account/recovery?next=%2Faccount&used=1").Want(http.StatusOK).Says("h2", "7 of 8 are left")
	if to := left.Find("form a").AttrOr("href", ""); to != "/auth?next=%2Faccount" {
		t.Errorf("it leads on to %q", to)
	}
	b.Get("/account").Want(http.StatusOK)
	again := s.Browser(t)
	again.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	again.Post("/auth/code", "code", app.Recovery[3]).Want(http.StatusUnprocessableEntity).Says("[role=alert] p", "That recovery code was used already. Take another one.")
	if got := s.Texts(t, `SELECT detail FROM audit WHERE event = 'recovery.used' AND actor = 'ada'`); len(got) != 1 || got[0] != "7 left" {
		t.Errorf("the audit log says %q", got)
	}
}

// A lock refuses changes, and not the person whose phone was stolen.
func TestARecoveryCodeOfALockedAccount(t *testing.T) {
	s, app := withApp(t)
	s.Lock(t, "ada")
	b := s.Browser(t)
	b.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	b.Post("/auth/code", "code", app.Recovery[0]).Want(http.StatusSeeOther)
	b.Get("/account").Want(http.StatusOK)
}

// Attack factors/pending: without a valid pending sign-in, the sign-in starts again.
func TestCodeWithoutAPendingSignIn(t *testing.T) {
	s, app := withApp(t)
	gone := map[string]func(*webtest.Browser){
		"none":         func(b *webtest.Browser) { b.Jar = s.Browser(t).Jar },
		"forged":       func(b *webtest.Browser) { b.Jar = s.Browser(t).Jar; b.Header.Set("Cookie", "glassjar-pending=x") },
		"over":         func(*webtest.Browser) { s.Clock.Move(factor.PendingLife) },
		"a change":     func(*webtest.Browser) { setPassword(t, s) },
		"disabled":     func(*webtest.Browser) { disable(t, s) },
		"other factor": func(*webtest.Browser) { clearFactors(t, s) },
	}
	for _, name := range []string{"none", "forged", "over", "a change", "disabled", "other factor"} {
		b := s.Browser(t)
		b.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
		gone[name](b)
		b.Get("/auth/code?next=/account").Want(http.StatusSeeOther, "/?next=%2Faccount")
		b.Get("/auth/code?next=//evil.example").Want(http.StatusSeeOther, "/")
		if got := b.Post("/auth/code", "code", app.Code(t), "next", "/account").Want(http.StatusSeeOther, "/?next=%2Faccount"); got.Cookie("glassjar") != nil {
			t.Errorf("%s: it is signed in", name)
		}
	}
}

func setPassword(t *testing.T, s *webtest.Site) {
	t.Helper()
	if err := s.Accounts.SetPassword(t.Context(), "ada", webtest.Good, audit.Command()); err != nil {
		t.Fatal(err)
	}
}

func disable(t *testing.T, s *webtest.Site) {
	t.Helper()
	s.Add(t, "eve", account.Owner)
	s.Disable(t, "ada")
	if err := s.Accounts.Enable(t.Context(), "ada", audit.Command()); err != nil {
		t.Fatal(err)
	}
}

func clearFactors(t *testing.T, s *webtest.Site) {
	t.Helper()
	a, err := s.Accounts.Find(t.Context(), "ada")
	if err == nil {
		err = s.Settings.Factors.Clear(t.Context(), a.Identity, audit.Command())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Of two tabs, the newer pending sign-in counts; the form of the older one says to start
// again.
func TestTwoPendingSignIns(t *testing.T) {
	s, app := withApp(t)
	s.Add(t, "bob", account.Member)
	bobs := s.AddApp(t, "bob")
	b := s.Browser(t)
	b.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	older := b.Get("/auth/code").Find("[name=mark]").AttrOr("value", "")
	b.SignIn("bob", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	got := b.Post("/auth/code", "code", app.Code(t), "next", "/account", "mark", older).Want(http.StatusUnprocessableEntity)
	got.Says("[role=alert] p", "You began another sign-in in this browser after this one. Start again.").Says("h1", "Sign in").WantPage()
	if n := len(s.Texts(t, `SELECT code_hash FROM pending_signins`)); n != 1 {
		t.Errorf("%d pending sign-ins, want the newest", n)
	}
	b.Post("/auth/code", "code", bobs.Code(t)).Want(http.StatusSeeOther, "/")
	b.Get("/").Says("h1", "Hello, bob")
}

// Attack factors/flood: after five wrong codes the password is needed again. After twenty
// within a day only a recovery code is accepted, in every browser.
func TestGuessingCodesIsStopped(t *testing.T) {
	s, app := withApp(t)
	guess := func(n int) *webtest.Browser {
		b := s.Browser(t)
		b.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
		for range n {
			b.Post("/auth/code", "code", app.Wrong(t)).Want(http.StatusUnprocessableEntity)
		}
		return b
	}
	for range 4 {
		guess(5).Post("/auth/code", "code", app.Code(t)).Want(http.StatusSeeOther, "/")
	}
	b := guess(0)
	got := b.Post("/auth/code", "code", app.Code(t)).Want(http.StatusTooManyRequests)
	if got.Header.Get("Retry-After") == "" || !strings.Contains(got.Text("[role=alert] p"), "Too many wrong codes. Use a recovery code if you have one left, or wait 1 day.") {
		t.Errorf("it says %q, %v", got.Text("[role=alert] p"), got.Header)
	}
	b.Post("/auth/code", "code", app.Recovery[0]).Want(http.StatusSeeOther)
	if n := len(s.Log.Lines(`msg="sign-in failed" event=signin.failed`)); n != 20 { // as fail2ban looks for them
		t.Errorf("the log has %d wrong codes, want 20", n)
	}
	if lines := s.Log.Lines(`msg="sign-in throttled" event=signin.throttled`); len(lines) != 1 || !strings.Contains(lines[0], `reason="too many wrong codes"`) {
		t.Errorf("the log says %q", lines)
	}
}

// Attack factors/by-the-way: a reset link, a new password and the command for one do not
// skip the second factor.
func TestNothingSkipsTheSecondFactor(t *testing.T) {
	s, app := withApp(t)
	b := s.Browser(t)
	got := b.Post(s.Link(t, "ada"), "password", webtest.Other).Want(http.StatusSeeOther, "/auth?other=1&done=password")
	if len(got.Cookies()) > 0 {
		t.Errorf("it sets %v", got.Cookies())
	}
	b.Get("/auth?other=1&done=password").Want(http.StatusOK).Says("#done p", "The password is changed, and the account is signed out everywhere. Sign in with the new one: the second factor is asked for as before.").WantPage()
	b.Get("/account").Want(http.StatusSeeOther)
	b.SignIn("ada", webtest.Other).Want(http.StatusSeeOther, "/auth/code")
	b.Post("/auth/code", "code", app.Code(t)).Want(http.StatusSeeOther, "/")
	if err := s.Accounts.SetPassword(t.Context(), "ada", webtest.Other+"!", audit.Command()); err != nil {
		t.Fatal(err)
	}
	b.Get("/account").Want(http.StatusSeeOther)
	b.SignIn("ada", webtest.Other+"!").Want(http.StatusSeeOther, "/auth/code")
	if err := s.Accounts.SetPassword(t.Context(), "ada", webtest.Other, audit.Command()); err != nil {
		t.Fatal(err)
	}
	s.Clock.Move(30 * time.Second)
	b.SignIn("ada", webtest.Other).Want(http.StatusSeeOther, "/auth/code")
	b.Post("/auth/code", "code", app.Code(t)).Want(http.StatusSeeOther, "/")
	s.Clock.Move(time.Hour) // the proof has expired

	b.Post("/account/password", "current", webtest.Other, "password", webtest.Good).Want(http.StatusSeeOther, "/account?done=password")
	b.Get("/account").Want(http.StatusOK)
	b.Get("/account/delete").Want(http.StatusSeeOther, "/account/prove?next=%2Faccount%2Fdelete") // the password alone is not a proof
	if got := s.Texts(t, `SELECT level || amr FROM sessions WHERE ended_at = 0`); len(got) != 1 || got[0] != "2otp pwd" {
		t.Errorf("the sessions are %q", got)
	}
	s.Exec(t, `UPDATE sessions SET level = 1, amr = 'pwd'`) // a session from before the factor was added
	s.Sessions.Invalidate(s.Texts(t, `SELECT sid FROM sessions`)...)
	b.Post("/account/password", "current", webtest.Good, "password", webtest.Other).Want(http.StatusSeeOther, "/auth?done=password")
	b.Get("/account").Want(http.StatusSeeOther, "/?next=%2Faccount")
	if n := len(s.Texts(t, `SELECT sid FROM sessions WHERE ended_at = 0`)); n != 0 {
		t.Errorf("%d sessions are live", n)
	}
}

// A proof needs the password and the code together.
func TestAProofWithACode(t *testing.T) {
	s, app := withApp(t)
	b := s.Browser(t)
	b.SignInWith(app, "ada")
	s.Clock.Move(time.Hour)
	b.Get("/account/prove?next=/account/delete").Want(http.StatusOK).Says("label[for=code]", "Code from your authenticator app").WantPage()
	code := app.Code(t)
	b.Post("/account/prove", "password", webtest.Good).Want(http.StatusUnprocessableEntity)
	b.Post("/account/prove", "password", webtest.Good, "code", app.Wrong(t)).Want(http.StatusUnprocessableEntity).Says("[role=alert] p", wrongCode)
	b.Post("/account/prove", "password", webtest.Other, "code", code).Want(http.StatusUnprocessableEntity).
		Says("[role=alert] p", "The password is not right. Check it, then try again.")
	b.Get("/account/delete").Want(http.StatusSeeOther)
	b.Post("/account/prove", "password", webtest.Good, "code", code, "next", "/account/delete").Want(http.StatusSeeOther, "/account/delete")
	b.Get("/account/delete").Want(http.StatusOK)
	b.Post("/account/prove", "password", webtest.Good, "code", code).Want(http.StatusUnprocessableEntity).Says("[role=alert] p", usedCode)
}

// A session from before the factor was added can reach level 2 where a page demands it.
func TestStepUpWithACode(t *testing.T) {
	s, app := withApp(t)
	b := s.Browser(t)
	b.SignInWith(app, "ada")
	s.Exec(t, `UPDATE sessions SET level = 1, amr = 'pwd'`)
	s.Sessions.Invalidate(s.Texts(t, `SELECT sid FROM sessions`)...)
	b.Get("/auth/step-up?next=/account").Want(http.StatusOK).Says("label[for=code]", "Code from your authenticator app").WantPage()
	b.Post("/account/prove", "password", webtest.Good, "code", app.Code(t), "next", "/account").Want(http.StatusSeeOther, "/account")
	b.Get("/auth/step-up?next=/account").Want(http.StatusSeeOther, "/account")
}
