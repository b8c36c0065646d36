package account_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/mail"
	"glassjar/utl/session"
)

// lockFixture is a fixture in which bob can lock his account with links from mails.
type lockFixture struct {
	*fixture

	bob                  account.Account
	own                  audit.Actor // bob
	reset, first, second string      // codes of his links: for a new password, and two that lock the account
}

// mailed returns the code of the link in a mail of that kind to bob.
func (h *fixture) mailed(t *testing.T, kind mail.Kind, bob account.Account) (string, error) {
	t.Helper()
	_, code, _, err := h.MailLink(t.Context(), mail.Message{Kind: kind, AccountID: bob.ID, To: "bob@site.example"})
	return code, err
}

// openLockFixture returns a lockFixture in which bob has used none of the links.
func openLockFixture(t *testing.T) *lockFixture {
	t.Helper()
	h := &lockFixture{fixture: open(t)}
	h.add(t, "ann", account.Owner)
	h.bob = h.add(t, "bob", account.Member)
	h.own = audit.Actor{ID: h.bob.ID, Name: "bob"}
	h.confirmed(t, "bob")
	h.reset = h.fixture.reset(t, "bob")
	h.first = link(t, func() (string, error) { return h.mailed(t, mail.NewBrowser, h.bob) })
	h.second = link(t, func() (string, error) { return h.mailed(t, mail.PasswordChanged, h.bob) })
	return h
}

func (h *lockFixture) lock(t *testing.T) {
	t.Helper()
	if err := h.LockByLink(t.Context(), h.first, visitor); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.bob, err = h.Find(t.Context(), "bob"); err != nil || !h.bob.Locked(h.clock.now()) {
		t.Fatalf("bob is %+v, %v", h.bob, err)
	}
}

// Attack mail/lock: a lock ends all sessions, app passwords and links, even if the
// password was changed after the mail.
func TestALockEndsEverything(t *testing.T) {
	h := openLockFixture(t)
	secret := h.appPassword(t, h.bob, account.AppPassword{Name: "sync"})
	cookies := []*http.Cookie{h.signedIn(t, "bob", good)}
	h.give(t, "bob", other) // the links that lock stay valid
	cookies = append(cookies, h.signedIn(t, "bob", other))
	proven, err := h.Authenticate(t.Context(), "bob", other)
	if err != nil {
		t.Fatal(err)
	}
	h.lock(t)
	if _, err := h.start(t.Context(), proven.Verified(1, "pwd")); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a sign-in that began before: %v, want ErrChanged", err)
	}
	for _, c := range cookies {
		if h.live(t, c) {
			t.Error("a session lives on")
		}
	}
	if _, err := h.AppPassword(t.Context(), secret, "bob", "app.example"); !errors.Is(err, account.ErrAppPassword) {
		t.Errorf("the app password: %v", err)
	}
}

// Attack mail/lock: for 24 hours nobody can change what the person signs in with, and the
// link works once.
func TestALockHoldsWhatSignsIn(t *testing.T) {
	h := openLockFixture(t)
	h.lock(t)
	before := h.dump(t)
	for _, tt := range []struct {
		name string
		try  func(context.Context) error
		want error
	}{
		{"the password", func(ctx context.Context) error {
			_, err := h.ChangePassword(ctx, h.bob, good, other, h.own)
			return err
		}, account.ErrLocked},
		{"by a command", func(ctx context.Context) error { return h.SetPassword(ctx, "bob", other, audit.Command()) }, account.ErrLocked},
		{"the email address", func(ctx context.Context) error { return h.SetEmail(ctx, "bob", "b@site.example", true, keeper) }, account.ErrLocked},
		{"the profile", func(ctx context.Context) error { return h.SetProfile(ctx, "bob", "Bob", "", h.own) }, account.ErrLocked},
		{"the factors", func(context.Context) error { return h.factors(t, h.bob, "x", h.own) }, account.ErrLocked},
		{"an app password", func(ctx context.Context) error {
			_, err := h.NewAppPassword(ctx, h.bob, account.AppPassword{Name: "a"}, h.own)
			return err
		}, account.ErrLocked},
		{"a reset link", func(ctx context.Context) error { _, err := h.NewReset(ctx, "bob", keeper); return err }, account.ErrLocked},
		{"his own account's end", func(ctx context.Context) error { return h.Delete(ctx, "bob", h.own) }, account.ErrLocked},
		{"his own lock", func(ctx context.Context) error { return h.Unlock(ctx, "bob", h.own) }, account.ErrOwnLock},
		{"with the reset link", func(ctx context.Context) error { _, err := h.Reset(ctx, h.reset, other, visitor); return err }, account.ErrLink},
		{"with the link again", func(ctx context.Context) error { return h.LockByLink(ctx, h.first, visitor) }, account.ErrLink},
		{"with another link's code", func(ctx context.Context) error { return h.LockByLink(ctx, h.reset, visitor) }, account.ErrLink},
		{"a mailed reset", func(context.Context) error { _, err := h.mailed(t, mail.Reset, h.bob); return err }, mail.ErrNotDue},
	} {
		if err := tt.try(t.Context()); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
	if after := h.dump(t); !slices.Equal(before, after) {
		t.Error("something changed")
	}
	if err := errors.Join(h.SetProfile(t.Context(), "bob", "Bob", "bob@site.example", h.own), h.SetGroups(t.Context(), "bob", []string{"dev"}, keeper)); err != nil {
		t.Errorf("what has nothing to do with signing in: %v", err)
	}
}

// A lock ends when an owner unlocks the account, or after 24 hours.
func TestALockEnds(t *testing.T) {
	h := openLockFixture(t)
	wantState := func(want string) {
		t.Helper()
		if a, err := h.Find(t.Context(), "bob"); err != nil || a.StateAt(h.clock.now()) != want {
			t.Errorf("bob is %s, %v; want %s", a.StateAt(h.clock.now()), err, want)
		}
	}
	h.lock(t)
	wantState(account.Locked)
	if err := h.Unlock(t.Context(), "bob", keeper); err != nil {
		t.Fatal(err)
	}
	wantState(account.Active)
	h.give(t, "bob", good)
	if err := h.LockByLink(t.Context(), h.second, visitor); err != nil {
		t.Errorf("the other link: %v", err)
	}
	h.clock.add(account.LockLife + time.Second)
	h.give(t, "bob", other)
	kinds := map[string]int{}
	events, err := h.EventsBefore(t.Context(), h.bob.ID, 1<<40, 100)
	for _, e := range events {
		kinds[e.Kind]++
	}
	if err != nil || kinds["account.locked"] != 2 || kinds["account.unlocked"] != 1 {
		t.Errorf("the audit has %v, %v", kinds, err)
	}
}
