package handlers_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// Attack cookie/many-sign-ins: an account may sign in 120 times an hour, also from a
// known device; people who are signed in can still prove who they are.
func TestSignInsOfAnAccountAreLimited(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	b := s.Browser(t)
	for range 120 {
		b.SignIn("ada", webtest.Good).Want(http.StatusSeeOther)
		s.Clock.Move(time.Second)
	}
	const words = "Too many sign-ins. Wait 58 minutes, then try again."
	for _, from := range []*webtest.Browser{b, s.Browser(t)} {
		got := from.Clone().SignIn("ada", webtest.Good).Want(http.StatusTooManyRequests).Says("[role=alert] p", words)
		got.WantHeader("Retry-After", fmt.Sprint(3600-120)).WantPage()
	}
	s.Browser(t).SignIn("bob", webtest.Good).Want(http.StatusSeeOther)
	b.Post("/account/password", "current", webtest.Good, "password", webtest.Other).Want(http.StatusSeeOther)
	s.Clock.Move(time.Hour)
	b.SignIn("ada", webtest.Other).Want(http.StatusSeeOther)
}

// Attack factors/only-the-password: whoever has only the password of an account with a second
// factor uses up none of the person's sign-ins, and is slowed.
func TestWhoHasOnlyThePasswordLocksNobodyOut(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	app := s.AddApp(t, "ada")
	thief := s.Stranger(t, "192.0.2.9")
	for range 60 {
		thief.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
		s.Clock.Move(time.Second)
	}
	thief.SignIn("ada", webtest.Good).Want(http.StatusTooManyRequests).WantHeader("Retry-After", fmt.Sprint(3600-60))
	b := s.Stranger(t, "192.0.2.10")
	b.SignIn("ada", webtest.Good).Want(http.StatusSeeOther, "/auth/code")
	b.Post("/auth/code", "code", app.Code(t)).Want(http.StatusSeeOther, "/")
}

// Attack guessing/waits: after 100 failures in a row, new browsers wait 10 minutes; known
// devices and reset links do not. Known and unknown names get the same responses.
func TestAHundredFailuresInARowMakeNewBrowsersWait(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, webtest.KnownName, account.Owner)
	home := s.SignedIn(t, webtest.KnownName)
	home.Post("/logout").Want(http.StatusSeeOther)
	for i := range 100 {
		s.Clock.Move(time.Hour)
		for _, name := range []string{webtest.KnownName, webtest.UnknownName} {
			s.Stranger(t, fmt.Sprint("192.0.2.", i)).Fail(1, name)
		}
	}
	stranger := s.Stranger(t, "198.51.100.7")
	known, unknown := stranger.SignIn(webtest.KnownName, webtest.Good), stranger.SignIn(webtest.UnknownName, webtest.Good)
	known.Want(http.StatusTooManyRequests).WantHeader("Retry-After", "600").
		Says("[role=alert] p", "Too many sign-ins. Wait 10 minutes, then try again. A browser in which you signed in before may not have to wait.")
	if fmt.Sprint(known.Sight(webtest.KnownName)) != fmt.Sprint(unknown.Sight(webtest.UnknownName)) {
		t.Error("a known name can be told from an unknown one")
	}
	s.Stranger(t, "198.51.100.8").Post(s.Link(t, webtest.KnownName), "password", webtest.Good).Want(http.StatusSeeOther)
	s.Clock.Move(10*time.Minute - time.Millisecond)
	stranger.SignIn(webtest.KnownName, webtest.Good).Want(http.StatusTooManyRequests)
	s.Clock.Move(time.Millisecond)
	stranger.SignIn(webtest.KnownName, webtest.Good).Want(http.StatusSeeOther)
	s.Stranger(t, "198.51.100.9").Fail(1, webtest.KnownName)
	s.Stranger(t, "198.51.100.10").SignIn(webtest.KnownName, webtest.Good).Want(http.StatusSeeOther)
}

// Attack guessing/known-device: a known device is not delayed by strangers' failures in a
// row.
func TestAKnownDeviceAfterAHundredFailures(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	home := s.SignedIn(t, "ada")
	home.Post("/logout").Want(http.StatusSeeOther)
	for i := range 100 {
		s.Clock.Move(time.Hour)
		s.Stranger(t, fmt.Sprint("192.0.2.", i)).Fail(1, "ada")
	}
	s.Stranger(t, "198.51.100.7").SignIn("ada", webtest.Good).Want(http.StatusTooManyRequests)
	home.SignIn("ada", webtest.Good).Want(http.StatusSeeOther)
}

// Attack names/one-account: a space that a keyboard adds is not part of the username, the
// throttle's key or the log.
func TestASpaceAroundAUsername(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	for _, typed := range []string{"ada ", " ada", "Ada\u00a0", "\ufeffada\u200b", "\tada\r\n"} {
		s.Browser(t).SignIn(typed, webtest.Good).Want(http.StatusSeeOther)
	}
	if n := len(s.Log.Lines("event=signin.ok ip=127.0.0.1 account=ada\n")); n != 5 {
		t.Errorf("%d lines name ada, want 5:\n%s", n, s.Log.Lines("signin.ok"))
	}
	b := s.Stranger(t, "192.0.2.1")
	for _, typed := range []string{"ada", "ada ", " ada", "ada\u00a0", "ada\t"} {
		b.Fail(1, typed)
	}
	b.SignIn("ada\u3000", webtest.Good).Want(http.StatusTooManyRequests)
	s.Browser(t).Post(s.Link(t, account.Member), "username", " Bob\u00a0", "password", webtest.Good).Want(http.StatusSeeOther)
	s.Browser(t).SignIn("bob", webtest.Good).Want(http.StatusSeeOther)
}

// Attack secrets/canaries: what is typed as a username is in no log line and no row,
// unless an account has that name, because people type their password there.
func TestWhatIsTypedAsAUsernameIsNotKept(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug} {
		log := &webtest.SafeBuffer{}
		s := webtest.New(t, logging(log, level, false), webtest.WithGate)
		s.Add(t, "ada", account.Owner)
		b := s.Browser(t)
		for _, typed := range []string{"canary horse battery", "canary2026", "canary/", " canary ", "ada canary"} {
			for range 6 { // the last attempts are throttled
				s.Ask(post("/auth", "username", typed, "password", webtest.Good, "next", typed, "remember", typed))
			}
			s.Ask(post("/auth?"+webtest.Form("username", typed), "username", typed))
			b.Get("/auth?" + webtest.Form("username", typed)).Want(http.StatusOK)
			s.Ask(post(s.Link(t, account.Member), "username", typed, "password", "short"))
			for range 6 {
				b.Get("/gate/forward", webtest.Asked("http://wiki.example/", "Authorization", webtest.Basic(typed, "gj_wrong"))...)
			}
		}
		if said := log.Lines("canary"); len(said) > 0 {
			t.Errorf("at %v the log says %q", level, said)
		}
		kept := s.Texts(t, `SELECT actor || ' ' || username || ' ' || detail || ' ' || agent FROM audit`)
		if text := strings.Join(kept, "\n"); strings.Contains(text, "canary") || !strings.Contains(log.String(), "account=unknown") {
			t.Errorf("at %v the audit log says %q, or the log does not say unknown", level, text)
		}
	}
}
