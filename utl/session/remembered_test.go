package session_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

// liveAt fails the test unless the gate cookie is valid for the scope and its session is
// live.
func (s *site) liveAt(t *testing.T, at session.CookieScope, c *http.Cookie) {
	t.Helper()
	if _, err := s.FindGate(request(c), at); err != nil {
		t.Fatalf("at %+v: got error %v, want a live session", at, err)
	}
}

func TestFindingARememberedCookieAllocatesNothing(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about memory")
	s := newSite(t)
	r := request(s.signIn(t, "ada", false))
	if got := testing.AllocsPerRun(100, func() { _, _ = s.Find(r) }); got > 0 {
		t.Errorf("finding the session of a remembered cookie allocates %v times, want 0", got)
	}
	if _, err := s.Find(r); err != nil {
		t.Error(err)
	}
}

// A verified cookie is kept in memory as long as the cached session, and is accepted
// only under the name and host for which it was verified.
func TestARememberedCookie(t *testing.T) {
	s := newSite(t, withGate)
	cookie := s.signIn(t, "ada", false)
	sid := s.live(t, cookie).SID
	gate := s.gateCookie(t, cookie, onApp)
	s.liveAt(t, onApp, gate)
	kept := func(want int) {
		t.Helper()
		if got := s.Cookies(); got != want {
			t.Errorf("got %d remembered cookies, want %d", got, want)
		}
	}
	kept(2)
	s.none(t, request(cookiesNamed(s.Name(), gate.Value)))
	s.noneAt(t, onWiki, request(gate))
	s.noneAt(t, onPlain, request(cookiesNamed("glassjar-gate", gate.Value)))
	s.none(t, request(cookiesNamed(s.Name(), anotherEnd(cookie.Value))))
	s.none(t, request(cookiesNamed(s.Name(), "A"+cookie.Value[1:])))
	s.none(t, request(cookiesNamed(s.Name(), cookie.Value+strings.Repeat("A", 5000))))
	kept(2)

	s.Invalidate(sid)
	kept(0)
	s.live(t, cookie)
	kept(1)
	s.clock.Move(time.Minute)
	s.poll(t)
	s.live(t, cookie) // its row was read again
	kept(1)
	s.clock.Move(20 * time.Minute)
	s.poll(t)
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	kept(0)
}

// Attack cookie/replay, cookie/rotated-key: when the keys change, cookies that were verified
// with the old ones are verified again.
func TestNewKeysForgetRememberedCookies(t *testing.T) {
	s := newSite(t, withGate)
	cookie := s.signIn(t, "ada", false)
	gate := s.gateCookie(t, cookie, onApp)
	s.liveAt(t, onApp, gate)
	s.live(t, cookie)
	if err := s.SetKeys([][32]byte{newKey()}); err != nil {
		t.Fatal(err)
	}
	s.none(t, request(cookie))
	s.liveAt(t, onApp, gate)
	if err := s.SetGateKeys([][32]byte{newKey()}); err != nil {
		t.Fatal(err)
	}
	s.noneAt(t, onApp, request(gate))
}

func TestRememberedCookiesAreBounded(t *testing.T) {
	dbtest.OnlySQLite(t, "it is about memory")
	s := newSite(t)
	s.RememberAtMost(64)
	cookie := s.signIn(t, "ada", false)
	_, payload := taken(t, cookie.Value)
	var last *http.Cookie
	for i := range 1000 { // cookies of one session with different dates
		last = cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), s.clock.Now().Unix()-int64(i), payload))
		s.live(t, last)
	}
	if got := s.Cookies(); got != 64 {
		t.Errorf("got %d remembered cookies, want 64", got)
	}
	r := request(last)
	if got := testing.AllocsPerRun(10, func() { _, _ = s.Find(r) }); got > 0 {
		t.Error("the last cookie is not remembered: others were kept in its place")
	}
	s.Invalidate(s.live(t, last).SID)
	if got := s.Cookies(); got != 0 {
		t.Errorf("%d cookies outlived their entry", got)
	}
}

// FuzzOneCookie checks that a value that could be a session cookie is the only one of
// the name that net/http reads.
func FuzzOneCookie(f *testing.F) {
	for _, line := range []string{
		"glassjar=abc", "a=b; glassjar=abc", "glassjar=abc;glassjar=abc", "glassjar =abc", " glassjar= abc", `glassjar="abc"`,
		"glassjar", "glassjar=", ";;glassjar=abc;", "glassjar=\x01; glassjar=abc", "a=\"b;glassjar=abc\"", "Glassjar=abc", "glassjar=a=b",
	} {
		f.Add(line, "")
		f.Add("x=y", line)
	}
	f.Fuzz(func(t *testing.T, first, second string) {
		r := &http.Request{Header: http.Header{"Cookie": {first, second}}}
		sent := session.CookiesNamed(nil, r.Header["Cookie"], "glassjar")
		if len(sent) != 1 || sent[0] == "" || strings.Trim(sent[0], alphabet+"=") != "" {
			return
		}
		value := sent[0]
		all := r.CookiesNamed("glassjar")
		if len(all) != 1 || all[0].Value != value || all[0].Quoted {
			t.Errorf("%q, %q: got %q; net/http reads %v", first, second, value, all)
		}
	})
}

// anotherEnd returns the value with its last character changed.
func anotherEnd(value string) string {
	for _, c := range []string{"A", "B"} {
		if !strings.HasSuffix(value, c) {
			return value[:len(value)-1] + c
		}
	}
	panic("no string ends in two letters")
}
