package session_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"glassjar/utl/session"
)

// Attack cookie/limits: a session is used after each of several waits. After the last one it
// must have expired; until then it must be live. The second server reads every row again.
func TestLimits(t *testing.T) {
	every := func(d time.Duration, n int) []time.Duration { return slices.Repeat([]time.Duration{d}, n) }
	for _, tt := range []struct {
		name     string
		remember bool
		waits    []time.Duration
	}{
		{"idle for the idle limit", false, []time.Duration{idle}},
		{"idle just under it, then for it", false, []time.Duration{idle - time.Second, idle - time.Second, idle}},
		{"active, to the absolute limit", false, every(30*time.Minute, 16)},
		{"remembered, idle just under the absolute limit, then over", true, []time.Duration{most - time.Second, time.Second}},
		{"remembered and active, to the absolute limit", true, every(time.Hour, 8)},
		{"idle for a year", true, []time.Duration{365 * 24 * time.Hour}},
		{"idle for a lifetime of Go", true, []time.Duration{math.MaxInt64}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			cookie := s.signIn(t, "ada", tt.remember)
			s.live(t, cookie)
			for i, wait := range tt.waits {
				s.clock.Move(wait)
				if i == len(tt.waits)-1 {
					s.none(t, request(cookie))
					s.poll(t)
					s.none(t, request(cookie))
					s.another(t).none(t, request(cookie))
					return
				}
				s.poll(t)
				other := s.another(t)
				other.live(t, cookie)
				s.live(t, cookie)
				if err := s.Write(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Attack cookie/limits: rows with impossible times, and cookies with the same start.
func TestRowsThatCannotBe(t *testing.T) {
	s := newSite(t)
	cookie := s.signIn(t, "ada", true)
	date, _ := taken(t, cookie.Value)
	now, sid := s.clock.Now(), s.live(t, cookie).SID
	for _, tt := range []struct {
		name          string
		started, seen int64 // microseconds
		live          bool
	}{
		{"started and seen now", now.UnixMicro(), now.UnixMicro(), true},
		{"started 59 s in the future", now.Add(59 * time.Second).UnixMicro(), now.UnixMicro(), true},
		{"started 61 s in the future", now.Add(61 * time.Second).UnixMicro(), now.UnixMicro(), false},
		{"seen 59 s in the future", now.UnixMicro(), now.Add(59 * time.Second).UnixMicro(), true},
		{"seen 61 s in the future", now.UnixMicro(), now.Add(61 * time.Second).UnixMicro(), false},
		{"started in ten years", now.AddDate(10, 0, 0).UnixMicro(), now.UnixMicro(), false},
		{"started at the end of time", math.MaxInt64, now.UnixMicro(), false},
		{"started before time", math.MinInt64, now.UnixMicro(), false},
		{"started in 1970", 0, now.UnixMicro(), false},
		{"started in 1969", -1, now.UnixMicro(), false},
		{"seen at the end of time", now.UnixMicro(), math.MaxInt64, false},
		{"seen in 1969", now.UnixMicro(), -1, false},
		{"seen before time", now.UnixMicro(), math.MinInt64, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			other := s.another(t)
			s.sql(t, `UPDATE sessions SET started_at = ?, seen_at = ?`, tt.started, tt.seen)
			payload := fmt.Sprintf(`{"username":"ada","sid":"%s","started":%d}`, sid, time.UnixMicro(tt.started).Unix())
			c := cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), date, payload))
			if tt.live {
				other.live(t, c)
			} else {
				other.none(t, request(c))
			}
		})
	}
}

// Attack cookie/limits: a cookie whose start differs from its row's is refused. If the start
// is impossible, the cookie is refused without looking for the session.
func TestStartedOfTheCookie(t *testing.T) {
	s := newSite(t)
	found := s.live(t, s.signIn(t, "ada", true))
	now := found.Started.Unix()
	for _, tt := range []struct {
		name    string
		started int64
		asked   bool
	}{
		{"a second early", now - 1, true},
		{"a second late", now + 1, true},
		{"59 s in the future", now + 59, true},
		{"over a minute in the future", now + 62, false},
		{"just within the absolute limit", now - int64(most/time.Second) + 10, true},
		{"over the absolute limit", now - int64(most/time.Second) - 1, false},
		{"zero", 0, false},
		{"negative", -1, false},
		{"milliseconds", now * 1000, false},
		{"the end of time", math.MaxInt64, false},
		{"before time", math.MinInt64, false},
		{"where Go's clock turns over", math.MaxInt64 - 62135596800, false},
		{"where the database's does", math.MaxInt64 / 1_000_000, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			payload := fmt.Sprintf(`{"username":"ada","sid":"%s","started":%d}`, found.SID, tt.started)
			r := request(cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), now, payload)))
			s.none(t, r)
			if _, err := s.New(r, s.Name()); (err == nil) != tt.asked {
				t.Errorf("the cookie alone: got error %v, want it taken: %v", err, tt.asked)
			}
		})
	}
}

// The codec's MaxAge, not the Options', limits how old a cookie may be; gorilla's
// default is 30 days.
func TestALimitLongerThanGorillas(t *testing.T) {
	const day = 24 * time.Hour
	s := newSite(t, func(o *session.Options) { o.Max = 60 * day })
	sid := s.live(t, s.signIn(t, "ada", true)).SID
	for _, tt := range []struct {
		name string
		age  time.Duration
		live bool
	}{
		{"40 days old", 40 * day, true},
		{"61 days old", 61 * day, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			started := time.Now().Add(-tt.age)
			s.sql(t, `UPDATE sessions SET started_at = ?, seen_at = ?`, started.UnixMicro(), started.UnixMicro())
			payload := fmt.Sprintf(`{"username":"ada","sid":"%s","started":%d}`, sid, started.Unix())
			c := cookiesNamed(s.Name(), sign(s.opt.Keys[0], s.Name(), started.Unix(), payload))
			if other := s.another(t); tt.live {
				other.live(t, c)
			} else {
				other.none(t, request(c))
			}
		})
	}
}

// Attack fault/clock: the clock is set by an hour or ten years, ahead or back. No session
// outlives its limits, nothing panics, and everything works once the clock is right again.
func TestTheClockIsSet(t *testing.T) {
	for _, tt := range []struct {
		name string
		by   time.Duration
		live bool
	}{
		{"half an hour on", 30 * time.Minute, true},
		{"an hour on", time.Hour, false},
		{"ten years on", 10 * 365 * 24 * time.Hour, false},
		{"half a minute back", -30 * time.Second, true},
		{"an hour back", -time.Hour, false},
		{"ten years back", -10 * 365 * 24 * time.Hour, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			cookie := s.signIn(t, "ada", false)
			s.live(t, cookie)
			s.clock.set(tt.by)
			for range 2 { // before a poll and after it
				if tt.live {
					s.live(t, cookie)
				} else {
					s.none(t, request(cookie))
				}
				s.poll(t)
			}
			s.clock.set(-tt.by)
			s.poll(t)
			if tt.by < 0 || !tt.live { // otherwise its last seen is now in the future
				s.live(t, cookie)
			}
		})
	}
}
