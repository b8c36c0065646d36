package handlers_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
)

// Attack cookie/many-sign-ins: an account signs in 120 times an hour, from a known device too,
// and whoever is signed in may still show who they are.
func TestSignInsOfAnAccountAreLimited(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	s.add(t, "bob", account.Member)
	b := s.browser(t)
	for range 120 {
		b.signIn("ada", good).want(http.StatusSeeOther)
		s.clock.move(time.Second)
	}
	const words = "Too many sign-ins. Wait 58 minutes, then try again. A browser in which you signed in before may not have to wait."
	for _, from := range []*browser{b, s.browser(t)} {
		got := from.clone().signIn("ada", good).want(http.StatusTooManyRequests).says("[role=alert] p", words)
		got.header("Retry-After", fmt.Sprint(3600-120)).wantPage()
	}
	s.browser(t).signIn("bob", good).want(http.StatusSeeOther)
	b.post("/account/password", "current", good, "password", other).want(http.StatusSeeOther)
	s.clock.move(time.Hour)
	b.signIn("ada", other).want(http.StatusSeeOther)
}

// Attack guessing/waits: after 100 failures in a row a new browser waits 10 minutes; a known
// device and a reset link do not. Known and unknown names answer alike.
func TestAHundredFailuresInARowMakeNewBrowsersWait(t *testing.T) {
	s := newSite(t)
	s.add(t, knownName, account.Owner)
	home := s.signedIn(t, knownName)
	home.post("/logout").want(http.StatusSeeOther)
	for i := range 100 {
		s.clock.move(time.Hour)
		for _, name := range []string{knownName, unknownName} {
			s.stranger(t, fmt.Sprint("192.0.2.", i)).fail(1, name)
		}
	}
	stranger := s.stranger(t, "198.51.100.7")
	known, unknown := stranger.signIn(knownName, good), stranger.signIn(unknownName, good)
	known.want(http.StatusTooManyRequests).header("Retry-After", "600").
		says("[role=alert] p", "Too many sign-ins. Wait 10 minutes, then try again. A browser in which you signed in before may not have to wait.")
	if fmt.Sprint(known.sight(knownName)) != fmt.Sprint(unknown.sight(unknownName)) {
		t.Error("a known name can be told from an unknown one")
	}
	s.stranger(t, "198.51.100.8").post(s.link(t, knownName), "password", good).want(http.StatusSeeOther)
	s.clock.move(10*time.Minute - time.Millisecond)
	stranger.signIn(knownName, good).want(http.StatusTooManyRequests)
	s.clock.move(time.Millisecond)
	stranger.signIn(knownName, good).want(http.StatusSeeOther)
	s.stranger(t, "198.51.100.9").fail(1, knownName)
	s.stranger(t, "198.51.100.10").signIn(knownName, good).want(http.StatusSeeOther)
}

// Attack guessing/known-device: a known device is not held up by the failures of strangers in a row.
func TestAKnownDeviceAfterAHundredFailures(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	home := s.signedIn(t, "ada")
	home.post("/logout").want(http.StatusSeeOther)
	for i := range 100 {
		s.clock.move(time.Hour)
		s.stranger(t, fmt.Sprint("192.0.2.", i)).fail(1, "ada")
	}
	s.stranger(t, "198.51.100.7").signIn("ada", good).want(http.StatusTooManyRequests)
	home.signIn("ada", good).want(http.StatusSeeOther)
}

// Attack names/one-account: a keyboard's space is no part of a name, nor of what counts its
// failures, nor of the log.
func TestASpaceAroundAUsername(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	for _, typed := range []string{"ada ", " ada", "Ada\u00a0", "\ufeffada\u200b", "\tada\r\n"} {
		s.browser(t).signIn(typed, good).want(http.StatusSeeOther)
	}
	if n := len(s.log.lines("event=signin.ok ip=127.0.0.1 account=ada\n")); n != 5 {
		t.Errorf("%d lines name ada, want 5:\n%s", n, s.log.lines("signin.ok"))
	}
	b := s.stranger(t, "192.0.2.1")
	for _, typed := range []string{"ada", "ada ", " ada", "ada\u00a0", "ada\t"} {
		b.fail(1, typed)
	}
	b.signIn("ada\u3000", good).want(http.StatusTooManyRequests)
	s.browser(t).post(s.link(t, account.Member), "username", " Bob\u00a0", "password", good).want(http.StatusSeeOther)
	s.browser(t).signIn("bob", good).want(http.StatusSeeOther)
}

// Attack secrets/canaries: what is typed into the username field is in no log line and no row,
// unless an account has that name: people type their password there.
func TestWhatIsTypedAsAUsernameIsNotKept(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug} {
		log := &safeBuffer{}
		s := newSite(t, logging(log, level, false), withGate)
		s.add(t, "ada", account.Owner)
		b := s.browser(t)
		for _, typed := range []string{"canary horse battery", "canary2026", "canary/", " canary ", "ada canary"} {
			for range 6 { // the last are throttled
				s.ask(post("/auth", "username", typed, "password", good, "next", typed, "remember", typed))
			}
			s.ask(post("/auth?"+form("username", typed), "username", typed))
			b.get("/auth?" + form("username", typed)).want(http.StatusOK)
			s.ask(post(s.link(t, account.Member), "username", typed, "password", "short"))
			for range 6 {
				b.get("/gate/forward", asked("http://wiki.example/", "Authorization", basic(typed, "gj_wrong"))...)
			}
		}
		if said := log.lines("canary"); len(said) > 0 {
			t.Errorf("at %v the log says %q", level, said)
		}
		kept := s.texts(t, `SELECT actor || ' ' || username || ' ' || detail || ' ' || agent FROM audit`)
		if text := strings.Join(kept, "\n"); strings.Contains(text, "canary") || !strings.Contains(log.String(), "account=unknown") {
			t.Errorf("at %v the audit log says %q, or the log does not say unknown", level, text)
		}
	}
}
