package account_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

func TestAJoinLinkMakesOneAccountOfItsRole(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	for name, role := range map[string]string{"bob": account.Member, "carol": account.Owner} {
		began := h.clock.now()
		code := h.join(t, role)
		l, err := h.Link(t.Context(), account.Join, code)
		want := account.Link{Kind: account.Join, Role: role, Expires: l.Expires}
		if diff := cmp.Diff(want, l, cmpopts.IgnoreUnexported(account.Link{})); diff != "" || err != nil {
			t.Errorf("Link: %v (-want +got):\n%s", err, diff)
		}
		if life := l.Expires.Sub(began); life < 24*time.Hour || life > 24*time.Hour+time.Millisecond {
			t.Errorf("the link lives %v, want 24 hours", life)
		}
		v, err := h.Join(t.Context(), code, name, good, visitor)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := h.start(t.Context(), v); err != nil || !h.live(t, c) {
			t.Errorf("who joined is not signed in: %v", err)
		}
		if a, err := h.Authenticate(t.Context(), name, good); err != nil || a.ID != v.AccountID || a.Role != role {
			t.Errorf("Authenticate = %+v, %v, want %+v of role %s", a, err, v, role)
		}
	}
	if _, err := h.NewJoin(t.Context(), "admin", keeper); !is(err, account.ErrRole) {
		t.Errorf("a link of another role: got %v, want ErrRole", err)
	}
}

func TestAResetLinkSetsOnePassword(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	bob := h.add(t, "bob", account.Member)
	code, second := h.reset(t, "bob"), h.reset(t, "bob")
	l, err := h.Link(t.Context(), account.Reset, code)
	want := account.Link{Kind: account.Reset, AccountID: bob.ID, Username: "bob", Expires: l.Expires}
	if diff := cmp.Diff(want, l, cmpopts.IgnoreUnexported(account.Link{})); diff != "" || err != nil {
		t.Errorf("Link: %v (-want +got):\n%s", err, diff)
	}
	v, err := h.Reset(t.Context(), code, other, visitor)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := h.start(t.Context(), v); err != nil || !h.live(t, c) {
		t.Errorf("who reset the password is not signed in: %v", err)
	}
	if _, err := h.signIn(t.Context(), "bob", good); !errors.Is(err, account.ErrSignIn) {
		t.Errorf("the old password: got %v, want ErrSignIn", err)
	}
	h.signedIn(t, "bob", other)
	h.signedIn(t, "ann", good)
	if _, err := h.Link(t.Context(), account.Reset, second); !is(err, account.ErrLink) {
		t.Errorf("the other link of the same account: got %v, want ErrLink", err)
	}
	if _, err := h.Reset(t.Context(), h.reset(t, "bob"), good, visitor); err != nil {
		t.Errorf("a reset after a reset: %v", err)
	}
	h.signedIn(t, "bob", good)

	if err := h.Disable(t.Context(), "bob", keeper); err != nil {
		t.Fatal(err)
	}
	if code, err := h.NewReset(t.Context(), "bob", keeper); !is(err, account.ErrDisabled) || code != "" {
		t.Errorf("a link that could not be used: got %q, %v, want ErrDisabled", code, err)
	}
}

