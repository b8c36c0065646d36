package session_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

const rounds = 100 // of each race

// atOnce runs the functions concurrently and waits for them.
func atOnce(fns ...func()) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for _, fn := range fns {
		wg.Go(func() {
			<-start
			fn()
		})
	}
	close(start)
	wg.Wait()
}

// Attack race/one-winner, servers/races: concurrent sign-outs of one session: one end is
// recorded, and none fails.
func TestRaceOfSignOuts(t *testing.T) {
	s := newSite(t)
	other := s.another(t)
	for range rounds {
		cookie := s.signIn(t, "ada", false)
		sid := s.live(t, cookie).SID
		other.live(t, cookie)
		end := func(server *site) func() {
			return func() {
				if err := server.End(t.Context(), sid, audit.Actor{}); err != nil {
					t.Error(err)
				}
				server.none(t, request(cookie))
			}
		}
		atOnce(end(s), end(s), end(other), func() { s.poll(t) })
		other.poll(t)
		other.none(t, request(cookie))
	}
	if n := s.count(t, `SELECT COUNT(*) FROM audit WHERE event = 'session.ended'`); n != rounds {
		t.Errorf("%d ends are recorded, want %d", n, rounds)
	}
}

// Attack race/ended-session, servers/races: a new password, disabling or deletion races with
// a sign-in: the sign-in fails, or its session is ended.
func TestRaceOfAChangeWithASignIn(t *testing.T) {
	s := newSite(t)
	other := s.another(t)
	won, lost := 0, 0
	for i := range rounds {
		id := "id-ada"
		v := session.Verified{AccountID: id, Username: "ada", Epoch: int64(i + 1), Level: 1}
		w := httptest.NewRecorder()
		var err error
		atOnce(
			func() { _, err = s.Start(w, request(), v, true, audit.Actor{}) },
			func() {
				if err := other.change(t.Context(), id, changePassword); err != nil {
					t.Error(err)
				}
			},
		)
		switch {
		case err == nil:
			won++
			s.poll(t)
			s.none(t, request(only(t, w)))
			other.none(t, request(only(t, w)))
		case errors.Is(err, session.ErrChanged) && len(w.Header()) == 0:
			lost++
		default:
			t.Errorf("got error %v and %v", err, w.Header())
		}
	}
	if n := s.count(t, `SELECT COUNT(*) FROM sessions WHERE ended_at = 0`); n != 0 {
		t.Errorf("%d sessions outlived their end", n)
	}
	t.Logf("the sign-in was first %d times, the change %d times", won, lost)
}

// Attack race/ended-session, servers/races: requests race with a sign-out: once it has
// returned, each of them is refused.
func TestRaceOfRequestsWithASignOut(t *testing.T) {
	s := newSite(t)
	other := s.another(t)
	for i := range rounds {
		cookie := s.signIn(t, "ada", false)
		sid := s.live(t, cookie).SID
		var over atomic.Bool
		ask := func() {
			for last := false; !last; {
				last = over.Load() // one more request after the sign-out
				_, err := s.Find(request(cookie))
				if err != nil && !errors.Is(err, session.ErrNone) || last && err == nil {
					t.Errorf("after the end: %v; got error %v", last, err)
				}
				if i%2 == 0 {
					s.Invalidate(sid) // so that rows are read all the time
				}
			}
		}
		atOnce(ask, ask, func() { s.poll(t) }, func() {
			if err := s.End(t.Context(), sid, audit.Actor{}); err != nil {
				t.Error(err)
			}
			over.Store(true)
		})
		other.none(t, request(cookie))
	}
}

// Attack race/ended-session, servers/races: all operations run concurrently: none fails, and
// the sessions that nobody ends stay live.
func TestRaceOfAll(t *testing.T) {
	s := newSite(t)
	s.account(t, "eve")
	cookies := []*http.Cookie{s.signIn(t, "ada", false), s.signIn(t, "bob", true)}
	sid := s.live(t, cookies[0]).SID
	must := func(err error) {
		if err != nil {
			t.Error(err)
		}
	}
	many := func(fn func(i int)) func() {
		return func() {
			for i := range rounds {
				fn(i)
			}
		}
	}
	keys := [][32]byte{newKey(), s.opt.Keys[0]}
	s.clock.Move(30 * time.Second)
	atOnce(
		many(func(i int) { s.live(t, cookies[i%2]) }),
		many(func(i int) { s.live(t, cookies[i%2]) }),
		many(func(int) { s.clock.Move(500 * time.Millisecond) }), // up to 50 s of it may pass during one request
		many(func(int) { must(s.Poll(t.Context())) }),
		many(func(int) { must(s.Write(t.Context())) }),
		many(func(int) { must(s.Sweep(t.Context())) }),
		many(func(int) { s.Invalidate(sid) }),
		many(func(i int) { must(s.SetKeys(keys[i%2:])) }),
		many(func(int) { s.signIn(t, "eve", true) }), // beyond 100 sessions her oldest end
		many(func(int) { _, err := s.List(t.Context(), "id-ada"); must(err) }),
		many(func(int) {
			must(s.db.Tx(t.Context(), func(tx *db.Tx) error { return session.AccountChanged(t.Context(), tx, s.clock.Now(), "id-ada") }))
		}),
	)
	s.live(t, cookies[0])
	s.live(t, cookies[1])
}
