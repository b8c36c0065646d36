package account_test

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

// populated is a fixture with an owner, ann, and a member, bob. ann is signed in in one
// browser and bob in two. There are a join link, a reset link for each of them, and an
// app password of bob's, all valid.
type populated struct {
	*fixture

	bob                       account.Account
	join, reset, anns, secret string
	cookie, desk, phone       *http.Cookie // ann's, and bob's two
}

func openPopulated(t *testing.T) populated {
	t.Helper()
	h := populated{fixture: open(t)}
	h.add(t, "ann", account.Owner)
	h.bob = h.add(t, "bob", account.Member)
	h.join, h.reset = h.fixture.join(t, account.Owner), h.fixture.reset(t, "bob")
	h.anns = h.fixture.reset(t, "ann")
	h.secret = h.appPassword(t, h.bob, account.AppPassword{Name: "backup"})
	h.cookie, h.desk, h.phone = h.signedIn(t, "ann", good), h.signedIn(t, "bob", good), h.signedIn(t, "bob", good)
	return h
}

// change is a change of an account in a populated fixture.
type change struct {
	name string
	do   func(context.Context, populated) error
	want []string // its rows in the audit log
	bobs bool     // whether it ends bob's sessions, his reset link and his app password
}

// changes are all changes that the store can make to an account.
var changes = []change{
	{
		"a set password", func(ctx context.Context, h populated) error { return h.SetPassword(ctx, "Bob", other, keeper) },
		[]string{"keeper session.ended bob", "keeper session.ended bob", "keeper apppassword.revoked bob backup", "keeper password.changed bob"},
		true,
	},
	{"a changed password", func(ctx context.Context, h populated) error {
		_, err := h.ChangePassword(ctx, h.bob, good, other, keeper)
		return err
	}, []string{"keeper session.ended bob", "keeper session.ended bob", "keeper apppassword.revoked bob backup", "keeper password.changed bob"}, true},
	{
		"a reset", func(ctx context.Context, h populated) error {
			_, err := h.Reset(ctx, h.reset, other, visitor)
			return err
		},
		[]string{"bob session.ended bob", "bob session.ended bob", "bob link.used bob reset", "bob apppassword.revoked bob backup", "bob password.changed bob"},
		true,
	},
	{
		"a disabled account", func(ctx context.Context, h populated) error { return h.Disable(ctx, "BOB", keeper) },
		[]string{"keeper session.ended bob", "keeper session.ended bob", "keeper apppassword.revoked bob backup", "keeper account.disabled bob"},
		true,
	},
	{
		"an account that is enabled already", func(ctx context.Context, h populated) error { return h.Enable(ctx, "Bob", keeper) },
		nil, false,
	},
	{
		"a deleted account", func(ctx context.Context, h populated) error { return h.Delete(ctx, "boB", keeper) },
		[]string{"keeper session.ended bob", "keeper session.ended bob", "keeper apppassword.revoked bob backup", "keeper account.deleted bob"},
		true,
	},
	{"an added account", func(ctx context.Context, h populated) error {
		_, err := h.Add(ctx, account.NewAccount{Username: "Carol", Password: good, Role: account.Member}, keeper)
		return err
	}, []string{"keeper account.added carol member"}, false},
	{
		"a joined account", func(ctx context.Context, h populated) error {
			_, err := h.Join(ctx, h.join, "Carol", good, visitor)
			return err
		},
		[]string{"carol link.used carol join", "carol account.added carol owner"},
		false,
	},
	{
		"a join link", func(ctx context.Context, h populated) error {
			_, err := h.NewJoin(ctx, account.Member, keeper)
			return err
		},
		[]string{"keeper link.made join"},
		false,
	},
	{
		"a reset link", func(ctx context.Context, h populated) error { _, err := h.NewReset(ctx, "BOB", keeper); return err },
		[]string{"keeper link.made bob reset"},
		false,
	},
	{
		"an app password", func(ctx context.Context, h populated) error {
			_, err := h.NewAppPassword(ctx, h.bob, account.AppPassword{Name: "sync"}, keeper)
			return err
		},
		[]string{"keeper apppassword.made bob sync"},
		false,
	},
}

