package account_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/audit"
)

// asks creates an account with the password good, which waits for approval.
func (h *fixture) asks(t *testing.T, name string) {
	t.Helper()
	if _, err := h.SignUp(t.Context(), account.NewAccount{Username: name, Password: good}, true, visitor); err != nil {
		t.Fatalf("%s asks for an account: %v", name, err)
	}
}

func TestSignUp(t *testing.T) {
	h := open(t)
	wanted := account.NewAccount{Username: "Eve", Password: good, Email: "Eve@site.example", Role: account.Owner}
	if _, err := h.SignUp(t.Context(), wanted, false, visitor); !is(err, account.ErrNoOwner) {
		t.Errorf("before the owner: got %v, want ErrNoOwner", err)
	}
	h.add(t, "ann", account.Owner)
	v, err := h.SignUp(t.Context(), wanted, false, visitor)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.start(t.Context(), v); err != nil {
		t.Errorf("starting the session: %v", err)
	}
	a, err := h.Authenticate(t.Context(), "eve", good)
	if err != nil || a.Role != account.Member || a.Email != "eve@site.example" || a.EmailConfirmed || a.State() != account.Active {
		t.Errorf("got %+v, %v; want a member whose address nobody confirmed", a, err)
	}
	if log := h.log(t); log[len(log)-2] != "eve account.added eve member" {
		t.Errorf("the log ends %q", log)
	}
}

// Attack people/sign-up: nothing can be done with an account that waits for approval, and
// only a sign-in with the right password is told that it waits.
func TestWhoWaitsCanDoNothing(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	v, err := h.SignUp(t.Context(), account.NewAccount{Username: "eve", Password: good, Email: "eve@site.example"}, true, visitor)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.start(t.Context(), v); err == nil {
		t.Error("a session was started")
	}
	for _, tt := range []struct {
		name string
		do   func() error
		want error
	}{
		{"the right password", func() error { _, err := h.Authenticate(t.Context(), "eve", good); return err }, account.ErrWaiting},
		{"a wrong one", func() error { _, err := h.Authenticate(t.Context(), "eve", other); return err }, account.ErrSignIn},
		{"the address", func() error { _, err := h.Authenticate(t.Context(), "eve@site.example", good); return err }, account.ErrSignIn},
		{"a reset", func() error { _, err := h.NewReset(t.Context(), "eve", keeper); return err }, account.ErrWaiting},
	} {
		if err := tt.do(); !is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	if err := h.Disable(t.Context(), "eve", keeper); !errors.Is(err, account.ErrWaiting) {
		t.Errorf("disabling: got %v, want ErrWaiting", err)
	}
	a, err := h.Find(t.Context(), "eve")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.NewAppPassword(t.Context(), a, account.AppPassword{Name: "sync"}, visitor); err == nil {
		t.Error("an app password was made")
	}
	if n, err := h.Waiting(t.Context()); n != 1 || err != nil || a.State() != account.Waiting {
		t.Errorf("%d wait, %v; eve is %s", n, err, a.State())
	}
}

func TestApproveAndReject(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	for _, name := range []string{"eve", "fay", "gil"} {
		h.asks(t, name)
	}
	h.add(t, "dan", account.Member)
	err := errors.Join(h.Approve(t.Context(), "eve", keeper), h.Enable(t.Context(), "fay", keeper), h.Reject(t.Context(), "gil", keeper), h.Disable(t.Context(), "dan", keeper))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"eve", "fay"} {
		if a, err := h.Authenticate(t.Context(), name, good); err != nil || a.State() != account.Active {
			t.Errorf("%s, approved: %s, %v", name, a.State(), err)
		}
	}
	for _, name := range []string{"ann", "dan", "eve"} {
		if a, r := h.Approve(t.Context(), name, keeper), h.Reject(t.Context(), name, keeper); !errors.Is(a, account.ErrNotWaiting) || !errors.Is(r, account.ErrNotWaiting) {
			t.Errorf("%s: approving %v, rejecting %v; want ErrNotWaiting", name, a, r)
		}
	}
	h.asks(t, "gil") // the username of a rejected account is free
	for state, want := range map[string]string{account.Waiting: "gil", account.Disabled: "dan", account.Active: "ann eve fay"} {
		if got, err := h.People(t.Context(), account.Query{State: state}); strings.Join(usernamesOf(got), " ") != want || err != nil {
			t.Errorf("%s are %q, %v; want %q", state, usernamesOf(got), err, want)
		}
	}
	log := h.log(t)
	for _, want := range []string{"eve account.requested eve", "keeper account.approved eve", "keeper account.approved fay", "keeper account.rejected gil"} {
		if !slices.Contains(log, want) {
			t.Errorf("the log has no %q: %q", want, log)
		}
	}
}

