package account_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

func TestAddedAccountsAreListedByName(t *testing.T) {
	h := open(t)
	if any, err := h.Any(t.Context()); any || err != nil {
		t.Errorf("Any = %v, %v of an empty database", any, err)
	}
	began := h.clock.now()
	want := []account.Account{h.add(t, "Ann", account.Owner), h.add(t, "bob", account.Member), h.add(t, "carol", account.Owner)}
	if err := h.Disable(t.Context(), "carol", keeper); err != nil {
		t.Fatal(err)
	}
	want[2].Disabled = true

	got, err := h.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(account.Account{})); diff != "" {
		t.Errorf("List differs from what Add returned (-want +got):\n%s", diff)
	}
	ids := map[string]bool{}
	for _, a := range got {
		ids[a.ID] = true
		if len(a.ID) < 26 || a.Created.Before(began) || a.Created.After(h.clock.now()) || a.Created.Location() != time.UTC {
			t.Errorf("%s has the id %q and was created at %v", a.Username, a.ID, a.Created)
		}
	}
	if len(ids) != 3 {
		t.Errorf("three accounts share %d ids", len(ids))
	}
	if any, err := h.Any(t.Context()); !any || err != nil {
		t.Errorf("Any = %v, %v of a database with accounts", any, err)
	}
}

func TestAnAccountThatCannotBeAddedIsNot(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	before := h.dump(t)
	tests := []struct {
		name   string
		wanted account.NewAccount
		want   error
	}{
		{"a taken name", account.NewAccount{Username: "ANN", Password: good, Role: account.Member}, account.ErrTaken},
		{"no role", account.NewAccount{Username: "bob", Password: good}, account.ErrRole},
		{"an unknown role", account.NewAccount{Username: "bob", Password: good, Role: "Owner"}, account.ErrRole},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a, err := h.Add(t.Context(), tt.wanted, keeper); !is(err, tt.want) || a != (account.Account{}) {
				t.Errorf("Add = %+v, %v, want %v", a, err, tt.want)
			}
			if diff := cmp.Diff(before, h.dump(t)); diff != "" {
				t.Errorf("the database changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestOfIsTheAccountOfALiveSession(t *testing.T) {
	want := account.Account{Identity: identity.Identity{ID: "an id", Username: "ann", Name: "Ann", Role: account.Owner}}
	got := account.FromSession(session.Session{SID: "x", ID: "y", Identity: want.Identity})
	if got != want {
		t.Errorf("Of = %+v, want %+v", got, want)
	}
	if got := want.Called(); got != "Ann" {
		t.Errorf("Called = %q, want the display name", got)
	}
	want.Name = ""
	if got := want.Called(); got != "ann" {
		t.Errorf("Called = %q, want the username", got)
	}
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	if _, err := h.start(t.Context(), account.FromSession(session.Session{Identity: identity.Identity{ID: ann.ID, Username: "ann"}}).Verified(1, "pwd")); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a session started without a password: got %v, want ErrChanged", err)
	}
}

// Attack account/made-again: a new account with a deleted account's username gets
// nothing that belonged to the old one.
func TestANameMadeAgainIsAnotherAccount(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	old := h.add(t, "bob", account.Member)
	verified, err := h.Authenticate(t.Context(), "bob", good)
	if err != nil {
		t.Fatal(err)
	}
	cookie, reset := h.signedIn(t, "bob", good), h.reset(t, "bob")
	if err := h.Delete(t.Context(), "bob", keeper); err != nil {
		t.Fatal(err)
	}
	if _, err := h.signIn(t.Context(), "bob", good); !errors.Is(err, account.ErrSignIn) {
		t.Errorf("a sign-in while deleted: got %v, want ErrSignIn", err)
	}

	bob := h.add(t, "bob", account.Member)
	if bob.ID == old.ID {
		t.Error("the id was used again")
	}
	if h.live(t, cookie) {
		t.Error("the old cookie is somebody's")
	}
	if _, err := h.start(t.Context(), verified.Verified(1, "pwd")); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a sign-in that began before: got %v, want ErrChanged", err)
	}
	if _, err := h.Reset(t.Context(), reset, other, visitor); !is(err, account.ErrLink) {
		t.Errorf("the old reset link: got %v, want ErrLink", err)
	}
	if got, err := audit.Before(t.Context(), h.db, bob.ID, math.MaxInt64, 9); err != nil || len(got) != 1 {
		t.Errorf("the new account's events: got %+v, %v, want one", got, err)
	}
	if live, err := h.sessions.List(t.Context(), bob.ID); err != nil || len(live) != 0 {
		t.Errorf("the new account's sessions: got %+v, %v, want none", live, err)
	}
	h.signedIn(t, "bob", good)
}

func TestAnUnknownAccountCannotBeChanged(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	before := h.dump(t)
	_, reset := h.NewReset(t.Context(), "bob", keeper)
	for name, err := range map[string]error{
		"SetPassword": h.SetPassword(t.Context(), "bob", other, keeper), "Disable": h.Disable(t.Context(), "bob", keeper),
		"Enable": h.Enable(t.Context(), "bob", keeper), "Delete": h.Delete(t.Context(), "bob", keeper), "NewReset": reset,
	} {
		if !is(err, account.ErrUnknown) {
			t.Errorf("%s: got %v, want ErrUnknown", name, err)
		}
	}
	if diff := cmp.Diff(before, h.dump(t)); diff != "" {
		t.Errorf("the database changed (-before +after):\n%s", diff)
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	type people map[string]string // name: role, with a - when disabled
	tests := []struct {
		name string
		are  people
		want error // of disabling or deleting ann
	}{
		{"the only account", people{"ann": "owner"}, account.ErrLastOwner},
		{"beside members", people{"ann": "owner", "bob": "member", "carol": "member"}, account.ErrLastOwner},
		{"beside a disabled owner", people{"ann": "owner", "bob": "-owner"}, account.ErrLastOwner},
		{"beside another owner", people{"ann": "owner", "bob": "owner"}, nil},
		{"disabled, beside another owner", people{"ann": "-owner", "bob": "owner"}, nil},
		{"a member", people{"ann": "member", "bob": "owner"}, nil},
		{"a member where nobody is owner", people{"ann": "member"}, nil},
	}
	for _, tt := range tests {
		for act, do := range map[string]func(*fixture, context.Context) error{
			"disabled": func(h *fixture, ctx context.Context) error { return h.Disable(ctx, "ann", keeper) },
			"deleted":  func(h *fixture, ctx context.Context) error { return h.Delete(ctx, "ann", keeper) },
		} {
			t.Run(tt.name+" is "+act, func(t *testing.T) {
				h := open(t)
				for name, role := range tt.are {
					h.add(t, name, strings.TrimPrefix(role, "-"))
				}
				for name, role := range tt.are {
					if role[0] == '-' {
						h.exec(t, `UPDATE accounts SET disabled_at = 1 WHERE username = ?`, name)
					}
				}
				before := h.dump(t)
				if err := do(h, t.Context()); !errors.Is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if diff := cmp.Diff(before, h.dump(t)); (diff == "") != (tt.want != nil) {
					t.Errorf("the database changed (-before +after):\n%s", diff)
				}
			})
		}
	}
}
