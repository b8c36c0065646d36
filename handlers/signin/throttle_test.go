package signin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// wantWait fails the test unless even the right password has to wait that long.
func wantWait(b *webtest.Browser, username string, wait time.Duration) {
	b.T.Helper()
	got := b.SignIn(username, webtest.Good).Want(http.StatusTooManyRequests)
	if retryAfter(got) != wait {
		b.T.Errorf("Retry-After is %v, want %v", retryAfter(got), wait)
	}
	got.Says("[role=alert] p", fmt.Sprintf("Too many sign-ins. Wait %.0f s, then try again.", wait.Seconds()))
	if got.Find("#username").AttrOr("value", "") != username || len(got.Cookies()) > 0 {
		b.T.Error("the name is gone, or a cookie came")
	}
	got.WantHeaders(webtest.HeadersOf{})
	got.WantPage()
}

// Attack guessing/waits: the first failures have no consequence, then waits double up to
// 30 s, and no password is checked meanwhile.
func TestFailedSignInsAreSlowed(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.Stranger(t, "192.0.2.1")
	b.Fail(5, "ada")
	for _, wait := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		wantWait(b, "ada", wait*time.Second)
		s.Clock.Move(wait*time.Second - time.Millisecond)
		wantWait(b, "ada", time.Second)
		s.Clock.Move(time.Millisecond)
		b.Fail(1, "ada")
	}
	s.Clock.Move(30 * time.Second)
	b.SignIn("ada", webtest.Good).Want(http.StatusSeeOther)
	if told := s.Log.Lines("TRUSTED_PROXIES"); len(told) > 0 {
		t.Errorf("the log warns of a proxy that is trusted: %q", told)
	}
}

// Attack guessing/spraying, guessing/addresses: one address with many names; one name
// from many addresses; one /64.
func TestWhatFailuresAreCountedBy(t *testing.T) {
	for _, row := range []struct {
		name           string
		free           int
		address, typed func(i int) string
	}{
		{
			"an address, whatever the name", 20,
			func(int) string { return "192.0.2.1" }, func(i int) string { return fmt.Sprint("name", i) },
		},
		{
			"a name, whatever the address", 10,
			func(i int) string { return fmt.Sprint("192.0.2.", i) }, func(int) string { return "ada" },
		},
		{
			"a name, however it is typed", 10,
			func(i int) string { return fmt.Sprint("192.0.2.", i) }, func(i int) string { return []string{"ada", "Ada", "ADA"}[i%3] },
		},
		{
			"a /64 of IPv6", 20,
			func(i int) string { return fmt.Sprintf("2001:db8::%x:1", i) }, func(i int) string { return fmt.Sprint("name", i) },
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := webtest.New(t)
			s.Add(t, "ada", account.Owner)
			for i := range row.free + 1 {
				s.Stranger(t, row.address(i)).Fail(1, row.typed(i))
			}
			wantWait(s.Stranger(t, row.address(99)), row.typed(99), time.Second)
			s.Clock.Move(time.Second)
			s.SignedIn(t, "ada") // other addresses do not wait
		})
	}
}

// Attack guessing/known-device: strangers' failures do not lock the owner out of a known
// device, which has a counter of its own.
func TestAKnownDevice(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	home := s.SignedIn(t, "ada")
	home.Post("/logout").Want(http.StatusSeeOther)
	for i := range 11 {
		s.Stranger(t, fmt.Sprint("192.0.2.", i)).Fail(1, "ada")
	}
	wantWait(s.Stranger(t, "192.0.2.99"), "ada", time.Second)
	home.Clone().SignIn("ada", webtest.Good).Want(http.StatusSeeOther)

	home.Fail(11, "ada")
	wantWait(home, "ada", time.Second)
	s.Clock.Move(time.Second)
	home.Fail(1, "ada")
	wantWait(home, "ada", 2*time.Second)
	s.Clock.Move(2 * time.Second)
	home.SignIn("ada", webtest.Good).Want(http.StatusSeeOther)
}