// Sign-up refuses usernames that are taken, reserved or deleted.
func TestNamesStayTakenAtSignUp(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "dan", account.Member)
	if err := h.Delete(t.Context(), "dan", keeper); err != nil {
		t.Fatal(err)
	}
	h.asks(t, "eve")
	for name, want := range map[string]error{"ann": account.ErrTaken, "Dan": account.ErrTaken, "eve": account.ErrTaken, "Admin": account.ErrReserved, "a b": account.ErrName} {
		for _, waits := range []bool{false, true} {
			if _, err := h.SignUp(t.Context(), account.NewAccount{Username: name, Password: good}, waits, visitor); !is(err, want) {
				t.Errorf("%s: got %v, want %v", name, err, want)
			}
		}
		got := h.CheckSignUp(account.NewAccount{Username: name, Password: good})
		if errors.Is(want, account.ErrTaken) {
			want = nil // checked only when the account is created
		}
		if !is(got, want) {
			t.Errorf("%s, the form alone: got %v, want %v", name, got, want)
		}
	}
}

// Attack people/sign-up: the number of accounts that wait for approval is limited.
func TestWaitingIsBounded(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	for i := range account.MaxWaiting - 1 {
		h.exec(t, `INSERT INTO accounts (id, username, role, password, created_at, disabled_at, waiting_at) VALUES (?, ?, 'member', '', 1, 1, 9000000000000000)`,
			fmt.Sprint(i), fmt.Sprintf("many-%d", i))
	}
	two := h.second(t)
	got := atOnce(t, 10, func(i int) error {
		on := []*fixture{h, two}[i%2]
		_, err := on.SignUp(t.Context(), account.NewAccount{Username: fmt.Sprintf("eve%d", i), Password: good}, true, visitor)
		return err
	}, nil, account.ErrFull)
	if n, err := h.Waiting(t.Context()); n != account.MaxWaiting || got[nil] != 1 || err != nil {
		t.Errorf("%d wait, %d of 10 were let in, %v", n, got[nil], err)
	}
	if _, err := h.SignUp(t.Context(), account.NewAccount{Username: "fay", Password: good}, false, visitor); err != nil {
		t.Errorf("one that does not wait: %v", err)
	}
}

// Attack race/one-winner: one owner approves and another rejects while the sweep runs.
func TestApprovedOrRejected(t *testing.T) {
	h := open(t)
	two := h.second(t)
	h.add(t, "ann", account.Owner)
	for round := range raceRounds {
		h.asks(t, "eve")
		got := race(t, []func() error{
			func() error { return h.Approve(t.Context(), "eve", keeper) },
			func() error { return two.Reject(t.Context(), "eve", keeper) },
		}, nil, account.ErrNotWaiting, account.ErrUnknown)
		if got[nil] != 1 {
			t.Fatalf("round %d: %d won", round, got[nil])
		}
		if err := h.Delete(t.Context(), "eve", keeper); err == nil {
			err = h.Free(t.Context(), "eve", keeper)
			if err != nil {
				t.Fatal(err)
			}
		} else if !errors.Is(err, account.ErrUnknown) {
			t.Fatal(err)
		}
	}
}

func TestWaitingEnds(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.asks(t, "eve")
	h.asks(t, "fay")
	if err := h.Approve(t.Context(), "fay", keeper); err != nil {
		t.Fatal(err)
	}
	h.clock.add(account.WaitingLife / 2)
	h.asks(t, "gil")
	for _, want := range []string{"ann eve fay gil", "ann fay gil", "ann fay"} {
		if err := h.Sweep(t.Context(), 10*account.WaitingLife); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(h.usernames(t), " "); got != want {
			t.Errorf("the accounts are %q, want %q", got, want)
		}
		h.clock.add(account.WaitingLife / 2)
	}
	if log := h.log(t); !slices.Contains(log, "glassjar account.expired eve") {
		t.Errorf("the log says %q", log)
	}
	if _, err := h.Add(t.Context(), account.NewAccount{Username: "eve", Password: good, Role: account.Member}, audit.Command()); err != nil {
		t.Errorf("the name of one that was swept: %v", err)
	}
}
