package signin_test

import (
	"net/http"
	"testing"

	"glassjar/handlers/webtest"
)

// Attack cookie/tossed: a cookie of the same name from a host beside this one keeps nobody
// from their second step. Where both belong to a pending sign-in, none is taken.
func TestSeveralPendingCookies(t *testing.T) {
	s, app := withApp(t)
	b := s.Browser(t)
	b.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	other := s.Browser(t)
	other.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	b.Header.Set("Cookie", "glassjar-pending="+other.Holds("http://jar.example", "glassjar-pending"))
	b.Get("/auth/code").Want(http.StatusSeeOther, "/")
	b.Header.Set("Cookie", "glassjar-pending=tossed; glassjar-pending=again")
	b.Get("/auth/code").Want(http.StatusOK)
	b.Post("/auth/code", "code", app.Code(t)).Want(http.StatusSeeOther, "/")
	b.Get("/account").Want(http.StatusOK)
}

// The fifth wrong code ends the sign-in, and the page says so.
func TestTheFifthWrongCode(t *testing.T) {
	s, app := withApp(t)
	b := s.Browser(t)
	b.Post("/auth", "username", "ada", "password", webtest.Good, "next", "/account/events").Want(http.StatusSeeOther, "/auth/code")
	for range 4 {
		b.Post("/auth/code", "code", app.Wrong(t)).Want(http.StatusUnprocessableEntity).Says("[role=alert] p", wrongCode)
	}
	got := b.Post("/auth/code", "code", app.Wrong(t)).Want(http.StatusUnprocessableEntity).
		Says("[role=alert] p", "That was the fifth wrong code. Start again with your password.").Says("h1", "Sign in")
	got.WantPage()
	if next, name := got.Find("#sign-in [name=next]").AttrOr("value", ""), got.Find("#username").AttrOr("value", ""); next != "/account/events" || name != "ada" {
		t.Errorf("it leads to %q, and the name is %q", next, name)
	}
	if c := got.Cookie("glassjar-pending"); c == nil || c.MaxAge >= 0 {
		t.Errorf("the cookie of the pending sign-in is now %v", c)
	}
}

// Who comes back without a pending sign-in hears why.
func TestWhyTheSecondStepIsOver(t *testing.T) {
	s, _ := withApp(t)
	blocked := s.Browser(t)
	blocked.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	blocked.Jar = s.Browser(t).Jar
	blocked.Get("/").Want(http.StatusOK).Says("#problem p", "")
	to := blocked.Get("/auth/code").Want(http.StatusSeeOther, "/")
	blocked.Get(to.Header.Get("Location")).Want(http.StatusOK).Says("#problem p", "If you signed in just now, your browser did not keep the cookie: allow cookies for this site, then sign in again.").WantPage()
	late := s.Stranger(t, "192.0.2.9")
	late.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	setPassword(t, s)
	late.Get("/auth/code").Want(http.StatusSeeOther, "/")
	late.Get("/").Want(http.StatusOK).Says("#problem p", "If you were giving your second factor just now: that sign-in is over. It took more than 10 minutes, five codes were wrong, newer sign-ins took its place, or the account was changed. Sign in again.")
	s.Stranger(t, "192.0.2.10").Get("/auth/code").Want(http.StatusSeeOther, "/")
	s.Stranger(t, "192.0.2.10").Get("/").Want(http.StatusOK).Says("#problem p", "")
}