// Attack guessing/known-device, account/made-again: what ends a known device, and that it
// never counts for another account.
func TestAKnownDeviceThatIsNoneAnyMore(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(s *webtest.Site, b *webtest.Browser)
		as   string
	}{
		{"the password was changed elsewhere", func(s *webtest.Site, b *webtest.Browser) {
			s.SignedIn(b.T, "bob").Post("/account/password", "current", webtest.Good, "password", webtest.Other).Want(http.StatusSeeOther)
		}, "bob"},
		{"the account was disabled", func(s *webtest.Site, b *webtest.Browser) { s.Disable(b.T, "bob") }, "bob"},
		{"it is another account's", func(*webtest.Site, *webtest.Browser) {}, "ada"},
		{"the cookie comes twice", func(_ *webtest.Site, b *webtest.Browser) {
			b.Header.Set("Cookie", b.Cookies())
		}, "bob"},
		{"the cookie was changed", func(_ *webtest.Site, b *webtest.Browser) {
			b.Header.Set("Cookie", strings.Replace(b.Cookies(), "glassjar-device=", "glassjar-device=A", 1))
			b.Jar = nil
		}, "bob"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := webtest.New(t)
			s.Add(t, "ada", account.Owner)
			s.Add(t, "bob", account.Member)
			b := s.SignedIn(t, "bob")
			row.do(s, b)
			for i := range 11 {
				s.Stranger(t, fmt.Sprint("192.0.2.", i)).SignIn(row.as, "a wrong password").Want(http.StatusUnprocessableEntity)
			}
			b.SignIn(row.as, webtest.Good).Want(http.StatusTooManyRequests)
		})
	}
}

// Attack guessing/addresses: the headers of a peer that is not a trusted proxy do not
// change its address. The log says so, once.
func TestAForgedAddressDoesNotHelp(t *testing.T) {
	s := webtest.New(t, func(c *handlers.Config) { c.TrustedProxies = nil })
	s.Add(t, "ada", account.Owner)
	for i := range 5 {
		s.Stranger(t, fmt.Sprint("192.0.2.", i)).Fail(1, "ada")
	}
	wantWait(s.Stranger(t, "192.0.2.99"), "ada", time.Second)
	if told := s.Log.Lines("TRUSTED_PROXIES"); len(told) != 1 {
		t.Errorf("the log tells of TRUSTED_PROXIES %d times, want once:\n%q", len(told), told)
	}
	if n := len(s.Log.Lines("ip=192.0.2.")); n != 0 {
		t.Errorf("%d lines believe the address", n)
	}
}

// Attack guessing/waits, logs/flood: a flood of throttled sign-ins does not flood the
// audit log.
func TestThrottledSignInsAreRecordedSparingly(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.Stranger(t, "192.0.2.1")
	for i := range 21 {
		b.Fail(1, fmt.Sprint("name", i))
	}
	count := func() int { return len(s.Texts(t, `SELECT event FROM audit WHERE event = 'signin.throttled'`)) }
	for range 10 {
		b.SignIn("ada", webtest.Good).Want(http.StatusTooManyRequests)
	}
	if n := count(); n != 1 {
		t.Errorf("%d rows for one name in a minute, want 1", n)
	}
	for i := range 10 { // invalid names, which differ within their first 64 bytes
		b.SignIn(fmt.Sprint(strings.Repeat("long", 100), i), webtest.Good).Want(http.StatusTooManyRequests)
	}
	if n := count(); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
	for i := range 150 {
		b.SignIn(fmt.Sprint("short", i), webtest.Good).Want(http.StatusTooManyRequests)
	}
	if n := count(); n != 100 {
		t.Errorf("%d rows in a minute, want 100", n)
	}
	s.Clock.Move(time.Minute)
	b.Fail(1, "ada")
	b.SignIn("ada", webtest.Good).Want(http.StatusTooManyRequests)
	if n := count(); n != 101 {
		t.Errorf("%d rows after a minute, want 101", n)
	}
}
