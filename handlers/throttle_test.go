package handlers_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/utl/account"
)

// throttleOver is when every counter has begun anew.
const throttleOver = 2 * time.Hour

// fail fails n sign-ins as username.
func (b *browser) fail(n int, username string) {
	b.t.Helper()
	for range n {
		b.signIn(username, other).want(http.StatusUnprocessableEntity)
	}
}

// wantWait fails the test unless even the right password must wait so long.
func (b *browser) wantWait(username string, wait time.Duration) {
	b.t.Helper()
	got := b.signIn(username, good).want(http.StatusTooManyRequests)
	if got.retryAfter() != wait {
		b.t.Errorf("Retry-After is %v, want %v", got.retryAfter(), wait)
	}
	got.says("[role=alert] p", fmt.Sprintf("Too many sign-ins. Wait %.0f s, then try again.", wait.Seconds()))
	if got.find("#username").AttrOr("value", "") != username || len(got.Cookies()) > 0 {
		b.t.Error("the name is gone, or a cookie came")
	}
	got.wantHeaders(headersOf{})
	got.wantPage()
}

// Attack guessing/waits: the first failures cost nothing, then waits double to 30 s, and no
// password is looked at meanwhile.
func TestFailedSignInsAreSlowed(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	b := s.stranger(t, "192.0.2.1")
	b.fail(5, "ada")
	for _, wait := range []time.Duration{1, 2, 4, 8, 16, 30, 30} {
		b.wantWait("ada", wait*time.Second)
		s.clock.move(wait*time.Second - time.Millisecond)
		b.wantWait("ada", time.Second)
		s.clock.move(time.Millisecond)
		b.fail(1, "ada")
	}
	s.clock.move(30 * time.Second)
	b.signIn("ada", good).want(http.StatusSeeOther)
	if told := s.log.lines("TRUSTED_PROXIES"); len(told) > 0 {
		t.Errorf("the log warns of a proxy that is trusted: %q", told)
	}
}

// Attack guessing/spraying, guessing/addresses: one address and many names; one name and many addresses; one /64.
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
			s := newSite(t)
			s.add(t, "ada", account.Owner)
			for i := range row.free + 1 {
				s.stranger(t, row.address(i)).fail(1, row.typed(i))
			}
			s.stranger(t, row.address(99)).wantWait(row.typed(99), time.Second)
			s.clock.move(time.Second)
			s.signedIn(t, "ada") // another address, and no name waits
		})
	}
}

// Attack guessing/known-device: strangers' failures do not keep the owner out of a known device,
// and the device has a counter of its own.
func TestAKnownDevice(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	home := s.signedIn(t, "ada")
	home.post("/logout").want(http.StatusSeeOther)
	for i := range 11 {
		s.stranger(t, fmt.Sprint("192.0.2.", i)).fail(1, "ada")
	}
	s.stranger(t, "192.0.2.99").wantWait("ada", time.Second)
	home.clone().signIn("ada", good).want(http.StatusSeeOther)

	home.fail(11, "ada")
	home.wantWait("ada", time.Second)
	s.clock.move(time.Second)
	home.fail(1, "ada")
	home.wantWait("ada", 2*time.Second)
	s.clock.move(2 * time.Second)
	home.signIn("ada", good).want(http.StatusSeeOther)
}

// Attack guessing/known-device, account/made-again: what ends a known device, and whose it never was.
func TestAKnownDeviceThatIsNoneAnyMore(t *testing.T) {
	for _, row := range []struct {
		name string
		do   func(s *testSite, b *browser)
		as   string
	}{
		{"the password was changed elsewhere", func(s *testSite, b *browser) {
			s.signedIn(b.t, "bob").post("/account/password", "current", good, "password", other).want(http.StatusSeeOther)
		}, "bob"},
		{"the account was disabled", func(s *testSite, b *browser) { s.disable(b.t, "bob") }, "bob"},
		{"it is another account's", func(*testSite, *browser) {}, "ada"},
		{"the cookie comes twice", func(_ *testSite, b *browser) {
			b.header.Set("Cookie", b.cookies())
		}, "bob"},
		{"the cookie was changed", func(_ *testSite, b *browser) {
			b.header.Set("Cookie", strings.Replace(b.cookies(), "glassjar-device=", "glassjar-device=A", 1))
			b.Jar = nil
		}, "bob"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.add(t, "ada", account.Owner)
			s.add(t, "bob", account.Member)
			b := s.signedIn(t, "bob")
			row.do(s, b)
			for i := range 11 {
				s.stranger(t, fmt.Sprint("192.0.2.", i)).signIn(row.as, "a wrong password").want(http.StatusUnprocessableEntity)
			}
			b.signIn(row.as, good).want(http.StatusTooManyRequests)
		})
	}
}

// Attack guessing/addresses: who is not a trusted proxy has one address, whatever it says; and
// that it says so is told in the log, once.
func TestAForgedAddressDoesNotHelp(t *testing.T) {
	s := newSite(t, func(c *handlers.Config) { c.TrustedProxies = nil })
	s.add(t, "ada", account.Owner)
	for i := range 5 {
		s.stranger(t, fmt.Sprint("192.0.2.", i)).fail(1, "ada")
	}
	s.stranger(t, "192.0.2.99").wantWait("ada", time.Second)
	if told := s.log.lines("TRUSTED_PROXIES"); len(told) != 1 {
		t.Errorf("the log tells of TRUSTED_PROXIES %d times, want once:\n%q", len(told), told)
	}
	if n := len(s.log.lines("ip=192.0.2.")); n != 0 {
		t.Errorf("%d lines believe the address", n)
	}
}

// Attack guessing/waits, logs/flood: a flood of throttled sign-ins is not a flood of audit rows.
func TestThrottledSignInsAreRecordedSparingly(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	b := s.stranger(t, "192.0.2.1")
	for i := range 21 {
		b.fail(1, fmt.Sprint("name", i))
	}
	count := func() int { return len(s.texts(t, `SELECT event FROM audit WHERE event = 'signin.throttled'`)) }
	for range 10 {
		b.signIn("ada", good).want(http.StatusTooManyRequests)
	}
	if n := count(); n != 1 {
		t.Errorf("%d rows for one name in a minute, want 1", n)
	}
	for i := range 10 { // names that are none: 64 bytes tell them apart
		b.signIn(fmt.Sprint(strings.Repeat("long", 100), i), good).want(http.StatusTooManyRequests)
	}
	if n := count(); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
	for i := range 150 {
		b.signIn(fmt.Sprint("short", i), good).want(http.StatusTooManyRequests)
	}
	if n := count(); n != 100 {
		t.Errorf("%d rows in a minute, want 100", n)
	}
	s.clock.move(time.Minute)
	b.fail(1, "ada")
	b.signIn("ada", good).want(http.StatusTooManyRequests)
	if n := count(); n != 101 {
		t.Errorf("%d rows after a minute, want 101", n)
	}
}
