package account_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

// raceRounds is how often each race between two servers is run.
const raceRounds = 100

// race runs the functions concurrently and returns how often they returned each of the
// errors in may.
func race(t *testing.T, do []func() error, may ...error) map[error]int {
	t.Helper()
	return atOnce(t, len(do), func(i int) error { return do[i]() }, may...)
}

// Attack race/one-winner, servers/races: two owners disable each other on
// two servers.
func TestServersKeepAnOwner(t *testing.T) {
	a := open(t)
	b := a.second(t)
	a.add(t, "ann", account.Owner)
	a.add(t, "bob", account.Owner)
	for round := range raceRounds {
		got := race(t, []func() error{
			func() error { return a.Disable(t.Context(), "ann", keeper) },
			func() error { return b.Disable(t.Context(), "bob", keeper) },
		}, nil, account.ErrLastOwner)
		if got[nil] != 1 {
			t.Fatalf("round %d: %d owners were disabled, want 1", round, got[nil])
		}
		if err := errors.Join(a.Enable(t.Context(), "ann", keeper), a.Enable(t.Context(), "bob", keeper)); err != nil {
			t.Fatal(err)
		}
	}
}

// Attack race/one-winner, servers/races: two servers that start at once create one valid
// first link, and the other reports that. A server that starts later replaces it.
func TestServersMakeOneFirstLink(t *testing.T) {
	a := open(t)
	b := a.second(t)
	for round := range raceRounds {
		codes := make(chan string, 2)
		start := func(s *fixture) func() error {
			return func() error {
				code, err := s.NewFirst(t.Context())
				if _, ok := errors.AsType[*account.MadeError](err); ok {
					return nil
				}
				codes <- code
				return err
			}
		}
		race(t, []func() error{start(a), start(b)}, nil)
		if len(codes) != 1 {
			t.Fatalf("round %d: %d links, want 1", round, len(codes))
		}
		if _, err := a.Link(t.Context(), account.Join, <-codes); err != nil {
			t.Fatalf("round %d: the link: %v", round, err)
		}
		a.clock.add(time.Minute)
	}
}

