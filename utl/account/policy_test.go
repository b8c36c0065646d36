package account_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/account"
	"glassjar/utl/password"
)

// badPasswords are passwords that the policy refuses for the username bobby.
var badPasswords = []struct {
	name, pw string
	want     error
}{
	{"14 characters", "a purple lamp ", password.ErrShort},
	{"15 bytes in five characters", "水火木金土", password.ErrShort},
	{"1,025 bytes", strings.Repeat("a purple lamp", 79)[:1025], password.ErrLong},
	{"a megabyte", strings.Repeat("a purple lamp", 80660), password.ErrLong},
	{"invalid UTF-8", other + "\xff", password.ErrNotUTF8},
	{"NUL inside", "a purple\x00lamp on the stairs", password.ErrCharacters},
	{"a common one", "passwordpassword", password.ErrCommon},
	{"a common one with a tail", "password1234567", password.ErrCommon},
	{"the site's name inside", "a lamp for jar.example", password.ErrHasSite},
	{"the username inside", "a lamp for Bobby and me", password.ErrHasName},
}

// Attack passwords/policy: every method that sets a password enforces the policy, and a
// refused password can be tried again with another one.
func TestNoWayLeadsAroundThePolicy(t *testing.T) {
	h := open(t)
	bob := h.add(t, "bobby", account.Owner)
	join, reset := h.join(t, account.Member), h.reset(t, "bobby")
	// Each sets the password of an account called bobby, if it succeeds.
	ways := map[string]func(ctx context.Context, pw string) error{
		"Add": func(ctx context.Context, pw string) error {
			_, err := h.Add(ctx, account.NewAccount{Username: "bobby", Password: pw, Role: account.Member}, keeper)
			return err
		},
		"Join": func(ctx context.Context, pw string) error {
			_, err := h.Join(ctx, join, "Bobby", pw, visitor)
			return err
		},
		"Reset":       func(ctx context.Context, pw string) error { _, err := h.Reset(ctx, reset, pw, visitor); return err },
		"SetPassword": func(ctx context.Context, pw string) error { return h.SetPassword(ctx, "bobby", pw, keeper) },
		"ChangePassword": func(ctx context.Context, pw string) error {
			_, err := h.ChangePassword(ctx, bob, good, pw, keeper)
			return err
		},
	}
	before := h.dump(t)
	for _, tt := range badPasswords {
		for way, set := range ways {
			t.Run(tt.name+" by "+way, func(t *testing.T) {
				if err := set(t.Context(), tt.pw); !is(err, tt.want) {
					t.Errorf("got %v, want %v", err, tt.want)
				}
				if diff := cmp.Diff(before, h.dump(t)); diff != "" {
					t.Errorf("the database changed (-before +after):\n%s", diff)
				}
			})
		}
	}
	if _, err := h.Join(t.Context(), join, "carol", "a purple lamp 1", visitor); err != nil { // 15 characters
		t.Errorf("the join link afterwards: %v", err)
	}
	if _, err := h.Reset(t.Context(), reset, strings.Repeat("a purple lamp", 79)[:1024], visitor); err != nil {
		t.Errorf("the reset link afterwards: %v", err)
	}
}