func TestTheFirstLinkIsForAnEmptyHouse(t *testing.T) {
	h := open(t)
	first := func() (string, error) { return h.NewFirst(t.Context()) }
	oldest := link(t, first)
	h.clock.add(time.Minute)
	old, owner := link(t, first), h.join(t, account.Owner)
	h.clock.add(time.Minute)
	code := link(t, first)
	for _, replaced := range []string{oldest, old} {
		if _, err := h.Link(t.Context(), account.Join, replaced); !errors.Is(err, account.ErrReplaced) || !errors.Is(err, account.ErrLink) {
			t.Errorf("the replaced link: got %v, want ErrReplaced, which is an ErrLink", err)
		}
		if _, err := h.Join(t.Context(), replaced, "eve", good, visitor); !errors.Is(err, account.ErrReplaced) {
			t.Errorf("joining by the replaced link: got %v, want ErrReplaced", err)
		}
	}
	if _, err := h.Link(t.Context(), account.Join, owner); err != nil {
		t.Errorf("an invitation was replaced too: %v", err)
	}
	if l, err := h.Link(t.Context(), account.Join, code); err != nil || l.Role != account.Owner {
		t.Errorf("Link = %+v, %v, want an owner's", l, err)
	}
	if _, err := h.Join(t.Context(), code, "ann", good, visitor); err != nil {
		t.Fatal(err)
	}
	if code, err := h.NewFirst(t.Context()); code != "" || err != nil {
		t.Errorf("NewFirst = %q, %v where an account exists, want none", code, err)
	}
	want := []string{
		"command link.made join", "command link.made join", "keeper link.made join", "command link.made join",
		"ann link.used ann join", "ann account.added ann owner",
	}
	if diff := cmp.Diff(want, h.log(t)); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
}

// Many starts of the program before the first account leave few links in the database.
func TestReplacedLinksAreForgotten(t *testing.T) {
	h := open(t)
	old := link(t, func() (string, error) { return h.NewFirst(t.Context()) })
	for range 2 {
		h.clock.add(account.LinkLife + time.Second)
		link(t, func() (string, error) { return h.NewFirst(t.Context()) })
	}
	if n, err := db.One(t.Context(), h.db, db.Int, `SELECT COUNT(*) FROM links`); err != nil || n != 2 {
		t.Errorf("%d links are kept, error %v; want the newest and the one before", n, err)
	}
	if _, err := h.Link(t.Context(), account.Join, old); !is(err, account.ErrLink) {
		t.Errorf("a replaced link that has expired: got %v, want ErrLink", err)
	}
}

// badLink has the codes of a join link and a reset link, both invalid; name says why.
type badLink struct{ name, join, reset string }

// expired returns links that have just expired.
func (h *fixture) expired(t *testing.T) badLink {
	t.Helper()
	b := badLink{"expired", h.join(t, account.Owner), h.reset(t, "bob")}
	l, err := h.Link(t.Context(), account.Join, b.join)
	if err != nil {
		t.Fatal(err)
	}
	h.clock.set(l.Expires.Add(-time.Millisecond))
	if _, err := h.Link(t.Context(), account.Join, b.join); err != nil {
		t.Errorf("a millisecond before its end: %v", err)
	}
	h.clock.add(time.Millisecond)
	return b
}

// badLinks returns invalid links of every sort.
func (h *fixture) badLinks(t *testing.T) []badLink {
	t.Helper()
	first := link(t, func() (string, error) { return h.NewFirst(t.Context()) })
	h.add(t, "ann", account.Owner)
	for _, name := range []string{"bob", "carol", "dan"} {
		h.add(t, name, account.Member)
	}
	expired := h.expired(t)
	used := badLink{"used", h.join(t, account.Member), h.reset(t, "ann")}
	_, err1 := h.Join(t.Context(), used.join, "eve", good, visitor)
	_, err2 := h.Reset(t.Context(), used.reset, other, visitor)
	disabled, deleted := h.reset(t, "carol"), h.reset(t, "dan")
	err3 := errors.Join(h.Disable(t.Context(), "carol", keeper), h.Delete(t.Context(), "dan", keeper))
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	// What NewReset leaves behind when it races with Disable.
	h.exec(t, `INSERT INTO links (code_hash, kind, account_id, created_at, expires_at)
		SELECT 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'reset', id, 0, ? FROM accounts WHERE username = 'carol'`,
		h.clock.now().Add(time.Hour).UnixMicro()) // the hash of the empty code
	join, reset := h.join(t, account.Member), h.reset(t, "bob")
	return []badLink{
		{"unknown", "NOSUCHCODENOSUCHCODENOSUCH", "NOSUCHCODENOSUCHCODENOSUCH"},
		expired,
		used,
		{"of the other kind", reset, join},
		{"in lower case", strings.ToLower(join), strings.ToLower(reset)},
		{"cut short", join[:25], reset[:25]},
		{"too long", join + "A", reset + "A"},
		{"of an account that was disabled", "", disabled},
		{"of an account that was deleted", "", deleted},
		{"of an account that was disabled before", "", ""},
		{"for the first owner where there is one", first, first},
		{"the hash that is kept", h.texts(t, `SELECT code_hash FROM links WHERE kind = 'join' AND used_at = 0 AND first = 0`)[0], ""},
		{"SQL", "' OR 1=1 --", "' OR 1=1 --"},
		{"16 KB", strings.Repeat("A", 16<<10), strings.Repeat("A", 16<<10)},
	}
}

