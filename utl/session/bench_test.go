package session_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"glassjar/utl/bench"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

// BenchmarkFind measures what every request of a signed-in person costs: its cookie is
// among the verified ones in memory, and so is its session.
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

// BenchmarkFindVerified measures the same if the cookie is not among the verified ones:
// it is decoded and its signature verified.
func BenchmarkFindVerified(b *testing.B) {
	s := newSite(b)
	r := request(s.signIn(b, "ada", false))
	s.live(b, r.Cookies()[0])
	b.ReportAllocs()
	for b.Loop() {
		s.RememberAtMost(8)
		if _, err := s.Find(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFindMany is BenchmarkFind with 100,000 people who send requests in turn.
func BenchmarkFindMany(b *testing.B) {
	s := newSite(b)
	ada, now := identity.Identity{Username: "ada"}, s.clock.Now()
	requests := make([]*http.Request, 100_000)
	for i := range requests {
		sid := fmt.Sprintf("%026d", i)
		s.Keep(session.Session{Identity: ada, SID: sid, Started: now, Seen: now}, now)
		payload := fmt.Sprintf(`{"username":"ada","sid":"%s","started":%d}`, sid, now.Unix())
		requests[i] = request(cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), now.Unix(), payload)))
	}
	requests = slices.DeleteFunc(requests, func(r *http.Request) bool {
		_, err := s.Find(r)
		return err != nil // evicted from a full set of the cache, and there is no row
	})
	for i := 0; b.Loop(); i++ {
		if _, err := s.Find(requests[i%len(requests)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFindForged measures what a forged cookie costs.
func BenchmarkFindForged(b *testing.B) {
	s := newSite(b)
	good := s.signIn(b, "ada", false)
	date, payload := taken(b, good.Value)
	r := request(cookiesNamed(s.Name(), sign(newKey(), s.Name(), date, payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Find(r); err == nil {
			b.Fatal("accepted")
		}
	}
}

// BenchmarkFindRow measures what a request costs whose session is read from the
// database.
func BenchmarkFindRow(b *testing.B) {
	s := newSite(b)
	cookie := s.signIn(b, "ada", false)
	r, sid := request(cookie), s.live(b, cookie).SID
	b.ReportAllocs()
	for b.Loop() {
		s.Invalidate(sid)
		if _, err := s.Find(r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSend measures signing and sending a cookie.
func BenchmarkSend(b *testing.B) {
	s := newSite(b)
	cookie := s.signIn(b, "ada", true)
	if err := s.SetKeys([][32]byte{newKey(), s.opt.Keys[0]}); err != nil {
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

// BenchmarkFindCores reports how many times more sessions two cores find than one in
// the same time: those of one person, and those of a thousand.
func BenchmarkFindCores(b *testing.B) {
	for name, people := range map[string]int{"one": 1, "thousand": 1000} {
		b.Run(name, func(b *testing.B) {
			s := newSite(b)
			_, payload := taken(b, s.signIn(b, "ada", false).Value)
			var requests []*http.Request
			for i := range people { // cookies of one session with different dates
				requests = append(requests, request(cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), s.clock.Now().Unix()-int64(i), payload))))
			}
			bench.Cores(b, func(worker, i int) {
				if _, err := s.Find(requests[(worker+i)%people]); err != nil {
					b.Error(err)
				}
			})
		})
	}
}
