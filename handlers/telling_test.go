package handlers_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/account"
)

// The names of the telling test, all of one length.
const (
	knownName    = "known-one"
	unknownName  = "no-suchon"
	disabledName = "disabled1"
	corruptName  = "corrupted"
	costlyName   = "costly-hs"
	noName       = "ö-no-nam" // 9 bytes, and no username
)

var tellingNames = []string{knownName, unknownName, disabledName, corruptName, costlyName, noName}

// tellingSite has an account of each kind.
func tellingSite(t *testing.T) *testSite {
	t.Helper()
	s := newSite(t)
	for _, name := range []string{knownName, disabledName, corruptName, costlyName} {
		s.add(t, name, account.Member)
	}
	s.disable(t, disabledName)
	s.spoil(t, corruptName, "not a hash")
	s.spoil(t, costlyName, "$argon2id$v=19$m=4294967295,t=4294967295,p=255$c29tZXNhbHRzb21lc2FsdA$"+strings.Repeat("A", 43))
	return s
}

// sight is all that somebody who guesses can see, the name put aside.
type sight struct {
	Status  string
	Headers []string
	Body    string
}

func (a *answer) sight(name string) sight {
	saw := sight{Status: a.Status, Body: strings.ReplaceAll(a.body, name, "NAME")}
	for header, values := range a.Header {
		if header != "Date" {
			saw.Headers = append(saw.Headers, header+": "+strings.Join(values, " | "))
		}
	}
	slices.Sort(saw.Headers)
	return saw
}

// Attack guessing/same-answers: for equal counters known, unknown, disabled and broken accounts
// answer alike, the throttled answer too.
func TestNoTelling(t *testing.T) {
	for _, row := range []struct{ name, password string }{
		{"a wrong password", other},
		{"an empty password", ""},
		{"a password that no rule allows", "short"},
		{"a password of 2 KB", strings.Repeat("long", 512)},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := tellingSite(t)
			for try := range 8 {
				var first sight
				for i, name := range tellingNames {
					b := s.stranger(t, fmt.Sprint("192.0.2.", i))
					got := b.post("/auth", "username", name, "password", row.password, "next", "/account", "remember", "1")
					if want := http.StatusUnprocessableEntity; try < 5 && got.StatusCode != want {
						t.Fatalf("try %d as %s: got %s, want %d", try, name, got.Status, want)
					}
					if want := http.StatusTooManyRequests; try >= 5 && got.StatusCode != want {
						t.Fatalf("try %d as %s: got %s, want %d", try, name, got.Status, want)
					}
					saw := got.sight(name)
					if i == 0 {
						first = saw
					} else if diff := cmp.Diff(first, saw); diff != "" {
						t.Errorf("try %d as %s can be told from %s (-known +this):\n%s", try, name, knownName, diff)
					}
				}
			}
		})
	}
}

// Attack guessing/same-answers: the right password of a disabled account tells nothing either.
func TestTheRightPasswordOfADisabledAccount(t *testing.T) {
	s := tellingSite(t)
	wrong := s.stranger(t, "192.0.2.1").signIn(knownName, other).sight(knownName)
	right := s.stranger(t, "192.0.2.2").signIn(disabledName, good).sight(disabledName)
	if diff := cmp.Diff(wrong, right); diff != "" {
		t.Errorf("it can be told (-a wrong password +the right one):\n%s", diff)
	}
}

// Attack passwords/broken-hash: a stored hash that is broken, or costs too much, is refused and
// told in the log, without a word of it.
func TestABrokenHashIsLogged(t *testing.T) {
	s := tellingSite(t)
	for _, name := range []string{corruptName, costlyName} {
		s.browser(t).signIn(name, good).want(http.StatusUnprocessableEntity)
		said := s.log.lines("account=" + name)
		if len(said) != 1 || !strings.Contains(said[0], "the stored hash is broken") || strings.Contains(said[0], "not a hash") {
			t.Errorf("%s: the log says %q", name, said)
		}
	}
}

// Attack guessing/spraying: one password against many names is the address's failure each
// time, whether the names are taken or not.
func TestOnePasswordAgainstManyNames(t *testing.T) {
	s := tellingSite(t)
	b, refused := s.stranger(t, "192.0.2.1"), 0
	for i := range 100 {
		name := fmt.Sprint("name", i)
		if i%10 == 0 {
			name = knownName
		}
		if got := b.signIn(name, other); got.StatusCode == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 100-21 {
		t.Errorf("%d of 100 were refused, want all but 21", refused)
	}
}

// Attack account/made-again: an account deleted and made again under its name is another
// one: cookies, known devices and links of the old one are nothing to it.
func TestANameMadeAgain(t *testing.T) {
	s := newSite(t)
	s.add(t, "ada", account.Owner)
	s.add(t, "bob", account.Member)
	old, link := s.signedIn(t, "bob"), s.link(t, "bob")
	s.delete(t, "bob")
	s.add(t, "bob", account.Member)
	old.get("/account").want(http.StatusSeeOther)
	old.get(link).want(http.StatusGone)
	for i := range 11 {
		s.stranger(t, fmt.Sprint("192.0.2.", i)).fail(1, "bob")
	}
	old.signIn("bob", good).want(http.StatusTooManyRequests) // as a stranger's
	if events := s.texts(t, `SELECT event FROM audit WHERE event = 'signin.ok' AND account_id = (SELECT id FROM accounts WHERE username = 'bob')`); len(events) != 0 {
		t.Errorf("the new account has the events %q of the old one", events)
	}
}
