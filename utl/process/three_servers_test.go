package process

import (
	"testing"

	"glassjar/utl/browsertest"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/keyring"
)

// Attack servers/ends: three servers on one PostgreSQL, as people use them: somebody
// signs in on the first, opens pages on the second, and is signed out from a second
// browser on the third.
func TestThreeServersInABrowser(t *testing.T) {
	t.Parallel()
	url := dbtest.Need(t).New(t)
	keys, err := keyring.New()
	if err != nil {
		t.Fatal(err)
	}
	var at [3]*program
	for i := range at {
		at[i] = start(t, machine(t, url, keys))
	}
	here, there := browsertest.Open(t), browsertest.Open(t)
	here.MakeAccount(at[0].url+newestLink(at[:]...), "ada", good)
	for _, path := range []string{"/account", "/people"} {
		here.Open(at[1].url + path)
		if got := here.Path(); got != path {
			t.Errorf("at the second server %s leads to %s", path, got)
		}
	}

	there.Open(at[2].url + "/account")
	there.Sees("Sign in")
	there.Submit("ada", good)
	there.Sees("Your account")
	there.Press("Sign out everywhere else")
	at[1].within(soon, "the second server refuses the ended session", func() bool {
		here.Open(at[1].url + "/account")
		return browsertest.Value[string](here, `document.querySelector("h1").textContent`) == "Sign in"
	})
	there.Open(at[1].url + "/account")
	there.Sees("Your account")
	here.Quiet()
	there.Quiet()
}
