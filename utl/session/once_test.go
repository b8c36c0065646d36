package session_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"

	"glassjar/utl/audit"
	"glassjar/utl/db"
)

var errSpent = errors.New("used before")

// spent is a single-use proof that was used before.
type spent struct{}

func (spent) Spend(context.Context, *db.Tx) error { return errSpent }

// A single-use proof that was used before starts no session and sends no cookie, and the
// session of the request stays alive.
func TestWhatWasUsedStartsNothing(t *testing.T) {
	s := newSite(t)
	here := s.signIn(t, "ada", false)
	v, w := verified("ada"), httptest.NewRecorder()
	v.With = spent{}
	if _, err := s.Start(w, request(here), v, false, audit.Actor{}); !errors.Is(err, errSpent) || len(w.Header()) != 0 {
		t.Errorf("got error %v, header %v", err, w.Header())
	}
	if n := s.count(t, `SELECT COUNT(*) FROM sessions`); n != 1 {
		t.Errorf("there are %d sessions", n)
	}
	s.live(t, here)
}
