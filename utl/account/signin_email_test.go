package account_test

import (
	"errors"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/password"
)

// A confirmed email address works in place of the username; any other address is unknown.
func TestAConfirmedEmailAddressSignsIn(t *testing.T) {
	h := open(t)
	ann, bob := h.add(t, "ann", account.Owner), h.add(t, "bob", account.Member)
	err := errors.Join(
		h.SetEmail(t.Context(), "ann", "ann@site.example", true, keeper),
		h.SetEmail(t.Context(), "bob", "bob@site.example", false, keeper),
	)
	if err != nil {
		t.Fatal(err)
	}
	busy := password.NewHasher(tiny, 1, 0)
	free := occupy(t, busy)
	defer free()
	for _, tt := range []struct{ name, typed, id string }{
		{"as it is kept", "ann@site.example", ann.ID},
		{"in capitals, with white space", " Ann@SITE.example\u200b", ann.ID},
		{"one that is not confirmed", "bob@site.example", ""},
		{"nobody's", "eve@site.example", ""},
		{"its beginning", "ann@site.exampl", ""},
		{"no address", "@", ""},
		{"with a NUL", "ann@site.example\x00x", ""},
		{"SQL", "' OR 1=1 --@site.example", ""},
		{"the username", "bob", bob.ID},
	} {
		a, err := h.Authenticate(t.Context(), tt.typed, good)
		if a.ID != tt.id || tt.id == "" && !is(err, account.ErrSignIn) || tt.id != "" && err != nil {
			t.Errorf("%s: got %q, %v; want %q", tt.name, a.ID, err, tt.id)
		}
		if named, err := h.Named(t.Context(), tt.typed); named.ID != tt.id || err != nil {
			t.Errorf("%s: Named says %q, %v", tt.name, named.ID, err)
		}
		if _, err := h.Authenticate(t.Context(), tt.typed, other); !is(err, account.ErrSignIn) {
			t.Errorf("%s, with a wrong password: got %v, want ErrSignIn", tt.name, err)
		}
		// Every attempt needs a hash.
		if _, err := h.with(busy).Authenticate(t.Context(), tt.typed, good); !errors.Is(err, password.ErrBusy) {
			t.Errorf("%s, while hashing is busy: got %v, want ErrBusy", tt.name, err)
		}
	}
}

// An empty address does not match an account without an address.
func TestNoEmailAddressSignsNobodyIn(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.exec(t, `UPDATE accounts SET email_confirmed = 1`)
	for _, typed := range []string{"", " ", "@"} {
		if _, err := h.Authenticate(t.Context(), typed, good); !is(err, account.ErrSignIn) {
			t.Errorf("%q: got %v, want ErrSignIn", typed, err)
		}
	}
}
