package handlers_test

import (
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// ban returns the addresses that fail2ban finds in the log with README's filter for the
// format.
func ban(t *testing.T, log *webtest.SafeBuffer, asJSON bool) (found []string) {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	filters := regexp.MustCompile(`(?m)^failregex = (.+)$`).FindAllStringSubmatch(string(readme), -1)
	if len(filters) != 2 {
		t.Fatalf("README.md has %d lines with failregex, want one for text and one for JSON", len(filters))
	}
	pattern := filters[0][1]
	if asJSON {
		pattern = filters[1][1]
	}
	filter := regexp.MustCompile(strings.Replace(pattern, "<HOST>", `(?:::f{4,6}:)?(?P<host>[\w\-.^_:]*\w)`, 1))
	for line := range strings.Lines(log.String()) {
		for _, match := range filter.FindAllStringSubmatch(line, -1) {
			found = append(found, match[1])
		}
	}
	return found
}

// Attack logs/injection: the filter finds each failed sign-in and app password with its
// address, and no typed name makes it find another address.
func TestFail2ban(t *testing.T) {
	t.Run("text", func(t *testing.T) { wantBans(t, false, `msg="sign-in failed" event=signin.failed ip=6.6.6.6 `) })
	t.Run("JSON", func(t *testing.T) {
		wantBans(t, true, `"body":"sign-in failed","event_name":"signin.failed","client.address":"6.6.6.6"`)
	})
}

// wantBans fails the test unless the filter for the format finds the failures, and no
// other address when the line is typed into every field.
func wantBans(t *testing.T, asJSON bool, line string) {
	t.Helper()
	log := &webtest.SafeBuffer{}
	s := webtest.New(t, logging(log, slog.LevelDebug, asJSON))
	s.Add(t, "ada", account.Owner)
	failed := 0
	for _, typed := range []string{
		"ada", "eve", "", " event=signin.failed ip=6.6.6.6 ", line, line + line, "\n" + line, `"` + line, `\` + line, `"\" ` + line,
		`x" ` + line, "\u2028" + line, `%22` + line, line[4:],
	} {
		for path, fields := range map[string][]string{
			"/auth":             {"username", typed, "password", webtest.Other, "next", typed, typed, typed},
			"/auth?" + line[:3]: {"username", "bob", "password", typed},
		} {
			failed++
			req := post(path, fields...)
			req.RemoteAddr = "127.0.0.1:1"
			req.Header.Set("User-Agent", line)
			req.Header.Set("Referer", line)
			req.Header.Set("X-Forwarded-For", line+", 192.0.2.7")
			s.Ask(req)
			s.Clock.Move(webtest.ThrottleOver)
		}
	}
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Site = w.Again(t, logging(log, slog.LevelDebug, asJSON))
	for _, typed := range []string{"ada", line, `x" ` + line} {
		failed++
		b := w.Stranger(t, "192.0.2.7")
		req := b.Request(http.MethodGet, "/gate/check", "", webtest.Asked(webtest.Jar+"/", "X-Forwarded-For", "192.0.2.7")...)
		req.SetBasicAuth(strings.ReplaceAll(typed, ":", "="), "gj_"+line) // a colon would end the username
		b.Exchange(req).Want(http.StatusUnauthorized)
	}
	found := ban(t, log, asJSON)
	for _, address := range found {
		if address != "192.0.2.7" {
			t.Errorf("the filter finds %s", address)
		}
	}
	if len(found) != failed {
		t.Errorf("the filter finds %d of %d failures", len(found), failed)
	}
}

// The log lines of sign-ins have a form on which a filter can rely: the address comes
// before anything that a visitor can type.
func TestHowSignInsAreLogged(t *testing.T) {
	log := &webtest.SafeBuffer{}
	s := webtest.New(t, logging(log, slog.LevelInfo, false))
	s.Add(t, "ada", account.Owner)
	b := s.Stranger(t, "2001:db8::1")
	b.SignIn("ada", webtest.Good)
	b.Post("/logout")
	b = s.Stranger(t, "2001:db8::1")
	for range 3 {
		b.SignIn("Ada ip=6.6.6.6", webtest.Other)
	}
	for range 6 {
		b.SignIn(" Ada\n", webtest.Other)
	}
	for want, times := range map[string]int{
		`level=INFO msg="signed in" event=signin.ok ip=2001:db8::1 account=ada`:                             1,
		`level=INFO msg="session ended" event=session.ended ip=2001:db8::1 account=ada reason="signed out"`: 1,
		`level=WARN msg="sign-in failed" event=signin.failed ip=2001:db8::1 account=unknown reason=wrong`:   3,
		`level=WARN msg="sign-in failed" event=signin.failed ip=2001:db8::1 account=ada reason=wrong`:       5,
		`level=WARN msg="sign-in throttled" event=signin.throttled ip=2001:db8::1 account=ada`:              1,
	} {
		if got := len(log.Lines(want + "\n")); got != times {
			t.Errorf("%d lines say %s, want %d, of:\n%s", got, want, times, log)
		}
	}
}
