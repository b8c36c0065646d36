package account_test

import (
	"context"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/password"
	"glassjar/utl/session"
)

// ATTACKS E: one account or a clear refusal, the same rule at sign-up and
// sign-in. want is empty where the name is refused.
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
	{"a space after", "bob ", ""},
	{"a space before", " bob", ""},
	{"a newline after", "bob\n", ""},
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
	{"a byte order mark", "\ufeffbob", ""},
	{"NUL after", "bob\x00", ""},
	{"NUL inside", "bo\x00b", ""},
	{"a right-to-left override", "\u202ebob", ""},
	{"a combining mark", "bo\u0301b", ""},
	{"an accent", "b\u00f3b", ""},
	{"an emoji", "bob\U0001f600", ""},
	{"invalid UTF-8", "bob\xff", ""},
	{"an overlong b", "\xc1\xa2ob", ""},
}

// ATTACKS E
func TestANameIsOneAccountOrRefused(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	code := h.join(t, account.Member)
	ctx := t.Context()
	for _, tt := range names {
		t.Run(tt.name, func(t *testing.T) {
			got, err := account.Username(tt.typed)
			if tt.want != "" {
				if got != tt.want || err != nil {
					t.Fatalf("Username = %q, %v, want %q", got, err, tt.want)
				}
				if _, err := h.Add(ctx, account.Wanted{Username: tt.typed, Password: good, Role: account.Member}, keeper); err != nil && !errors.Is(err, account.ErrTaken) {
					t.Errorf("Add: %v", err)
				}
				_, err := h.Join(ctx, code, tt.typed, good, visitor)
				if !is(err, account.ErrTaken) {
					t.Errorf("Join after Add: got %v, want ErrTaken", err)
				}
				a, err := h.Authenticate(ctx, tt.typed, good)
				if err != nil || a.Username != tt.want {
					t.Errorf("Authenticate = %q, %v, want %q", a.Username, err, tt.want)
				}
				return
			}
			before := h.dump(t)
			_, add := h.Add(ctx, account.Wanted{Username: tt.typed, Password: good, Role: account.Member}, keeper)
			_, join := h.Join(ctx, code, tt.typed, good, visitor)
			_, reset := h.NewReset(ctx, tt.typed, keeper)
			for what, err := range map[string]error{
				"Username": err, "Add": add, "Join": join, "NewReset": reset,
				"SetPassword": h.SetPassword(ctx, tt.typed, other, keeper), "Disable": h.Disable(ctx, tt.typed, keeper),
				"Enable": h.Enable(ctx, tt.typed, keeper), "Delete": h.Delete(ctx, tt.typed, keeper),
			} {
				if !is(err, account.ErrName) {
					t.Errorf("%s: got %v, want ErrName", what, err)
				}
			}
			if a, err := h.Authenticate(ctx, tt.typed, good); !is(err, account.ErrSignIn) || a != (account.Account{}) {
				t.Errorf("Authenticate = %+v, %v, want ErrSignIn", a, err)
			}
			if got != "" {
				t.Errorf("Username = %q beside its error", got)
			}
			if diff := cmp.Diff(before, h.dump(t)); diff != "" {
				t.Errorf("the database changed (-before +after):\n%s", diff)
			}
		})
	}
}

