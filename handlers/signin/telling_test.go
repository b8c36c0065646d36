package signin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/audit"
)

const (
	disabledName = "disabled1"
	corruptName  = "corrupted"
	costlyName   = "costly-hs"
	noName       = "ö-no-nam" // 9 bytes, and not a valid username
)

var tellingNames = []string{webtest.KnownName, webtest.UnknownName, disabledName, corruptName, costlyName, noName}

// tellingSite has an account of each kind.
func tellingSite(t *testing.T) *webtest.Site {
	t.Helper()
	s := webtest.New(t)
	for _, name := range []string{webtest.KnownName, disabledName, corruptName, costlyName} {
		s.Add(t, name, account.Member)
	}
	s.Disable(t, disabledName)
	s.Spoil(t, corruptName, "not a hash")
	s.Spoil(t, costlyName, "$argon2id$v=19$m=4294967295,t=4294967295,p=255$c29tZXNhbHRzb21lc2FsdA$"+strings.Repeat("A", 43))
	return s
}

// Attack guessing/same-answers: with equal counters, known, unknown, disabled and broken
// accounts get the same responses, also when throttled.
func TestNoTelling(t *testing.T) {
	for _, row := range []struct{ name, password string }{
		{"a wrong password", webtest.Other},
		{"an empty password", ""},
		{"a password that no rule allows", "short"},
		{"a password of 2 KB", strings.Repeat("long", 512)},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := tellingSite(t)
			for try := range 8 {
				var first webtest.Sight
				for i, name := range tellingNames {
					b := s.Stranger(t, fmt.Sprint("192.0.2.", i))
					got := b.Post("/auth", "username", name, "password", row.password, "next", "/account", "remember", "1")
					if want := http.StatusUnprocessableEntity; try < 5 && got.StatusCode != want {
						t.Fatalf("try %d as %s: got %s, want %d", try, name, got.Status, want)
					}
					if want := http.StatusTooManyRequests; try >= 5 && got.StatusCode != want {
						t.Fatalf("try %d as %s: got %s, want %d", try, name, got.Status, want)
					}
					saw := got.Sight(name)
					if i == 0 {
						first = saw
					} else if diff := cmp.Diff(first, saw); diff != "" {
						t.Errorf("try %d as %s can be told from %s (-known +this):\n%s", try, name, webtest.KnownName, diff)
					}
				}
			}
		})
	}
}

// Attack guessing/same-answers: the right password of a disabled account is not revealed
// either.
func TestTheRightPasswordOfADisabledAccount(t *testing.T) {
	s := tellingSite(t)
	wrong := s.Stranger(t, "192.0.2.1").SignIn(webtest.KnownName, webtest.Other).Sight(webtest.KnownName)
	right := s.Stranger(t, "192.0.2.2").SignIn(disabledName, webtest.Good).Sight(disabledName)
	if diff := cmp.Diff(wrong, right); diff != "" {
		t.Errorf("it can be told (-a wrong password +the right one):\n%s", diff)
	}
}

// Attack passwords/broken-hash: a stored hash that is malformed, or whose cost is too
// high, is refused and reported in the log, without any part of it.
func TestABrokenHashIsLogged(t *testing.T) {
	s := tellingSite(t)
	for _, name := range []string{corruptName, costlyName} {
		s.Browser(t).SignIn(name, webtest.Good).Want(http.StatusUnprocessableEntity)
		said := s.Log.Lines("account=" + name)
		if len(said) != 1 || !strings.Contains(said[0], "the stored hash is broken") || strings.Contains(said[0], "not a hash") {
			t.Errorf("%s: the log says %q", name, said)
		}
	}
}

// Attack guessing/spraying: one password tried with many names counts as a failure of the
// address each time, whether the names exist or not.
func TestOnePasswordAgainstManyNames(t *testing.T) {
	s := tellingSite(t)
	b, refused := s.Stranger(t, "192.0.2.1"), 0
	for i := range 100 {
		name := fmt.Sprint("name", i)
		if i%10 == 0 {
			name = webtest.KnownName
		}
		if got := b.SignIn(name, webtest.Other); got.StatusCode == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 100-21 {
		t.Errorf("%d of 100 were refused, want all but 21", refused)
	}
}

// Attack account/made-again: a new account with a deleted account's username is another
// account: cookies, known devices and links of the old one are refused.
func TestANameMadeAgain(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "ada", account.Owner)
	s.Add(t, "bob", account.Member)
	old, link := s.SignedIn(t, "bob"), s.Link(t, "bob")
	s.Delete(t, "bob")
	if err := s.Accounts.Free(t.Context(), "bob", audit.Command()); err != nil {
		t.Fatal(err)
	}
	s.Add(t, "bob", account.Member)
	old.Get("/account").Want(http.StatusSeeOther)
	old.Get(link).Want(http.StatusGone)
	for i := range 11 {
		s.Stranger(t, fmt.Sprint("192.0.2.", i)).Fail(1, "bob")
	}
	old.SignIn("bob", webtest.Good).Want(http.StatusTooManyRequests) // like a stranger's
	if events := s.Texts(t, `SELECT event FROM audit WHERE event = 'signin.ok' AND account_id = (SELECT id FROM accounts WHERE username = 'bob')`); len(events) != 0 {
		t.Errorf("the new account has the events %q of the old one", events)
	}
}
