package account_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/account"
)

// Attack names/one-account: each typed name stands for one account, the same at sign-up
// and sign-in, or is refused. want is empty if it is refused.
var names = []struct{ name, typed, want string }{
	{"plain", "bob", "bob"},
	{"a capital", "Bob", "bob"},
	{"capitals", "BOB", "bob"},
	{"one character", "b", "b"},
	{"digits first", "4711", "4711"},
	{"every mark", "b.o_b-1", "b.o_b-1"},
	{"32 characters", strings.Repeat("b", 32), strings.Repeat("b", 32)},
	{"33 characters", strings.Repeat("b", 33), ""},
	{"a megabyte", strings.Repeat("b", 1<<20), ""},
	{"nothing", "", ""},
	{"a space after", "bob ", "bob"},
	{"a space before", " bob", "bob"},
	{"a space inside", "b ob", ""},
	{"spaces alone", " \t ", ""},
	{"a space between mark and name", ". bob", ""},
	{"a newline after", "bob\n", "bob"},
	{"a tab and a CR LF around", "\tBob\r\n", "bob"},
	{"a no-break space after", "bob\u00a0", "bob"},
	{"an ideographic space after", "bob\u3000", "bob"},
	{"a narrow no-break space before", "\u202fbob", "bob"},
	{"a line separator after", "bob\u2028", "bob"},
	{"a zero-width space after", "bob\u200b", "bob"},
	{"a zero-width joiner after", "bob\u200d", "bob"},
	{"a word joiner before", "\u2060bob", "bob"},
	{"a soft hyphen after", "bob\u00ad", "bob"},
	{"a left-to-right mark before a space", "\u200e bob", "bob"},
	{"isolates around", "\u2066bob\u2069", "bob"},
	{"a variation selector after", "bob\ufe0f", "bob"},
	{"a Hangul filler after", "bob\u3164", "bob"},
	{"a megabyte of spaces around 32 characters", strings.Repeat(" ", 1<<19) + strings.Repeat("b", 32) + strings.Repeat(" ", 1<<19), strings.Repeat("b", 32)},
	{"a second line", "bob\nbob", ""},
	{"a leading dot", ".bob", ""},
	{"a leading hyphen", "-bob", ""},
	{"a leading underscore", "_bob", ""},
	{"a slash", "bob/..", ""},
	{"an address", "bob@example.com", ""},
	{"full width", "ｂｏｂ", ""},
	{"Cyrillic о", "b\u043eb", ""},
	{"a Kelvin sign, whose lower case is k", "\u212aate", ""},
	{"a long s, whose upper case is S", "bo\u017f", ""},
	{"a dotless i", "b\u0131ll", ""},
	{"a zero-width space", "bo\u200bb", ""},
	{"a zero-width joiner", "bo\u200db", ""},
	{"a soft hyphen", "bo\u00adb", ""},
	{"a byte order mark before", "\ufeffbob", "bob"},
	{"a byte order mark inside", "bo\ufeffb", ""},
	{"NUL after", "bob\x00", ""},
	{"NUL inside", "bo\x00b", ""},
	{"a right-to-left override before", "\u202ebob", "bob"},
	{"a right-to-left override inside", "b\u202eob", ""},
	{"a combining mark", "bo\u0301b", ""},
	{"an accent", "b\u00f3b", ""},
	{"an emoji", "bob\U0001f600", ""},
	{"invalid UTF-8", "bob\xff", ""},
	{"an overlong b", "\xc1\xa2ob", ""},
}

// Attack names/one-account
func TestANameIsOneAccountOrRefused(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	code := h.join(t, account.Member)
	for _, tt := range names {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == "" {
				h.wantNoName(t, code, tt.typed)
			} else {
				h.wantName(t, code, tt.typed, tt.want)
			}
		})
	}
}

// wantName fails the test unless every method takes the typed name for the account want;
// code is a join link's.
func (h *fixture) wantName(t *testing.T, code, typed, want string) {
	t.Helper()
	ctx := t.Context()
	if got, err := account.Username(typed); got != want || err != nil {
		t.Fatalf("Username = %q, %v, want %q", got, err, want)
	}
	if _, err := h.Add(ctx, account.NewAccount{Username: typed, Password: good, Role: account.Member}, keeper); err != nil && !errors.Is(err, account.ErrTaken) {
		t.Errorf("Add: %v", err)
	}
	if _, err := h.Join(ctx, code, typed, good, visitor); !is(err, account.ErrTaken) {
		t.Errorf("Join after Add: got %v, want ErrTaken", err)
	}
	if a, err := h.Authenticate(ctx, typed, good); err != nil || a.Username != want {
		t.Errorf("Authenticate = %q, %v, want %q", a.Username, err, want)
	}
}

// wantNoName fails the test unless every method refuses the typed name and changes
// nothing.
func (h *fixture) wantNoName(t *testing.T, code, typed string) {
	t.Helper()
	ctx, before := t.Context(), h.dump(t)
	got, err := account.Username(typed)
	_, add := h.Add(ctx, account.NewAccount{Username: typed, Password: good, Role: account.Member}, keeper)
	_, join := h.Join(ctx, code, typed, good, visitor)
	_, reset := h.NewReset(ctx, typed, keeper)
	for what, err := range map[string]error{
		"Username": err, "Add": add, "Join": join, "NewReset": reset,
		"SetPassword": h.SetPassword(ctx, typed, other, keeper), "Disable": h.Disable(ctx, typed, keeper),
		"Enable": h.Enable(ctx, typed, keeper), "Delete": h.Delete(ctx, typed, keeper),
	} {
		if !is(err, account.ErrName) {
			t.Errorf("%s: got %v, want ErrName", what, err)
		}
	}
	if a, err := h.Authenticate(ctx, typed, good); !is(err, account.ErrSignIn) || a != (account.Account{}) {
		t.Errorf("Authenticate = %+v, %v, want ErrSignIn", a, err)
	}
	if got != "" {
		t.Errorf("Username = %q beside its error", got)
	}
	if diff := cmp.Diff(before, h.dump(t)); diff != "" {
		t.Errorf("the database changed (-before +after):\n%s", diff)
	}
}

// Attack names/one-account: whatever is typed, an accepted username is ASCII and valid, and
// normalizing it again does not change it.
func FuzzUsername(f *testing.F) {
	for _, tt := range names {
		f.Add(tt.typed[:min(len(tt.typed), 64)])
	}
	form := regexp.MustCompile(`\A[a-z0-9][a-z0-9._-]*\z`)
	f.Fuzz(func(t *testing.T, typed string) {
		name, err := account.Username(typed)
		typed = account.Trim(typed)
		ascii := !strings.ContainsFunc(typed, func(r rune) bool { return r > 127 })
		fits := ascii && len(typed) <= 32 && form.MatchString(strings.ToLower(typed))
		switch {
		case fits != (err == nil):
			t.Errorf("Username(%q) = %q, %v", typed, name, err)
		case err != nil:
			if name != "" || !is(err, account.ErrName) {
				t.Errorf("Username(%q) = %q, %v, want ErrName", typed, name, err)
			}
		case name != strings.ToLower(typed):
			t.Errorf("Username(%q) = %q", typed, name)
		default:
			if again, err := account.Username(name); again != name || err != nil {
				t.Errorf("Username(%q) = %q, %v the second time", name, again, err)
			}
		}
	})
}
