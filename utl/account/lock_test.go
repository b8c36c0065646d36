package account_test

import (
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

// Attack mail/lock: a lock ends everything, and nothing that signs the person in
// changes for 24 hours, by whomever; the link works once.
func TestALock(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	bob := h.add(t, "bob", account.Member)
	h.confirmed(t, "bob")
	secret, err := h.NewAppPassword(t.Context(), bob, account.AppPassword{Name: "sync"}, keeper)
	if err != nil {
		t.Fatal(err)
	}
	reset := link(t, func() (string, error) { return h.NewReset(t.Context(), "bob", keeper) })
	cookies := []*http.Cookie{h.signedIn(t, "bob", good)}
	of := func(kind mail.Kind) (string, error) {
		_, code, _, err := h.MailLink(t.Context(), mail.Message{Kind: kind, AccountID: bob.ID, To: "bob@site.example"})
		return code, err
	}
	first := link(t, func() (string, error) { return of(mail.NewBrowser) })
	second := link(t, func() (string, error) { return of(mail.PasswordChanged) })
	h.give(t, "bob", other) // a new password takes no lock away
	cookies = append(cookies, h.signedIn(t, "bob", other))
	proven, err := h.Authenticate(t.Context(), "bob", other)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.LockByLink(t.Context(), first, visitor); err != nil {
		t.Fatal(err)
	}
	if _, err := h.start(t.Context(), proven.Verified(1, "pwd")); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a sign-in that began before: %v, want ErrChanged", err)
	}
	for _, c := range cookies {
		if h.live(t, c) {
			t.Error("a session lives on")
		}
	}
	if _, err := h.AppPassword(t.Context(), "bob", secret, "app.example"); !errors.Is(err, account.ErrAppPassword) {
		t.Errorf("the app password: %v", err)
	}
	bob, err = h.Find(t.Context(), "bob")
	if err != nil || !bob.Locked(h.clock.now()) {
		t.Fatalf("bob is %+v, %v", bob, err)
	}
	own := audit.Actor{ID: bob.ID, Name: "bob"}
	before := h.dump(t)
	for name, try := range map[string]func() error{
		"the password":      func() error { _, err := h.ChangePassword(t.Context(), bob, other, good, own); return err },
		"by a command":      func() error { return h.SetPassword(t.Context(), "bob", good, audit.Command()) },
		"the email address": func() error { return h.SetEmail(t.Context(), "bob", "b@site.example", true, keeper) },
		"the profile":       func() error { return h.SetProfile(t.Context(), "bob", "Bob", "", own) },
		"the factors":       func() error { return h.factors(t, bob, "x", own) },
		"an app password": func() error {
			_, err := h.NewAppPassword(t.Context(), bob, account.AppPassword{Name: "a"}, own)
			return err
		},
		"a reset link":           func() error { _, err := h.NewReset(t.Context(), "bob", keeper); return err },
		"his own account's end":  func() error { return h.Delete(t.Context(), "bob", own) },
		"his own lock":           func() error { return h.Unlock(t.Context(), "bob", own) },
		"with the reset link":    func() error { _, err := h.Reset(t.Context(), reset, good, visitor); return err },
		"with the link again":    func() error { return h.LockByLink(t.Context(), first, visitor) },
		"with another link code": func() error { return h.LockByLink(t.Context(), reset, visitor) },
		"a mailed reset":         func() error { _, err := of(mail.Reset); return err },
	} {
		want := map[string]error{
			"his own lock": account.ErrOwnLock, "with the reset link": account.ErrLink, "with the link again": account.ErrLink,
			"with another link code": account.ErrLink, "a mailed reset": mail.ErrNotDue,
		}[name]
		if want == nil {
			want = account.ErrLocked
		}
		if err := try(); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	if after := h.dump(t); !slices.Equal(before, after) {
		t.Error("something changed")
	}
	if err := errors.Join(h.SetProfile(t.Context(), "bob", "Bob", "bob@site.example", own), h.SetGroups(t.Context(), "bob", []string{"dev"}, keeper)); err != nil {
		t.Errorf("what has nothing to do with signing in: %v", err)
	}
	wantState := func(want string) {
		t.Helper()
		if a, err := h.Find(t.Context(), "bob"); err != nil || a.StateAt(h.clock.now()) != want {
			t.Errorf("bob is %s, %v; want %s", a.StateAt(h.clock.now()), err, want)
		}
	}
	wantState(account.Locked)
	if err := h.Unlock(t.Context(), "bob", keeper); err != nil {
		t.Fatal(err)
	}
	wantState(account.Active)
	h.give(t, "bob", good)
	if err := h.LockByLink(t.Context(), second, visitor); err != nil {
		t.Errorf("the other link: %v", err)
	}
	h.clock.add(account.LockLife + time.Second)
	h.give(t, "bob", other)
	kinds := map[string]int{}
	events, err := h.EventsBefore(t.Context(), bob.ID, 1<<40, 100)
	for _, e := range events {
		kinds[e.Kind]++
	}
	if err != nil || kinds["account.locked"] != 2 || kinds["account.unlocked"] != 1 {
		t.Errorf("the audit has %v, %v", kinds, err)
	}
}
