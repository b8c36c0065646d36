package session_test

import (
	"net/http/httptest"
	"testing"
)

// BenchmarkFind is what every request of a signed-in person costs: the cookie
// read and verified, the session found in memory.
func BenchmarkFind(b *testing.B) {
	s := newSite(b)
	r := request(s.signIn(b, "ada", false))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Find(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFindVerified is the same where the cookie is not remembered: it is
// decoded and its signature verified.
func BenchmarkFindVerified(b *testing.B) {
	s := newSite(b)
	r := request(s.signIn(b, "ada", false))
	s.live(b, r.Cookies()[0])
	b.ReportAllocs()
	for b.Loop() {
		s.ForgetCookies()
		if _, err := s.Find(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFindForged is what a forged cookie costs.
func BenchmarkFindForged(b *testing.B) {
	s := newSite(b)
	good := s.signIn(b, "ada", false)
	date, payload := taken(b, good.Value)
	r := request(named(s.Name(), sign(newKey(), s.Name(), date, payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Find(r); err == nil {
			b.Fatal("accepted")
		}
	}
}

// BenchmarkFindRow is what a request costs whose session is not in memory.
func BenchmarkFindRow(b *testing.B) {
	s := newSite(b)
	cookie := s.signIn(b, "ada", false)
	r, sid := request(cookie), s.live(b, cookie).SID
	b.ReportAllocs()
	for b.Loop() {
		s.Forget(sid)
		if _, err := s.Find(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSend is what signing a cookie costs.
func BenchmarkSend(b *testing.B) {
	s := newSite(b)
	cookie := s.signIn(b, "ada", true)
	if err := s.SetKeys([][]byte{newKey(), s.opt.Keys[0]}); err != nil {
		b.Fatal(err)
	}
	r, found := request(cookie), s.live(b, cookie)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Renew(httptest.NewRecorder(), r, found); err != nil {
			b.Fatal(err)
		}
	}
}
