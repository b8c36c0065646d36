package factor_test

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/account/accounttest"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/factor"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
	"glassjar/utl/session"
)

// passkeys returns a passkey store on the server's database.
func (w *world) passkeys(t *testing.T) *passkey.Store {
	t.Helper()
	s, err := passkey.New(passkey.Options{
		DB: w.DB, Sessions: w.Sessions, Public: &url.URL{Scheme: "https", Host: "jar.example"}, SiteName: "Ada's jar", Keys: [][32]byte{key("p")}, Now: w.Now,
		Changed: w.Accounts.FactorsChanged, FirstRecovery: w.FirstRecovery, LastRecovery: w.LastRecovery,
	})
	need(t, err)
	return s
}

func (w *world) exec(t *testing.T, q string, args ...any) {
	t.Helper()
	need(t, w.DB.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), q, args...)
		return err
	}))
}

// Attack race/one-winner, servers/races, factors/code, factors/recovery: a hundred browsers
// send the same right code, of the app or for recovery: one succeeds.
func TestOfAHundredWithACodeOneGetsIn(t *testing.T) {
	w := open(t)
	secret, recovery := w.on(t, w.Owner(t, "ada"))
	servers := []*world{w, w.second(t)}
	for name, code := range map[string]string{"six digits": w.code(t, secret, 0), "recovery": recovery[0]} {
		w.exec(t, `DELETE FROM pending_signins`) // makes room: an account has at most a hundred
		claims := make([]factor.Claim, 100)
		for i := range claims {
			var err error
			if claims[i], err = w.Check(t.Context(), w.begin(t, "ada"), code, visitor); err != nil {
				t.Fatal(err)
			}
		}
		n := atOnce(len(claims), func(i int) error {
			err := servers[i%2].spend(t.Context(), claims[i])
			if err != nil && !errors.Is(err, session.ErrChanged) {
				t.Errorf("%s: got %v, want ErrChanged", name, err)
			}
			return err
		})
		if n != 1 {
			t.Errorf("%s: %d got in with one code", name, n)
		}
	}
	if n := len(w.Texts(t, `SELECT code_hash FROM recovery_codes WHERE used_at > 0`)); n != 1 {
		t.Errorf("%d recovery codes are used", n)
	}
	if n := len(w.Texts(t, `SELECT event FROM audit WHERE event = 'recovery.used'`)); n != 1 {
		t.Errorf("%d uses are in the audit log", n)
	}
}

// makeable returns how to turn apps on that are set up, and what registers as many
// passkeys as an account may have.
func (w *world) makeable(t *testing.T, of account.Account, apps int) ([]factor.Confirmation, []passkey.Registration) {
	t.Helper()
	setUps, keys := make([]factor.Confirmation, apps), make([]passkey.Registration, passkey.MaxPasskeys)
	for i := range setUps {
		sealed, secret := w.NewSetUp(of.ID)
		setUps[i] = factor.Confirmation{SetUp: sealed, Code: w.code(t, secret, 0)}
	}
	store, d := w.passkeys(t), passkeytest.New("https://jar.example")
	for i := range keys {
		options, err := store.CreateOptions(t.Context(), passkey.Question{Use: passkey.Register, Holder: "here"}, of.Identity)
		need(t, err)
		keys[i] = passkey.Registration{Name: fmt.Sprint("key ", i), Answer: d.Create(t, options), Holder: "here"}
	}
	return setUps, keys
}

// Attack race/one-winner, servers/races: several first factors added at once create one set
// of recovery codes.
func TestOfManyFirstFactorsOneBringsCodes(t *testing.T) {
	w := open(t)
	ada := w.Owner(t, "ada")
	servers := []*world{w, w.second(t)}
	keys := []*passkey.Store{servers[0].passkeys(t), servers[1].passkeys(t)}
	setUps, registrations := w.makeable(t, ada, 4*passkey.MaxPasskeys)
	given := make([][]string, len(setUps)+len(registrations))
	for _, err := range accounttest.AtOnce(len(given), func(i int) (err error) {
		if i%5 == 4 {
			var added passkey.Added
			added, err = keys[i%2].Add(t.Context(), ada.Identity, registrations[i/5], visitor)
			given[i] = added.Recovery
			return err
		}
		given[i], err = servers[i%2].Confirm(t.Context(), ada.Identity, setUps[i/5*4+i%5], visitor)
		return err
	}) {
		if err != nil {
			t.Error(err)
		}
	}
	given = slices.DeleteFunc(given, func(codes []string) bool { return codes == nil })
	if len(given) != 1 {
		t.Fatalf("%d sets of recovery codes were given", len(given))
	}
	theirs, err := w.Theirs(t.Context(), ada.ID, strings.Join(given[0], " "))
	if err != nil || len(theirs) != factor.RecoveryCodes {
		t.Errorf("of those given %d are good, error %v", len(theirs), err)
	}
	if n := len(w.Texts(t, `SELECT code_hash FROM recovery_codes`)); n != factor.RecoveryCodes {
		t.Errorf("there are %d recovery codes", n)
	}
	if apps, made := len(w.Texts(t, `SELECT account_id FROM authenticators`)), len(w.Texts(t, `SELECT id FROM passkeys`)); apps != 1 || made != passkey.MaxPasskeys {
		t.Errorf("there are %d apps and %d passkeys", apps, made)
	}
}

// Attack race/one-winner, servers/races, factors/policy: where everybody needs a second
// factor, the last two are removed at once: one removal is refused.
func TestOfTwoLastFactorsOneStays(t *testing.T) {
	w := open(t)
	ada := w.Owner(t, "ada")
	by := audit.Actor{ID: ada.ID, Name: "ada"}
	servers := []*world{w, w.second(t)}
	var keys []*passkey.Store
	for _, one := range servers {
		one.Accounts.SecondFactor = true
		keys = append(keys, one.passkeys(t))
	}
	for round := range 100 {
		w.exec(t, `DELETE FROM passkeys`)
		w.exec(t, `DELETE FROM authenticators`)
		w.exec(t, `INSERT INTO passkeys (id, credential_id, account_id, rp_id, name, public_key, sign_count, flags, transports, may_sign_in, created_at)
			VALUES ('one', 'one', ?, '', '', '', 0, 0, '', 1, 1)`, ada.ID)
		other := func() error { return keys[1].Remove(t.Context(), ada.Identity, "two", "", by) }
		if round%2 == 0 {
			w.exec(t, `INSERT INTO authenticators (account_id, secret, key_id, last_step, made_at) VALUES (?, '', '', 0, 1)`, ada.ID)
			other = func() error { return servers[1].RemoveApp(t.Context(), ada.Identity, "", by) }
		} else {
			w.exec(t, `INSERT INTO passkeys SELECT 'two', 'two', account_id, rp_id, name, public_key, sign_count, flags, transports, may_sign_in, created_at, used_at FROM passkeys`)
		}
		n := atOnce(2, func(i int) error {
			var err error
			if i == 0 {
				err = keys[0].Remove(t.Context(), ada.Identity, "one", "", by)
			} else {
				err = other()
			}
			if err != nil && !errors.Is(err, account.ErrLastFactor) {
				t.Errorf("got %v, want ErrLastFactor", err)
			}
			return err
		})
		if left, err := session.SecondFactors(t.Context(), w.DB, ada.ID); n != 1 || left != 1 || err != nil {
			t.Fatalf("round %d: %d removals, %d left, error %v", round, n, left, err)
		}
	}
}
