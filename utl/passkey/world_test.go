package passkey_test

import (
	"context"
	"net/url"
	"os"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/account/accounttest"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

const (
	origin  = "https://jar.example"
	browser = "a browser's nonce"
)

var (
	visitor = accounttest.Visitor
	key     = accounttest.Key
)

// signIn is the Question of a sign-in.
var signIn = passkey.Question{Use: passkey.SignIn, Holder: browser}

// world is a passkey store with accounts and sessions, and a clock that the test sets.
type world struct {
	*accounttest.World
	*passkey.Store
}

func public(u string) (parsed *url.URL) { parsed, _ = url.Parse(u); return parsed }

func open(t *testing.T) *world {
	t.Helper()
	return with(t, accounttest.Open(t))
}

// second returns a second server on the same database.
func (w *world) second(t *testing.T) *world {
	t.Helper()
	return with(t, w.Second(t))
}

// with adds the store to the server.
func with(t *testing.T, w *accounttest.World) *world {
	t.Helper()
	o := &world{World: w}
	o.Store = o.site(t, origin, key("p"))
	return o
}

// site returns the store of a site with this URL.
func (w *world) site(t *testing.T, at string, keys ...[32]byte) *passkey.Store {
	t.Helper()
	s, err := passkey.New(passkey.Options{DB: w.DB, Sessions: w.Sessions, Public: public(at), SiteName: "Ada's jar", Keys: keys, Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// registering is the Question for the account's next passkey.
func registering(a account.Account) passkey.Question {
	return passkey.Question{Use: passkey.Register, Holder: a.ID}
}

// options returns the options for one more passkey of the account.
func (w *world) options(t *testing.T, a account.Account, q passkey.Question) string {
	t.Helper()
	text, err := w.CreateOptions(t.Context(), q, a.Identity)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// try registers the passkey of the answer.
func (w *world) try(t *testing.T, a account.Account, answer string) error {
	t.Helper()
	_, err := w.Add(t.Context(), a.Identity, passkey.Registration{Name: "Laptop", Answer: answer, Holder: a.ID}, visitor)
	return err
}

// register makes the device create a passkey, and registers it for the account.
func (w *world) register(t *testing.T, a account.Account, d *passkeytest.Device) {
	t.Helper()
	if err := w.try(t, a, d.Create(t, w.options(t, a, registering(a)))); err != nil {
		t.Fatal(err)
	}
}

// enter checks and spends the answer, as a sign-in does.
func (w *world) enter(t *testing.T, answer string) (passkey.Claim, error) {
	t.Helper()
	c, err := w.CheckSignIn(t.Context(), signIn, answer)
	if err == nil {
		err = w.spend(t.Context(), c)
	}
	return c, err
}

// spend spends the claim as a sign-in does.
func (w *world) spend(ctx context.Context, c passkey.Claim) error {
	return w.Locked(ctx, c.Account.AccountID, func(tx *db.Tx) error { return c.Spend(ctx, tx) })
}
