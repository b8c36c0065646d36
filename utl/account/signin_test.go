package account_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/account"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

// Attack guessing/same-answers: a wrong username, a wrong password and a disabled account
// give the same error.
func TestARefusedSignInDoesNotSayWhy(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	if err := h.Disable(t.Context(), "bob", keeper); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, username, pw string }{
		{"a wrong password", "ann", other},
		{"no password", "ann", ""},
		{"a password of a megabyte", "ann", strings.Repeat("x", 1<<20)},
		{"a password that is not UTF-8", "ann", good + "\xff"},
		{"an unknown name", "nobody", good},
		{"a name that nobody can have", "ann/", good},
		{"a disabled account with the right password", "bob", good},
		{"a disabled account with a wrong password", "bob", other},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a, err := h.Authenticate(t.Context(), tt.username, tt.pw); !is(err, account.ErrSignIn) || a != (account.Account{}) {
				t.Errorf("Authenticate = %+v, %v, want nothing but ErrSignIn", a, err)
			}
		})
	}

	// Attack passwords/many-at-once: every attempt waits in the hashing queue, whatever
	// the name.
	busy := password.NewHasher(tiny, 1, 0)
	defer occupy(t, busy)()
	for _, name := range []string{"ann", "bob", "nobody", "ann/"} {
		if _, err := h.with(busy).Authenticate(t.Context(), name, good); !errors.Is(err, password.ErrBusy) {
			t.Errorf("Authenticate(%q) while hashing is busy: got %v, want ErrBusy", name, err)
		}
	}
}

// occupy takes the Hasher's only slot until free is called.
func occupy(t *testing.T, h *password.Hasher) (free func()) {
	t.Helper()
	ctx := waits{t.Context(), make(chan struct{}), make(chan struct{})}
	done := make(chan error)
	go func() { done <- h.Dummy(ctx, good) }()
	<-ctx.asked
	return func() {
		close(ctx.free)
		if err := <-done; !errors.Is(err, password.ErrWrong) {
			t.Errorf("Dummy = %v, want ErrWrong", err)
		}
	}
}

// waits is a context that blocks the caller of Done. The Hasher calls Done when it has a
// slot.
type waits struct {
	context.Context

	asked, free chan struct{}
}

func (w waits) Done() <-chan struct{} {
	close(w.asked)
	<-w.free
	return nil
}

// Attack passwords/broken-hash
func TestABrokenHashIsRefusedAndNotShown(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	tests := []struct{ name, hash string }{
		{"empty", ""},
		{"no hash at all", "hunter2"},
		{"cut short", h.hash(t, "ann")[:40]},
		{"the password itself", good},
		{"a hash that wants 4 TB", "$argon2id$v=19$m=4294967295,t=4294967295,p=255$" + strings.Repeat("A", 22) + "$" + strings.Repeat("A", 43)},
		{"a megabyte", strings.Repeat("$", 1<<20)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.exec(t, `UPDATE accounts SET password = ?`, tt.hash)
			_, signIn := h.Authenticate(t.Context(), "ann", good)
			_, change := h.ChangePassword(t.Context(), ann, good, other, keeper)
			for what, err := range map[string]error{"Authenticate": signIn, "ChangePassword": change} {
				if !errors.Is(err, password.ErrHash) || errors.Is(err, account.ErrSignIn) {
					t.Fatalf("%s: got %v, want ErrHash", what, err)
				}
				if tt.hash != "" && strings.Contains(err.Error(), tt.hash) {
					t.Errorf("%s shows the hash: %v", what, err)
				}
			}
		})
	}
	if err := h.SetPassword(t.Context(), "ann", other, keeper); err != nil {
		t.Fatalf("SetPassword over a broken hash: %v", err)
	}
	h.signedIn(t, "ann", other)
}

// stronger returns another store on the same database, which makes stronger hashes.
func (h *fixture) stronger() *account.Store {
	return h.with(password.NewHasher(password.Params{Memory: 128, Time: 2, Threads: 1}, 1, 0))
}

