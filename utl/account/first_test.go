package account_test

import (
	"errors"
	"testing"

	"glassjar/utl/account"
)

// No member's account is created before an owner can sign in: neither with a new link, nor
// with a link that existed before.
func TestMembersComeAfterTheOwner(t *testing.T) {
	h := open(t)
	refused := func(when string) {
		t.Helper()
		if code, err := h.NewJoin(t.Context(), account.Member, keeper); !errors.Is(err, account.ErrNoOwner) || code != "" {
			t.Errorf("%s: got %q, %v, want ErrNoOwner", when, code, err)
		}
	}
	missing := func(when string, want bool) {
		t.Helper()
		if got, err := h.OwnerMissing(t.Context()); got != want || err != nil {
			t.Errorf("%s: OwnerMissing = %t, %v; want %t", when, got, err, want)
		}
	}
	refused("with no account")
	missing("with no account", false) // the first owner's link creates one
	h.add(t, "bob", account.Member)
	refused("with a member alone")
	missing("with a member alone", true)
	h.add(t, "ann", account.Owner)
	missing("with an owner", false)
	code := h.join(t, account.Member)
	h.exec(t, `UPDATE accounts SET disabled_at = 1 WHERE username = 'ann'`)
	refused("with a disabled owner alone")
	missing("with a disabled owner alone", true)
	if _, err := h.Join(t.Context(), code, "carol", good, visitor); !errors.Is(err, account.ErrNoOwner) {
		t.Errorf("joining: got %v, want ErrNoOwner", err)
	}
	h.exec(t, `UPDATE accounts SET disabled_at = 0 WHERE username = 'ann'`)
	if _, err := h.Join(t.Context(), code, "carol", good, visitor); err != nil {
		t.Errorf("joining by the same link, once there is an owner: %v", err)
	}
}

// A new account cannot have a reserved name, however it is created and typed. An existing
// account with such a name still works.
func TestReservedNames(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	code := h.join(t, account.Member)
	for _, name := range []string{"admin", "Root", "administrator", "SYSTEM", "audit", "command", "me", "invite", "people", "auth", "audit.csv", "unknown"} {
		if _, err := h.Add(t.Context(), account.NewAccount{Username: name, Password: good, Role: account.Member}, keeper); !errors.Is(err, account.ErrReserved) {
			t.Errorf("adding %s: got %v, want ErrReserved", name, err)
		}
		if _, err := h.Join(t.Context(), code, name, good, visitor); !errors.Is(err, account.ErrReserved) {
			t.Errorf("joining as %s: got %v, want ErrReserved", name, err)
		}
	}
	for _, name := range []string{"admin2", "rooty", "ada-admin", "owner"} {
		h.add(t, name, account.Member)
	}
	h.add(t, "older", account.Owner)
	h.exec(t, `UPDATE accounts SET username = 'admin' WHERE username = 'older'`)
	h.signedIn(t, "Admin", good)
	if _, err := h.Find(t.Context(), "admin"); err != nil {
		t.Errorf("finding an account of the name: %v", err)
	}
	if _, err := h.Reset(t.Context(), h.reset(t, "admin"), other, visitor); err != nil {
		t.Errorf("resetting its password: %v", err)
	}
	if err := h.Disable(t.Context(), "admin", keeper); err != nil {
		t.Errorf("disabling it: %v", err)
	}
}
