package stores_test

import (
	"errors"
	"net/url"
	"testing"

	"github.com/pquerna/otp/totp"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/factor"
	"glassjar/utl/stores"
)

// withApp creates the account ada with an authenticator app.
func withApp(t *testing.T, st *stores.Stores) account.Account {
	t.Helper()
	ctx, by := t.Context(), audit.Command()
	ada, err := st.Accounts.Add(ctx, account.NewAccount{Username: "ada", Password: "correct horse battery", Role: account.Owner}, by)
	if err != nil {
		t.Fatal(err)
	}
	sealed, secret := st.Factors.NewSetUp(ada.ID)
	code, err := totp.GenerateCode(secret.Text(), st.Accounts.Now())
	if err == nil {
		_, err = st.Factors.Confirm(ctx, ada.Identity, factor.Confirmation{SetUp: sealed, Code: code}, by)
	}
	if err == nil {
		ada, err = st.Accounts.Find(ctx, "ada")
	}
	if err != nil {
		t.Fatal(err)
	}
	return ada
}

// The stores are connected: app passwords end when all factors are cleared, and recovery
// codes are deleted with the last passkey.
func TestFactorsEndWhatHangsOnThem(t *testing.T) {
	st, _, _ := open(t)
	ctx, by := t.Context(), audit.Command()
	ada := withApp(t, st)
	if _, err := st.Accounts.NewAppPassword(ctx, ada, account.AppPassword{Name: "backup"}, by); err != nil {
		t.Fatal(err)
	}
	signers, err := st.Signers(&url.URL{Scheme: "https", Host: "jar.example"})
	if err != nil {
		t.Fatal(err)
	}
	exec := func(q string) error {
		return st.DB.Tx(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, q, ada.ID)
			return err
		})
	}
	if err := errors.Join(
		exec(`INSERT INTO passkeys (id, credential_id, account_id, rp_id, name, public_key, sign_count, flags, transports, may_sign_in, created_at)
			VALUES ('one', 'one', ?, '', '', '', 0, 0, '', 1, 1)`),
		exec(`DELETE FROM authenticators WHERE account_id = ?`),
		signers.Passkeys.Remove(ctx, ada.Identity, "one", "", by),
	); err != nil {
		t.Fatal(err)
	}
	if n := count(t, st, `SELECT COUNT(*) FROM recovery_codes`); n != 0 {
		t.Errorf("%d recovery codes are left without a second factor", n)
	}
	err = exec(`INSERT INTO authenticators (account_id, secret, key_id, last_step, made_at) VALUES (?, '', '', 0, 1)`)
	if err := errors.Join(err, st.Factors.Clear(ctx, ada.Identity, by)); err != nil {
		t.Fatal(err)
	}
	if n := count(t, st, `SELECT COUNT(*) FROM app_passwords`); n != 0 {
		t.Errorf("%d app passwords are left after the factors were cleared", n)
	}
}