// ATTACKS E: whatever is typed, a name is ASCII, of one form, and stays what it
// is when it is typed again.
func FuzzUsername(f *testing.F) {
	for _, tt := range names {
		f.Add(tt.typed)
	}
	form := regexp.MustCompile(`\A[a-z0-9][a-z0-9._-]*\z`)
	f.Fuzz(func(t *testing.T, typed string) {
		name, err := account.Username(typed)
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

	got, err := h.List(t.Context())
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
		wanted account.Wanted
		want   error
	}{
		{"a taken name", account.Wanted{Username: "ANN", Password: good, Role: account.Member}, account.ErrTaken},
		{"no role", account.Wanted{Username: "bob", Password: good}, account.ErrRole},
		{"an unknown role", account.Wanted{Username: "bob", Password: good, Role: "Owner"}, account.ErrRole},
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

// ATTACKS F: of a wrong name, a wrong password and a disabled account a visitor
// learns one thing: not right.
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
		{"a name that nobody can have", "ann ", good},
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

	// ATTACKS E: every one of them stands in the line for a hash, whoever is asked for.
	busy := password.NewHasher(tiny, 1, 0)
	defer occupy(t, busy)()
	for _, name := range []string{"ann", "bob", "nobody", "ann "} {
		if _, err := h.with(busy).Authenticate(t.Context(), name, good); !errors.Is(err, password.ErrBusy) {
			t.Errorf("Authenticate(%q) while hashing is busy: got %v, want ErrBusy", name, err)
		}
	}
}

// occupy holds the one place of a Hasher until free is called.
func occupy(t *testing.T, h *password.Hasher) (free func()) {
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

// waits is a context that makes whoever asks for Done wait. The Hasher asks
// when it holds a place.
type waits struct {
	context.Context

	asked, free chan struct{}
}

func (w waits) Done() <-chan struct{} {
	close(w.asked)
	<-w.free
	return nil
}

// ATTACKS E
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

func TestAWeakHashIsMadeAnewAtSignInAndAtNoOtherTime(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	weak, cookie := h.hash(t, "ann"), h.signedIn(t, "ann", good)
	strong := h.with(password.NewHasher(password.Params{Memory: 128, Time: 2, Threads: 1}, 1, 0))
	before, err := strong.Authenticate(t.Context(), "nobody", good)
	if !is(err, account.ErrSignIn) || before != (account.Account{}) {
		t.Fatal(err)
	}
	log := h.log(t)

	// rehashes reports whether the sign-in changes the hash.
	rehashes := func(ctx context.Context, pw string, want error) bool {
		t.Helper()
		had := h.hash(t, "ann")
		if _, err := strong.Authenticate(ctx, "ann", pw); !errors.Is(err, want) {
			t.Errorf("Authenticate: got %v, want %v", err, want)
		}
		return h.hash(t, "ann") != had
	}
	if rehashes(t.Context(), other, account.ErrSignIn) {
		t.Error("a wrong password changed the hash")
	}
	h.exec(t, `UPDATE accounts SET disabled_at = 1`)
	if rehashes(t.Context(), good, account.ErrSignIn) {
		t.Error("a refused sign-in changed the hash")
	}
	h.exec(t, `UPDATE accounts SET disabled_at = 0`)

	// What keeps the new hash from being made or kept keeps nobody out.
	if rehashes(&meanwhile{Context: t.Context(), do: func() error { return context.Canceled }}, good, nil) {
		t.Error("a hash that could not be made was kept")
	}
	h.exec(t, `CREATE TRIGGER full BEFORE UPDATE ON accounts BEGIN SELECT RAISE(ABORT, 'no'); END`)
	if rehashes(t.Context(), good, nil) {
		t.Error("a hash that could not be kept was kept")
	}
	h.exec(t, `DROP TRIGGER full`)

	verified, err := h.Authenticate(t.Context(), "ann", good)
	if err != nil {
		t.Fatal(err)
	}
	if !rehashes(t.Context(), good, nil) || !strings.Contains(h.hash(t, "ann"), "$m=128,t=2,p=1$") {
		t.Errorf("the hash was %q and is now %q", weak, h.hash(t, "ann"))
	}
	if rehashes(t.Context(), good, nil) {
		t.Error("a hash that is strong enough was made anew")
	}
	if !h.live(t, cookie) {
		t.Error("a live session ended")
	}
	if _, err := h.start(t.Context(), verified.Verified()); err != nil {
		t.Errorf("who was verified before cannot start a session: %v", err)
	}
	if diff := cmp.Diff(append(log, "ann signin.ok ann"), h.log(t)); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
}

// meanwhile is a context that calls do when a Hasher asks for the second time
// whether it has ended: to verify a password it asks once, to hash it again it
// asks once more.
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

// ATTACKS H: a password that is set while the old one is hashed again stays.
func TestAnOldPasswordIsNotHashedOverANewOne(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	strong := h.with(password.NewHasher(password.Params{Memory: 128, Time: 2, Threads: 1}, 1, 0))
	ctx := &meanwhile{Context: t.Context(), do: func() error { return h.SetPassword(t.Context(), "ann", other, keeper) }}
	a, err := strong.Authenticate(ctx, "ann", good)
	if err != nil || ctx.asked != 2 {
		t.Fatalf("Authenticate: %v after %d hashes", err, ctx.asked)
	}
	if _, err := h.start(t.Context(), a.Verified()); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a session with the old password: got %v, want ErrChanged", err)
	}
	if _, err := h.Authenticate(t.Context(), "ann", good); !is(err, account.ErrSignIn) {
		t.Errorf("the old password: got %v, want ErrSignIn", err)
	}
	h.signedIn(t, "ann", other)
}

func TestOfIsTheAccountOfALiveSession(t *testing.T) {
	want := account.Account{ID: "an id", Username: "ann", DisplayName: "Ann", Role: account.Owner}
	got := account.Of(session.Session{SID: "x", ID: "y", AccountID: "an id", Username: "ann", DisplayName: "Ann", Role: account.Owner})
	if got != want {
		t.Errorf("Of = %+v, want %+v", got, want)
	}
	if got := want.Called(); got != "Ann" {
		t.Errorf("Called = %q, want the display name", got)
	}
	want.DisplayName = ""
	if got := want.Called(); got != "ann" {
		t.Errorf("Called = %q, want the username", got)
	}
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	if _, err := h.start(t.Context(), account.Of(session.Session{AccountID: ann.ID, Username: "ann"}).Verified()); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a session started without a password: got %v, want ErrChanged", err)
	}
}

// ATTACKS I: without its database the store refuses, and says nothing of a
// wrong password or a bad link.
func TestWithoutADatabaseEverythingIsUnavailable(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	join, reset := h.join(t, account.Member), h.reset(t, "ann")
	file := h.texts(t, `SELECT file FROM pragma_database_list WHERE name = 'main'`)[0]
	if err := os.Rename(file, file+".away"); err != nil {
		t.Fatal(err)
	}
	for name, do := range h.everything(ann, join, reset) {
		if err := do(t.Context()); !errors.Is(err, db.ErrUnavailable) {
			t.Errorf("%s: got %v, want ErrUnavailable", name, err)
		}
	}
	if err := os.Rename(file+".away", file); err != nil {
		t.Fatal(err)
	}
	h.signedIn(t, "ann", good)
}

// everything is every method that reads or writes, called so that it would
// succeed.
func (h *house) everything(ann account.Account, join, reset string) map[string]func(context.Context) error {
	by := audit.Command()
	return map[string]func(context.Context) error{
		"Authenticate": func(ctx context.Context) error { _, err := h.Authenticate(ctx, "ann", good); return err },
		"unknown":      func(ctx context.Context) error { _, err := h.Authenticate(ctx, "nobody", good); return err },
		"Any":          func(ctx context.Context) error { _, err := h.Any(ctx); return err },
		"List":         func(ctx context.Context) error { _, err := h.List(ctx); return err },
		"Add": func(ctx context.Context) error {
			_, err := h.Add(ctx, account.Wanted{Username: "carol", Password: good, Role: account.Member}, by)
			return err
		},
		"SetPassword":    func(ctx context.Context) error { return h.SetPassword(ctx, "ann", other, by) },
		"ChangePassword": func(ctx context.Context) error { _, err := h.ChangePassword(ctx, ann, good, other, by); return err },
		"Disable":        func(ctx context.Context) error { return h.Disable(ctx, "ann", by) },
		"Enable":         func(ctx context.Context) error { return h.Enable(ctx, "ann", by) },
		"Delete":         func(ctx context.Context) error { return h.Delete(ctx, "ann", by) },
		"NewJoin":        func(ctx context.Context) error { _, err := h.NewJoin(ctx, account.Member, by); return err },
		"NewReset":       func(ctx context.Context) error { _, err := h.NewReset(ctx, "ann", by); return err },
		"NewFirst":       func(ctx context.Context) error { _, err := h.NewFirst(ctx); return err },
		"Link":           func(ctx context.Context) error { _, err := h.Link(ctx, account.Join, join); return err },
		"Join":           func(ctx context.Context) error { _, err := h.Join(ctx, join, "dora", good, by); return err },
		"Reset":          func(ctx context.Context) error { _, err := h.Reset(ctx, reset, other, by); return err },
	}
}
