package account_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/account"
	"glassjar/utl/account/accounttest"
	"glassjar/utl/session"
)

// atOnce runs do n times concurrently and returns how often it returned each of the errors
// in may, of which nil is one. Any other error fails the test.
func atOnce(t *testing.T, n int, do func(i int) error, may ...error) map[error]int {
	t.Helper()
	got := map[error]int{}
	for _, err := range accounttest.AtOnce(n, do) {
		i := slices.IndexFunc(may, func(m error) bool { return errors.Is(err, m) })
		if i < 0 {
			t.Errorf("one of %d at once: %v", n, err)
			continue
		}
		got[may[i]]++
	}
	return got
}

// Attack race/one-winner, servers/races: 100 accounts with one username.
func TestOfAHundredWhoWantANameOneGetsIt(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	codes := make([]string, 50)
	for i := range codes {
		codes[i] = h.join(t, account.Member)
	}
	got := atOnce(t, 100, func(i int) error {
		if i < len(codes) {
			_, err := h.Join(t.Context(), codes[i], "bob", good, visitor)
			return err
		}
		_, err := h.Add(t.Context(), account.NewAccount{Username: "Bob", Password: good, Role: account.Member}, keeper)
		return err
	}, nil, account.ErrTaken)
	if got[nil] != 1 || len(h.usernames(t)) != 2 {
		t.Errorf("%d got the name, the accounts are %v", got[nil], h.usernames(t))
	}
}

// Attack race/one-winner, servers/races: 100 uses of one link.
func TestOfAHundredWithALinkOneGetsIn(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	join, reset := h.join(t, account.Member), h.reset(t, "ann")
	got := atOnce(t, 100, func(i int) error {
		_, err := h.Join(t.Context(), join, fmt.Sprintf("bob%d", i), good, visitor)
		return err
	}, nil, account.ErrLink)
	if got[nil] != 1 || len(h.usernames(t)) != 2 {
		t.Errorf("%d used the join link, the accounts are %v", got[nil], h.usernames(t))
	}
	got = atOnce(t, 100, func(i int) error {
		_, err := h.Reset(t.Context(), reset, fmt.Sprintf("%s %d", other, i), visitor)
		return err
	}, nil, account.ErrLink)
	if got[nil] != 1 {
		t.Errorf("%d used the reset link", got[nil])
	}
}

// Attack race/one-winner, servers/races: 100 uses of the first owner's link.
func TestOfAHundredFirstOwnersOneIsTheFirst(t *testing.T) {
	h := open(t)
	code := link(t, func() (string, error) { return h.NewFirst(t.Context()) })
	got := atOnce(t, 100, func(i int) error {
		if i%10 == 0 { // some servers start meanwhile
			var made *account.MadeError
			if _, err := h.NewFirst(t.Context()); !errors.As(err, &made) {
				return err
			}
			return nil
		}
		_, err := h.Join(t.Context(), code, fmt.Sprintf("ann%d", i), good, visitor)
		return err
	}, nil, account.ErrLink)
	if joined := got[nil] - 10; joined > 1 || len(h.usernames(t)) != joined {
		t.Errorf("%d joined, the accounts are %v", joined, h.usernames(t))
	}

	for i := range 20 { // the command that adds the first account races with the link
		h.exec(t, `DELETE FROM accounts`)
		h.clock.add(time.Minute)
		code := link(t, func() (string, error) { return h.NewFirst(t.Context()) })
		atOnce(t, 2, func(who int) error {
			if who == i%2 {
				_, err := h.Add(t.Context(), account.NewAccount{Username: "bob", Password: good, Role: account.Member}, keeper)
				return err
			}
			_, err := h.Join(t.Context(), code, "ann", good, visitor)
			return err
		}, nil, account.ErrLink)
		first := h.texts(t, `SELECT username FROM accounts ORDER BY created_at, username`)
		log := h.log(t)
		if last := log[len(log)-1]; len(first) == 2 && last != "keeper account.added bob member" {
			t.Errorf("the first link made an account where one was: %q came last", last)
		}
	}
}