// Attack cookie/replay: each change, its audit entries (actor, event, account, detail) and
// the end of the account's sessions happen in one transaction: all of them, or none.
func TestAChangeIsWholeAuditedAndAtOnce(t *testing.T) {
	for _, tt := range changes {
		t.Run(tt.name, func(t *testing.T) {
			h := openPopulated(t)
			log := h.log(t)
			h.unrecorded(t, tt)
			if err := tt.do(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			h.wantBobs(t, !tt.bobs)
			if _, err := h.Link(t.Context(), account.Reset, h.anns); err != nil {
				t.Errorf("ann's reset link: %v", err)
			}
			if _, err := h.Link(t.Context(), account.Join, h.join); err != nil && tt.name != "a joined account" {
				t.Errorf("the join link: %v", err)
			}
			if !h.live(t, h.cookie) {
				t.Error("ann's session ended too")
			}
			if diff := cmp.Diff(append(log, tt.want...), h.log(t)); diff != "" {
				t.Errorf("the audit log (-want +got):\n%s", diff)
			}
		})
	}
}

// unrecorded makes the change while each of its audit rows in turn cannot be written,
// and fails the test if anything was changed.
func (h populated) unrecorded(t *testing.T, c change) {
	t.Helper()
	before := h.dump(t)
	for _, row := range c.want {
		event := strings.Fields(row)[1]
		room := dbtest.Refuse(t, h.db, "INSERT", "audit", "NEW.event = '"+event+"'")
		err := c.do(t.Context(), h)
		room()
		if diff := cmp.Diff(before, h.dump(t)); err == nil || diff != "" {
			t.Fatalf("%s cannot be recorded: got %v (-before +after):\n%s", event, err, diff)
		}
		if !h.live(t, h.cookie) || !h.live(t, h.desk) || !h.live(t, h.phone) {
			t.Fatalf("%s cannot be recorded, yet a session ended", event)
		}
	}
}

// wantBobs fails the test unless bob's sessions, reset link and app password are all
// valid, or with want false all invalid.
func (h populated) wantBobs(t *testing.T, want bool) {
	t.Helper()
	if h.live(t, h.desk) != want || h.live(t, h.phone) != want {
		t.Errorf("bob's sessions: got live = %v, %v, want %v", h.live(t, h.desk), h.live(t, h.phone), want)
	}
	if _, err := h.Link(t.Context(), account.Reset, h.reset); errors.Is(err, account.ErrLink) == want {
		t.Errorf("bob's reset link: got %v, want it good = %v", err, want)
	}
	if _, err := h.AppPassword(t.Context(), h.secret, "", "app.example"); errors.Is(err, account.ErrAppPassword) == want {
		t.Errorf("bob's app password: got %v, want it good = %v", err, want)
	}
}

func TestAnAuditRowSaysWhoWhatAndWhen(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	began := h.clock.now()
	v, err := h.Join(t.Context(), h.join(t, account.Member), "bob", good, visitor)
	if err != nil {
		t.Fatal(err)
	}
	got, err := audit.Before(t.Context(), h.db, v.AccountID, math.MaxInt64, 2)
	if err != nil || len(got) != 2 {
		t.Fatalf("Last = %+v, %v, want two", got, err)
	}
	bob := audit.Actor{ID: v.AccountID, Name: "bob", Address: visitor.Address, Agent: visitor.Agent}
	want := []audit.Entry{
		{ID: got[0].ID, Event: audit.Event{Kind: "account.added", AccountID: v.AccountID, Username: "bob", Detail: "member"}, At: got[0].At, By: bob},
		{ID: got[1].ID, Event: audit.Event{Kind: "link.used", AccountID: v.AccountID, Username: "bob", Detail: "join"}, At: got[1].At, By: bob},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the newest events (-want +got):\n%s", diff)
	}
	if !got[1].At.After(began) || !got[0].At.After(got[1].At) || got[0].At.After(h.clock.now()) {
		t.Errorf("the events are of %v and %v, between %v and now", got[0].At, got[1].At, began)
	}
}

func TestANewPasswordIsTheOnlyOne(t *testing.T) {
	h := open(t)
	bob := h.add(t, "bob", account.Owner)
	v, err := h.ChangePassword(t.Context(), bob, good, other, keeper)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := h.start(t.Context(), v); err != nil || !h.live(t, c) {
		t.Errorf("who changed the password cannot go on: %v", err)
	}
	if _, err := h.signIn(t.Context(), "bob", good); !errors.Is(err, account.ErrSignIn) {
		t.Errorf("the old password: got %v, want ErrSignIn", err)
	}
	h.signedIn(t, "bob", other)
}

func TestAPasswordIsChangedByWhoKnowsIt(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	bob, carol, dan := h.add(t, "bob", account.Member), h.add(t, "carol", account.Member), h.add(t, "dan", account.Member)
	if err := errors.Join(h.Disable(t.Context(), "carol", keeper), h.Delete(t.Context(), "dan", keeper)); err != nil {
		t.Fatal(err)
	}
	h.add(t, "dan", account.Member) // a new account with the old name
	before := h.dump(t)
	tests := []struct {
		name    string
		who     account.Account
		current string
		want    error
	}{
		{"not the current password", bob, other, account.ErrSignIn},
		{"no current password", bob, "", account.ErrSignIn},
		{"a disabled account", carol, good, session.ErrChanged},
		{"a deleted account", dan, good, session.ErrChanged},
		{"nobody", account.Account{}, good, session.ErrChanged},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if v, err := h.ChangePassword(t.Context(), tt.who, tt.current, "a third password it is", keeper); !is(err, tt.want) || v != (session.Verified{}) {
				t.Errorf("ChangePassword = %+v, %v, want %v", v, err, tt.want)
			}
			if diff := cmp.Diff(before, h.dump(t)); diff != "" {
				t.Errorf("the database changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestADisabledAccountIsOutUntilItIsEnabled(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	verified, err := h.Authenticate(t.Context(), "bob", good)
	if err != nil {
		t.Fatal(err)
	}
	cookie := h.signedIn(t, "bob", good)
	if err := h.Disable(t.Context(), "bob", keeper); err != nil {
		t.Fatal(err)
	}
	if _, err := h.signIn(t.Context(), "bob", good); !errors.Is(err, account.ErrSignIn) {
		t.Errorf("a sign-in while disabled: got %v, want ErrSignIn", err)
	}
	if err := h.Enable(t.Context(), "bob", keeper); err != nil {
		t.Fatal(err)
	}
	if h.live(t, cookie) {
		t.Error("enabling the account woke its old session")
	}
	if _, err := h.start(t.Context(), verified.Verified(1, "pwd")); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a sign-in that began before: got %v, want ErrChanged", err)
	}
	h.signedIn(t, "bob", good)
}