// The error does not say what is wrong with a link, and a bad link changes nothing.
func TestABadLinkIsABadLink(t *testing.T) {
	h := open(t)
	bad := h.badLinks(t)
	before := h.dump(t)
	for _, tt := range bad {
		t.Run(tt.name, func(t *testing.T) {
			_, err1 := h.Link(t.Context(), account.Join, tt.join)
			_, err2 := h.Link(t.Context(), account.Reset, tt.reset)
			joined, err3 := h.Join(t.Context(), tt.join, "fay", good, visitor)
			set, err4 := h.Reset(t.Context(), tt.reset, other, visitor)
			for i, err := range []error{err1, err2, err3, err4} {
				if !is(err, account.ErrLink) {
					t.Errorf("call %d: got %v, want ErrLink", i+1, err)
				}
			}
			if joined != (session.Verified{}) || set != (session.Verified{}) {
				t.Errorf("got %+v and %+v beside the errors", joined, set)
			}
			if diff := cmp.Diff(before, h.dump(t)); diff != "" {
				t.Errorf("the database changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestALinkSurvivesARefusedName(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	code := h.join(t, account.Member)
	before := h.dump(t)
	for name, want := range map[string]error{"Ann": account.ErrTaken, "ann/": account.ErrName} {
		if v, err := h.Join(t.Context(), code, name, good, visitor); !is(err, want) || v != (session.Verified{}) {
			t.Errorf("Join as %q = %+v, %v, want %v", name, v, err, want)
		}
	}
	if diff := cmp.Diff(before, h.dump(t)); diff != "" {
		t.Errorf("the database changed (-before +after):\n%s", diff)
	}
	if _, err := h.Join(t.Context(), code, "bob", good, visitor); err != nil {
		t.Errorf("Join afterwards: %v", err)
	}
}

// Attack secrets/at-rest: the database file contains no link code and no password.
func TestTheDatabaseHoldsNoSecret(t *testing.T) {
	dbtest.OnlySQLite(t, "it reads the file")
	h := open(t)
	first := link(t, func() (string, error) { return h.NewFirst(t.Context()) })
	if _, err := h.Join(t.Context(), first, "ann", good, visitor); err != nil {
		t.Fatal(err)
	}
	join, reset := h.join(t, account.Member), h.reset(t, "ann")
	if _, err := h.Reset(t.Context(), reset, other, visitor); err != nil {
		t.Fatal(err)
	}
	unused := h.reset(t, "ann")

	columns := strings.Join(h.dump(t), "\n")
	var files []byte
	for _, name := range []string{h.at, h.at + "-wal"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, b...)
	}
	if !strings.Contains(columns, "ann") || !bytes.Contains(files, []byte("$argon2id$")) {
		t.Fatal("what is looked through does not hold what it must")
	}
	for name, secret := range map[string]string{
		"the first link": first, "a join link": join, "a used link": reset, "a reset link": unused,
		"a password": other, "an old password": good,
	} {
		if strings.Contains(columns, secret) || bytes.Contains(files, []byte(secret)) {
			t.Errorf("%s is in the database", name)
		}
		if len(secret) < 26 {
			t.Errorf("%s has %d characters, want 26 that carry 130 bits", name, len(secret))
		}
	}
}