// rehashes signs in as ann with the password, which must give the error want, and
// reports whether that changed her stored hash.
func (h *fixture) rehashes(ctx context.Context, t *testing.T, pw string, want error) bool {
	t.Helper()
	had := h.hash(t, "ann")
	if _, err := h.Authenticate(ctx, "ann", pw); !errors.Is(err, want) {
		t.Errorf("Authenticate: got %v, want %v", err, want)
	}
	return h.hash(t, "ann") != had
}

func TestAWeakHashIsMadeAnewAtSignIn(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	weak, cookie := h.hash(t, "ann"), h.signedIn(t, "ann", good)
	log := h.log(t)
	verified, err := h.Authenticate(t.Context(), "ann", good)
	if err != nil {
		t.Fatal(err)
	}
	h.Store = h.stronger()
	if !h.rehashes(t.Context(), t, good, nil) || !strings.Contains(h.hash(t, "ann"), "$m=128,t=2,p=1$") {
		t.Errorf("the hash was %q and is now %q", weak, h.hash(t, "ann"))
	}
	if h.rehashes(t.Context(), t, good, nil) {
		t.Error("a hash that is strong enough was made anew")
	}
	if !h.live(t, cookie) {
		t.Error("a live session ended")
	}
	if _, err := h.start(t.Context(), verified.Verified(1, "pwd")); err != nil {
		t.Errorf("who was verified before cannot start a session: %v", err)
	}
	if diff := cmp.Diff(append(log, "ann signin.ok ann"), h.log(t)); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
}

// A weak hash is not replaced if the sign-in is refused. If it cannot be replaced, the
// sign-in still succeeds.
func TestAWeakHashStays(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.Store = h.stronger()
	log := h.log(t)
	if a, err := h.Authenticate(t.Context(), "nobody", good); !is(err, account.ErrSignIn) || a != (account.Account{}) {
		t.Fatal(err)
	}
	if h.rehashes(t.Context(), t, other, account.ErrSignIn) {
		t.Error("a wrong password changed the hash")
	}
	h.exec(t, `UPDATE accounts SET disabled_at = 1`)
	if h.rehashes(t.Context(), t, good, account.ErrSignIn) {
		t.Error("a refused sign-in changed the hash")
	}
	h.exec(t, `UPDATE accounts SET disabled_at = 0`)
	if h.rehashes(&meanwhile{Context: t.Context(), do: func() error { return context.Canceled }}, t, good, nil) {
		t.Error("a hash that could not be made was kept")
	}
	room := h.full(t, "UPDATE", "accounts")
	if h.rehashes(t.Context(), t, good, nil) {
		t.Error("a hash that could not be kept was kept")
	}
	room()
	if diff := cmp.Diff(log, h.log(t)); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
}

// meanwhile is a context that calls do when a Hasher checks for the second time whether it
// has ended: verifying a password checks once, hashing it again checks once more.
type meanwhile struct {
	context.Context

	asked int
	do    func() error
}

func (m *meanwhile) Err() error {
	if m.asked++; m.asked == 2 {
		return m.do()
	}
	return nil
}

// Attack race/one-winner: a password that is set while the old one is being rehashed stays.
func TestAnOldPasswordIsNotHashedOverANewOne(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	ctx := &meanwhile{Context: t.Context(), do: func() error { return h.SetPassword(t.Context(), "ann", other, keeper) }}
	a, err := h.stronger().Authenticate(ctx, "ann", good)
	if err != nil || ctx.asked != 2 {
		t.Fatalf("Authenticate: %v after %d hashes", err, ctx.asked)
	}
	if _, err := h.start(t.Context(), a.Verified(1, "pwd")); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a session with the old password: got %v, want ErrChanged", err)
	}
	if _, err := h.Authenticate(t.Context(), "ann", good); !is(err, account.ErrSignIn) {
		t.Errorf("the old password: got %v, want ErrSignIn", err)
	}
	h.signedIn(t, "ann", other)
}