// Attack race/one-winner, servers/races: two owners disable or delete each other.
func TestOfTwoOwnersWhoTurnOnEachOtherOneStays(t *testing.T) {
	h := open(t)
	owners := []string{"ann", "bob"}
	for _, name := range owners {
		h.add(t, name, account.Owner)
	}
	for round := range 50 {
		got := atOnce(t, 2, func(i int) error {
			if round%4 == 3 && i == 0 {
				return h.Delete(t.Context(), owners[i], keeper)
			}
			return h.Disable(t.Context(), owners[i], keeper)
		}, nil, account.ErrLastOwner)
		if got[nil] != 1 {
			t.Fatalf("round %d: %d of the two were kept from it", round, got[account.ErrLastOwner])
		}
		if len(h.usernames(t)) < 2 {
			h.add(t, "ann", account.Owner)
		}
		for _, name := range owners {
			if err := h.Enable(t.Context(), name, keeper); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Attack race/one-winner, servers/races: a change of an account races with two sign-ins, for
// a hundred accounts: all may succeed, but no session outlives the change.
func TestNoSignInOutrunsAChange(t *testing.T) {
	for _, tt := range ends {
		t.Run(tt.name, func(t *testing.T) {
			const rounds, together = 5, 5
			h := open(t)
			h.add(t, "ann", account.Owner)
			for round := range rounds {
				people := make([]account.Account, together)
				for i := range people {
					people[i] = h.add(t, fmt.Sprintf("bob%d-%d", round, i), account.Member)
				}
				cookies := make([]*http.Cookie, 2*together)
				atOnce(t, 3*together, func(i int) (err error) {
					a := people[i%together]
					if i < together {
						return tt.do(t.Context(), h, a)
					}
					cookies[i-together], err = h.signIn(t.Context(), a.Username, good)
					return err
				}, nil, account.ErrSignIn, session.ErrChanged)
				for _, c := range cookies {
					if c != nil && h.live(t, c) {
						t.Fatalf("round %d: a session outlived the change", round)
					}
				}
				for _, a := range people {
					if _, err := h.signIn(t.Context(), a.Username, good); !errors.Is(err, account.ErrSignIn) {
						t.Fatalf("round %d: a sign-in after the change: %v", round, err)
					}
				}
			}
		})
	}
}

// Attack race/one-winner
func TestOfAHundredWhoDeleteAnAccountOneDoes(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	log := h.log(t)
	got := atOnce(t, 100, func(int) error { return h.Delete(t.Context(), "bob", keeper) }, nil, account.ErrUnknown)
	if got[nil] != 1 {
		t.Errorf("%d deleted it", got[nil])
	}
	if diff := cmp.Diff(append(log, "keeper account.deleted bob"), h.log(t)); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
}

// Attack race/one-winner: of four concurrent changes of one password, one wins, and its
// password is the account's.
func TestOfFourNewPasswordsOneIsIt(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	current := good
	for round := range 25 {
		var pws [4]string
		var verified [4]session.Verified
		got := atOnce(t, 4, func(i int) (err error) {
			pws[i] = fmt.Sprintf("%s %d-%d", other, round, i)
			verified[i], err = h.ChangePassword(t.Context(), ann, current, pws[i], keeper)
			return err
		}, nil, account.ErrSignIn, session.ErrChanged)
		won := 0
		for i, v := range verified {
			_, err := h.Authenticate(t.Context(), "ann", pws[i])
			_, startErr := h.start(t.Context(), v)
			if (err == nil) != (v.AccountID != "") || (startErr == nil) != (err == nil) {
				t.Fatalf("round %d: ChangePassword returned %+v; signing in: %v; going on: %v", round, v, err, startErr)
			}
			if err == nil {
				won, current = won+1, pws[i]
			}
		}
		if got[nil] != 1 || won != 1 {
			t.Fatalf("round %d: %d changed the password, %d are it", round, got[nil], won)
		}
	}
}
