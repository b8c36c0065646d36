package factor_test

import (
	"context"
	"encoding/base32"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/account/accounttest"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/factor"
	"glassjar/utl/session"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

var (
	visitor = accounttest.Visitor
	key     = accounttest.Key
)

// world is a factor store with accounts and sessions, and a clock that the test sets.
type world struct {
	*accounttest.World
	*factor.Store
}

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
	s, err := factor.New(factor.Options{DB: w.DB, Sessions: w.Sessions, SiteName: "Ada's jar", Keys: [][32]byte{key("f")}, Changed: w.Accounts.FactorsChanged, Used: w.Accounts.FactorUsed, Now: w.Now})
	if err != nil {
		t.Fatal(err)
	}
	return &world{w, s}
}

// verified returns the account as it is now, proven by its password.
func (w *world) verified(t *testing.T, name string) session.Verified {
	t.Helper()
	return w.Again(t, name).Verified(1, "pwd")
}

// on turns an authenticator app on, and returns its secret and the recovery codes.
func (w *world) on(t *testing.T, a account.Account) (factor.Secret, []string) {
	t.Helper()
	sealed, secret := w.NewSetUp(a.ID)
	codes, err := w.Confirm(t.Context(), a.Identity, factor.Confirmation{SetUp: sealed, Code: w.code(t, secret, 0)}, visitor)
	if err != nil {
		t.Fatal(err)
	}
	w.Pass(30 * time.Second) // the code that turned it on is used
	return secret, codes
}

// code returns the code that the app with the secret shows steps time steps from now.
func (w *world) code(t *testing.T, secret factor.Secret, steps int64) string {
	t.Helper()
	code, err := factor.CodeAt(secret[:], w.Now().Unix()/30+steps)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// wrong returns six digits that the app shows neither now nor in the next steps.
func (w *world) wrong(t *testing.T, secret factor.Secret) string {
	t.Helper()
	near := []string{}
	for steps := int64(-1); steps <= 1; steps++ {
		near = append(near, w.code(t, secret, steps))
	}
	for _, code := range []string{"000000", "111111", "222222", "333333"} {
		if !strings.Contains(strings.Join(near, " "), code) {
			return code
		}
	}
	panic("three codes cannot be four")
}

// begin begins a pending sign-in of the account and returns its code.
func (w *world) begin(t *testing.T, name string) string {
	t.Helper()
	code, err := w.Begin(t.Context(), factor.Pending{Account: w.verified(t, name), Next: "/people"}, "")
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enter checks a code, and spends it as the start of a session would.
func (w *world) enter(ctx context.Context, pending, text string) (factor.Claim, error) {
	c, err := w.Check(ctx, pending, text, visitor)
	if err == nil {
		err = w.spend(ctx, c)
	}
	return c, err
}

func (w *world) spend(ctx context.Context, c factor.Claim) error {
	return w.Locked(ctx, c.Account.AccountID, func(tx *db.Tx) error { return w.Spend(ctx, tx, c, visitor) })
}

// atOnce runs do n times at once and returns how often it succeeded.
func atOnce(n int, do func(i int) error) (good int) {
	for _, err := range accounttest.AtOnce(n, do) {
		if err == nil {
			good++
		}
	}
	return good
}

func text(secret []byte) string { return base32.StdEncoding.EncodeToString(secret) }

func sixDigits(i int) string { return fmt.Sprintf("%06d", i) }

func dump(t *testing.T, w *world) []string {
	t.Helper()
	return dbtest.Dump(t, w.DB)
}

func need(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
