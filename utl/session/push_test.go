package session_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

// Attack race/ended-session, servers/ends: a session that ends on one server ends on the
// other at once, because of the notification.
func TestEndsAreGivenNoticeOf(t *testing.T) {
	dbtest.OnlyPostgres(t)
	s := newSite(t)
	other := s.another(t)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	for _, server := range []*site{s, other} {
		all.Go(func() { server.db.Run(ctx, slog.New(slog.DiscardHandler)) })
	}
	came := func() {
		t.Helper()
		select {
		case <-other.db.Notified():
		case <-time.After(10 * time.Second):
			t.Fatal("no notice came")
		}
	}
	came() // it is listening now
	var took []time.Duration
	for range 21 {
		cookie := s.signIn(t, "ada", false)
		sid := s.live(t, cookie).SID
		other.live(t, cookie)
		began := time.Now()
		s.end(t, sid)
		came()
		other.poll(t)
		other.none(t, request(cookie))
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("from End to its effect on the other server: median %v, at most %v", took[len(took)/2], took[len(took)-1])
}

// A sign-in sends no notification: no server can have cached a session that is new.
func TestASignInGivesNoNotice(t *testing.T) {
	s := newSite(t)
	before := s.count(t, `SELECT COUNT(*) FROM changes`)
	s.signIn(t, "ada", false)
	if n := s.count(t, `SELECT COUNT(*) FROM changes`); n != before {
		t.Errorf("a sign-in made %d changes", n-before)
	}
}

// Attack race/ended-session, servers/ends: a change that commits late is seen by the next
// poll, even if an earlier poll has seen changes that began after it.
func TestAChangeThatCommitsLate(t *testing.T) {
	dbtest.OnlyPostgres(t)
	s := newSite(t)
	late, other := s.another(t), s.another(t)
	ada, bob := s.signIn(t, "ada", false), s.signIn(t, "bob", false)
	s.live(t, ada)
	late.tx(t, func(tx *db.Tx) error {
		err := session.EndAll(t.Context(), tx, late.clock.Now(), audit.Actor{}, "id-ada", "")
		other.end(t, s.live(t, bob).SID)
		s.poll(t)
		s.none(t, request(bob))
		s.live(t, ada) // the transaction that ends it is not committed
		s.poll(t)
		return err
	})
	s.poll(t)
	s.none(t, request(ada))
}

// A poll reads only new changes, however many there are in the table and however long
// another transaction has been open: none that it has read, and not the whole table.
func TestAPollReadsByTheIndex(t *testing.T) {
	dbtest.OnlyPostgres(t)
	s := newSite(t)
	s.tx(t, func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO changes (at, sid, account_id) SELECT 1, 's' || i, '' FROM generate_series(1, 20000) AS n(i)`)
		return err
	})
	s.sql(t, `ANALYZE changes`)
	if plan := session.PollPlan(t.Context(), s.db); !strings.Contains(plan, "changes_by_xid") || strings.Contains(plan, "Seq Scan on changes") {
		t.Errorf("the poll's plan:\n%s", plan)
	}
}
