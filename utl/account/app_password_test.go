package account_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/session"
)

// appPassword creates an app password of the account, whose password must be good, and
// returns its secret.
func (h *fixture) appPassword(t *testing.T, a account.Account, wanted account.AppPassword) string {
	t.Helper()
	secret, err := h.NewAppPassword(t.Context(), a, wanted, keeper)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestAnAppPasswordOpensItsHostsForItsAccount(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	if err := h.SetGroups(t.Context(), "ann", []string{"dev"}, keeper); err != nil {
		t.Fatal(err)
	}
	every := h.appPassword(t, ann, account.AppPassword{Name: "every"})
	two := h.appPassword(t, ann, account.AppPassword{Name: "two", Hosts: "app.example,wiki.example"})
	for _, tt := range []struct {
		name, secret, typed, host string
		good                      bool
	}{
		{"every host", every, "", "any.example", true},
		{"with the username", every, "ann", "any.example", true},
		{"with the username as people write it", every, "Ann", "any.example", true},
		{"the first of two hosts", two, "", "app.example", true},
		{"the second", two, "ann", "wiki.example", true},
		{"another host", two, "", "evil.example", false},
		{"a part of a host", two, "", "app", false},
		{"both hosts", two, "", "app.example,wiki.example", false},
		{"another's username", every, "bob", "any.example", false},
		{"nobody's username", every, "carol", "any.example", false},
		{"a username that is none", every, "ann/", "any.example", false},
		{"nothing", "", "", "any.example", false},
		{"in lower case", strings.ToLower(every), "", "any.example", false},
		{"cut", every[:len(every)-1], "", "any.example", false},
		{"the account's own password", good, "ann", "any.example", false},
		{"what is kept of it", h.texts(t, `SELECT secret_hash FROM app_passwords WHERE hosts = ''`)[0], "", "any.example", false},
		{"its id", h.texts(t, `SELECT id FROM app_passwords WHERE hosts = ''`)[0], "", "any.example", false},
	} {
		got, err := h.AppPassword(t.Context(), tt.secret, tt.typed, tt.host)
		if (err == nil) != tt.good || err != nil && !is(err, account.ErrAppPassword) {
			t.Errorf("%s: got %v, want it good: %t", tt.name, err, tt.good)
		}
		if a := got.Owner; tt.good && (a.ID != ann.ID || a.Username != "ann" || a.Role != account.Owner || a.Groups != "dev") {
			t.Errorf("%s: it is %+v's", tt.name, a)
		}
	}
}

// Attack secrets/at-rest: the secret is long, has a form that secret scanners find, and is
// nowhere in the database.
func TestAnAppPasswordIsKeptAsAHash(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	one, two := h.appPassword(t, ann, account.AppPassword{Name: "a"}), h.appPassword(t, ann, account.AppPassword{Name: "a"})
	if !regexp.MustCompile(`^gj_[A-Z2-7]{52}$`).MatchString(one) || one == two {
		t.Errorf("the secrets are %q and %q", one, two)
	}
	if all := strings.Join(h.dump(t), "\n"); strings.Contains(all, one[3:20]) {
		t.Error("the secret is in the database")
	}
}

func TestAnAppPasswordNeedsANameAndAnAccountAsItWas(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	bob, carol, dan := h.add(t, "bob", account.Member), h.add(t, "carol", account.Member), h.add(t, "dan", account.Member)
	if err := errors.Join(h.Disable(t.Context(), "carol", keeper), h.Delete(t.Context(), "dan", keeper)); err != nil {
		t.Fatal(err)
	}
	before := h.dump(t)
	for _, tt := range []struct {
		row  string
		who  account.Account
		name string
		want error
	}{
		{"a disabled account", carol, "x", session.ErrChanged},
		{"a deleted account", dan, "x", session.ErrChanged},
		{"no name", bob, "", account.ErrAppPasswordName},
		{"a name of spaces", bob, "  ", account.ErrAppPasswordName},
		{"a name of 65 characters", bob, strings.Repeat("ä", 65), account.ErrAppPasswordName},
		{"a name that is no text", bob, "\xff", account.ErrAppPasswordName},
		{"a name on two lines", bob, "a\nb", account.ErrAppPasswordName},
		{"a name that turns the line round", bob, "a\u202eb", account.ErrAppPasswordName},
	} {
		secret, err := h.NewAppPassword(t.Context(), tt.who, account.AppPassword{Name: tt.name}, keeper)
		if !errors.Is(err, tt.want) || secret != "" {
			t.Errorf("%s: got %q, %v, want %v", tt.row, secret, err, tt.want)
		}
	}
	if diff := cmp.Diff(before, h.dump(t)); diff != "" {
		t.Errorf("the database changed (-before +after):\n%s", diff)
	}
	h.appPassword(t, bob, account.AppPassword{Name: " " + strings.Repeat("ä", 64) + "\n"})
}

func TestAnAccountHasFiftyAppPasswordsAtMost(t *testing.T) {
	h := open(t)
	ann, bob := h.add(t, "ann", account.Owner), h.add(t, "bob", account.Member)
	got := atOnce(t, 60, func(i int) error {
		_, err := h.NewAppPassword(t.Context(), ann, account.AppPassword{Name: fmt.Sprint(i)}, keeper)
		return err
	}, nil, account.ErrAppPasswordMany)
	if got[nil] != 50 {
		t.Errorf("%d were made, want 50", got[nil])
	}
	h.appPassword(t, bob, account.AppPassword{Name: "bob's own"})
}

func TestTheListOfAppPasswordsHasAtMostFifty(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	h.exec(t, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
		INSERT INTO app_passwords (id, secret_hash, account_id, name, hosts, created_at, expires_at) SELECT i, i, ?, i, '', i, 0 FROM n`, ann.ID)
	if all, err := h.AppPasswords(t.Context(), ann.ID); len(all) != 50 || err != nil || all[0].Name != "60" {
		t.Errorf("got %d app passwords, error %v; want the newest 50", len(all), err)
	}
}

func TestTheListOfAppPasswords(t *testing.T) {
	h := open(t)
	ann, bob := h.add(t, "ann", account.Owner), h.add(t, "bob", account.Member)
	h.appPassword(t, bob, account.AppPassword{Name: "bob's"})
	soon := h.clock.now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	h.appPassword(t, ann, account.AppPassword{Name: "short", Hosts: "app.example", Expires: soon})
	secret := h.appPassword(t, ann, account.AppPassword{Name: "long"})
	uses := func() time.Time {
		t.Helper()
		if _, err := h.AppPassword(t.Context(), secret, "", "app.example"); err != nil {
			t.Fatal(err)
		}
		all, err := h.AppPasswords(t.Context(), ann.ID)
		if err != nil || len(all) != 2 || all[0].Name != "long" || all[1].Name != "short" || all[1].Hosts != "app.example" ||
			!all[1].Expires.Equal(soon) || !all[0].Expires.IsZero() || !all[1].LastUsedAt.IsZero() {
			t.Fatalf("the list is %+v, %v", all, err)
		}
		return all[0].LastUsedAt
	}
	h.clock.add(2 * time.Hour) // an expired one stays on the list
	first := uses()
	h.clock.add(59 * time.Second)
	if again := uses(); first.IsZero() || !again.Equal(first) {
		t.Errorf("last used at %v, 59 seconds later at %v", first, again)
	}
	h.clock.add(time.Second)
	if later := uses(); later.Sub(first) < time.Minute {
		t.Errorf("last used at %v, a minute later at %v", first, later)
	}
	h.clock.add(time.Hour) // the app password is valid even if its use cannot be written
	room := h.full(t, "UPDATE", "app_passwords")
	before := uses()
	room()
	h.clock.add(59 * time.Second)
	if again := uses(); !again.Equal(before) {
		t.Error("within the same minute it was tried to note a use again")
	}
	h.clock.add(time.Second)
	if later := uses(); later.Sub(before) < time.Hour {
		t.Error("a minute later no use was noted")
	}
}

// Attack fault/lock: while another process holds the write lock, writing the last use
// delays a request by a moment only.
func TestUsesDoNotWaitForALock(t *testing.T) {
	h := open(t)
	secret := h.appPassword(t, h.add(t, "ann", account.Owner), account.AppPassword{Name: "backup"})
	other := dbtest.OpenAt(t, h.at)
	err := other.Tx(t.Context(), func(*db.Tx) error {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // less than a write waits for the lock
		defer cancel()
		for range 20 {
			if _, err := h.AppPassword(ctx, secret, "", "app.example"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
