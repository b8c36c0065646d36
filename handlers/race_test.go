package handlers_test

import (
	"net/http"
	"sync"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// many is the number of concurrent requests.
const many = 100

// atOnce runs do(0), do(1) … concurrently and returns how often each status came.
func atOnce(n int, do func(i int) *webtest.Answer) map[int]int {
	var (
		mu    sync.Mutex
		all   sync.WaitGroup
		start = make(chan bool)
		got   = map[int]int{}
	)
	for i := range n {
		all.Go(func() {
			<-start
			status := do(i).StatusCode
			mu.Lock()
			defer mu.Unlock()
			got[status]++
		})
	}
	close(start)
	all.Wait()
	return got
}

// Attack race/one-winner: concurrent sign-outs all get 303, and one of them ends the session.
func TestRaceOfSignOuts(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	b := s.SignedIn(t, "ada")
	clones := make([]*webtest.Browser, many)
	for i := range clones {
		clones[i] = b.Clone()
	}
	got := atOnce(many, func(i int) *webtest.Answer { return clones[i].Post("/logout") })
	if got[http.StatusSeeOther] != many {
		t.Errorf("got the statuses %v, want 303 alone", got)
	}
	if n := len(s.Texts(t, `SELECT event FROM audit WHERE event = 'session.ended'`)); n != 1 {
		t.Errorf("%d ends are recorded, want one", n)
	}
	b.Get("/account").Want(http.StatusSeeOther)
}

// Attack race/one-winner: no sign-in with the old password outlives a change of the
// password, and one of several changes wins.
func TestRaceOfPasswordChangeAndSignIn(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	browsers := make([]*webtest.Browser, many)
	for i := range browsers {
		browsers[i] = s.SignedIn(t, "ada") // known devices: the throttle counts each separately
	}
	got := atOnce(many, func(i int) *webtest.Answer {
		if i%20 == 0 {
			return browsers[i].Post("/account/password", "current", webtest.Good, "password", webtest.Other)
		}
		return browsers[i].SignIn("ada", webtest.Good)
	})
	for status := range got {
		switch status {
		case http.StatusSeeOther, http.StatusUnprocessableEntity, http.StatusConflict, http.StatusTooManyRequests:
		default:
			t.Errorf("got the statuses %v", got)
		}
	}
	live := 0
	for i, b := range browsers {
		if b.Get("/account").StatusCode == http.StatusOK {
			live++
			if i%20 != 0 {
				t.Error("a sign-in with the old password outlives its change")
			}
		}
	}
	if live != 1 {
		t.Errorf("%d browsers are signed in, want the one that changed the password", live)
	}
	s.Clock.Move(webtest.ThrottleOver)
	s.Browser(t).SignIn("ada", webtest.Other).Want(http.StatusSeeOther)
}

// Attack race/one-winner: many use one link at once: one account is created.
func TestRaceForALink(t *testing.T) {
	s := webtest.New(t)
	link := s.Link(t, account.Member)
	got := atOnce(many, func(i int) *webtest.Answer {
		return s.Browser(t).Post(link, "username", string(rune('a'+i%26)), "password", webtest.Good)
	})
	if got[http.StatusSeeOther] != 1 || got[http.StatusGone]+got[http.StatusUnprocessableEntity] != many-1 {
		t.Errorf("got the statuses %v, want one 303", got)
	}
	if n := len(s.Texts(t, `SELECT id FROM accounts WHERE username <> 'founder'`)); n != 1 {
		t.Errorf("%d accounts, want one", n)
	}
}

// Attack race/ended-session: requests while the account is deleted are signed in or
// signed out, and never get 500.
func TestRaceOfDeleteAndRequests(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	b := s.SignedIn(t, "bob")
	clones := make([]*webtest.Browser, many)
	for i := range clones {
		clones[i] = b.Clone()
	}
	got := atOnce(many, func(i int) *webtest.Answer {
		if i == many/2 {
			s.Delete(t, "bob")
		}
		if i%10 == 0 {
			return clones[i].Post("/account/password", "current", webtest.Good, "password", "fourteen bytes")
		}
		return clones[i].Get("/account")
	})
	for status := range got {
		switch status {
		case http.StatusOK, http.StatusSeeOther, http.StatusUnprocessableEntity, http.StatusConflict,
			http.StatusTooManyRequests: // the account is deleted, so this is no known device of it
		default:
			t.Errorf("got the statuses %v", got)
		}
	}
	b.Get("/account").Want(http.StatusSeeOther)
}