// A server that ends lets the next start print a link at once; another server's end does not.
func TestAStartAfterAnEndMakesAFirstLink(t *testing.T) {
	a := open(t)
	b := a.second(t)
	code := link(t, func() (string, error) { return a.NewFirst(t.Context()) })
	for range 2 {
		var made *account.MadeError
		if _, err := b.NewFirst(t.Context()); !errors.As(err, &made) {
			t.Fatalf("beside a running server: got %v, want MadeError", err)
		}
		if err := b.AllowFirst(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.AllowFirst(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Link(t.Context(), account.Join, code); err != nil {
		t.Errorf("between the end and the start: %v", err)
	}
	link(t, func() (string, error) { return b.NewFirst(t.Context()) })
	if _, err := b.Link(t.Context(), account.Join, code); !errors.Is(err, account.ErrReplaced) {
		t.Errorf("the link before: got %v, want ErrReplaced", err)
	}
	var made *account.MadeError
	if err := a.AllowFirst(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.NewFirst(t.Context()); !errors.As(err, &made) {
		t.Errorf("after the end of the server whose link was replaced: got %v, want MadeError", err)
	}
}

// Attack race/one-winner, servers/races: the first owner's link is used on one server while
// the other has an uncommitted first account: the link is refused.
func TestServersMakeOneFirstAccount(t *testing.T) {
	dbtest.OnlyPostgres(t)
	a := open(t)
	b := a.second(t)
	code := link(t, func() (string, error) { return a.NewFirst(t.Context()) })
	results := make(chan error, 2)
	err := a.second(t).db.Tx(t.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(t.Context(), `LOCK TABLE audit IN EXCLUSIVE MODE`); err != nil { // no account can be committed
			return err
		}
		go func() {
			_, err := b.Add(t.Context(), account.NewAccount{Username: "bob", Password: good, Role: account.Owner}, keeper)
			results <- err
		}()
		if err := a.waiting(t, 1); err != nil {
			return err
		}
		go func() {
			_, err := a.Join(t.Context(), code, "ann", good, visitor)
			results <- err
		}()
		return a.waiting(t, 2)
	})
	added, joined := <-results, <-results
	if added != nil { // either of the two may get its result first
		added, joined = joined, added
	}
	if err != nil || added != nil || !errors.Is(joined, account.ErrLink) {
		t.Errorf("got %v, %v and %v; want one account, and ErrLink", err, added, joined)
	}
	if names := a.usernames(t); len(names) != 1 || names[0] != "bob" {
		t.Errorf("the accounts are %v, want bob", names)
	}
}

// waiting returns as soon as that many transactions wait for locks in the database.
func (h *fixture) waiting(t *testing.T, want int64) error {
	t.Helper()
	for t.Context().Err() == nil {
		n, err := db.One(t.Context(), h.db, db.Int, `SELECT COUNT(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
			WHERE NOT l.granted AND d.datname = current_database()`)
		if err != nil || n >= want {
			return err
		}
	}
	return t.Context().Err()
}

// Attack race/one-winner, servers/races: one link is used on two servers, and one username
// is asked for on both.
func TestServersLetOneIn(t *testing.T) {
	a := open(t)
	b := a.second(t)
	a.add(t, "ann", account.Owner)
	for round := range raceRounds {
		join, reset := a.join(t, account.Member), a.reset(t, "ann")
		name := fmt.Sprint("bob", round)
		for what, do := range map[string]func(h *fixture, who string) error{
			"a join link": func(h *fixture, who string) error {
				_, err := h.Join(t.Context(), join, name+who, good, visitor)
				return err
			},
			"a reset link": func(h *fixture, _ string) error {
				_, err := h.Reset(t.Context(), reset, other, visitor)
				return err
			},
			"a name": func(h *fixture, _ string) error {
				_, err := h.Add(t.Context(), account.NewAccount{Username: name, Password: good, Role: account.Member}, keeper)
				return err
			},
		} {
			got := race(t, []func() error{
				func() error { return do(a, "a") },
				func() error { return do(b, "b") },
			}, nil, account.ErrLink, account.ErrTaken)
			if got[nil] != 1 {
				t.Fatalf("round %d: %d got in by %s, want 1", round, got[nil], what)
			}
		}
	}
}

// Attack account/made-again: one server deletes an account while the other creates one with
// its username: the username stays taken.
func TestServersGiveNoDeletedNameAway(t *testing.T) {
	a := open(t)
	b := a.second(t)
	a.add(t, "ann", account.Owner)
	for round := range raceRounds {
		a.add(t, "bob", account.Member)
		var made error
		race(t, []func() error{
			func() error { return a.Delete(t.Context(), "bob", keeper) },
			func() error {
				_, made = b.Add(t.Context(), account.NewAccount{Username: "bob", Password: good, Role: account.Member}, keeper)
				return made
			},
		}, nil, account.ErrTaken)
		if made == nil {
			t.Fatalf("round %d: the deleted name was given away", round)
		}
		if err := a.Free(t.Context(), "bob", keeper); err != nil {
			t.Fatal(err)
		}
	}
}

// Attack race/one-winner, servers/races: a sign-in on one server races with a change on the
// other: no session and no app password outlives the change.
func TestServersLetNothingOutliveAChange(t *testing.T) {
	a := open(t)
	b := a.second(t)
	a.add(t, "ann", account.Owner)
	a.add(t, "bob", account.Member)
	for round := range raceRounds {
		bob, err := a.Find(t.Context(), "bob")
		if err != nil {
			t.Fatal(err)
		}
		race(t, []func() error{
			func() error { _, err := a.signIn(t.Context(), "bob", good); return err },
			func() error { return b.SetPassword(t.Context(), "bob", good, keeper) },
			func() error {
				_, err := a.NewAppPassword(t.Context(), bob, account.AppPassword{Name: "backup"}, keeper)
				return err
			},
		}, nil, account.ErrSignIn, session.ErrChanged)
		// A session that is left was started after the change, with the new password.
		dead := a.texts(t, `SELECT s.sid FROM sessions s JOIN accounts a ON a.id = s.account_id AND s.ended_at = 0 AND s.epoch = a.session_epoch
			WHERE s.started_at < (SELECT MAX(at) FROM audit WHERE event = 'password.changed')`)
		old := a.texts(t, `SELECT p.id FROM app_passwords p WHERE p.created_at < (SELECT MAX(at) FROM audit WHERE event = 'password.changed')`)
		if len(dead)+len(old) > 0 {
			t.Fatalf("round %d: %d sessions and %d app passwords of before the change live on", round, len(dead), len(old))
		}
		a.exec(t, `DELETE FROM sessions`)
	}
}

// Attack race/one-winner, servers/races: the limit of app passwords holds on two servers.
func TestServersMakeFiftyAppPasswords(t *testing.T) {
	a := open(t)
	b := a.second(t)
	ann := a.add(t, "ann", account.Owner)
	for range 49 {
		a.appPassword(t, ann, account.AppPassword{Name: "backup"})
	}
	for round := range raceRounds {
		made := func(h *fixture) func() error {
			return func() error {
				_, err := h.NewAppPassword(t.Context(), ann, account.AppPassword{Name: "last"}, keeper)
				return err
			}
		}
		got := race(t, []func() error{made(a), made(b)}, nil, account.ErrAppPasswordMany)
		if got[nil] != 1 {
			t.Fatalf("round %d: %d were made, want 1", round, got[nil])
		}
		a.exec(t, `DELETE FROM app_passwords WHERE name = 'last'`)
	}
}

// Attack race/one-winner, servers/races: the limit of sessions holds on two servers.
func TestServersKeepAHundredSessions(t *testing.T) {
	a := open(t)
	b := a.second(t)
	a.add(t, "ann", account.Owner)
	for range 99 {
		a.signedIn(t, "ann", good)
	}
	for round := range raceRounds {
		start := func(h *fixture) func() error {
			return func() error { _, err := h.signIn(t.Context(), "ann", good); return err }
		}
		race(t, []func() error{start(a), start(b)}, nil)
		if n := len(a.texts(t, `SELECT sid FROM sessions WHERE ended_at = 0`)); n > 100 {
			t.Fatalf("round %d: ann has %d sessions, want 100 at most", round, n)
		}
	}
}
