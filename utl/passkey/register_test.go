package passkey_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/account/accounttest"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

// The options ask for a discoverable passkey that verifies its user, for this host only,
// without attestation, and exclude the passkeys that the account has.
func TestCreateOptions(t *testing.T) {
	w := open(t)
	ada, d := w.Owner(t, "ada"), passkeytest.New(origin)
	w.register(t, ada, d)
	var got struct {
		PublicKey struct {
			RP                     struct{ ID, Name string }
			User                   struct{ ID, Name, DisplayName string }
			Challenge, Attestation string
			Timeout                int
			PubKeyCredParams       []struct{ Alg int }
			AuthenticatorSelection struct {
				ResidentKey, UserVerification string
				RequireResidentKey            bool
			}
			ExcludeCredentials []struct {
				ID         string
				Transports []string
			}
		}
	}
	if err := json.Unmarshal([]byte(w.options(t, ada, registering(ada))), &got); err != nil {
		t.Fatal(err)
	}
	p := got.PublicKey
	if p.RP.ID != "jar.example" || p.RP.Name != "Ada's jar" || p.User.Name != "ada" || p.User.DisplayName != "ada" || p.Attestation != "none" || p.Timeout != 300_000 {
		t.Errorf("the options are %+v", p)
	}
	if len(p.User.ID) != 43 || strings.Contains(p.User.ID, ada.ID) {
		t.Errorf("the user handle is %q, want 32 bytes that tell nothing", p.User.ID)
	}
	if s := p.AuthenticatorSelection; s.ResidentKey != "required" || s.UserVerification != "required" || !s.RequireResidentKey {
		t.Errorf("it selects %+v", s)
	}
	if len(p.ExcludeCredentials) != 1 || !slices.Equal(p.ExcludeCredentials[0].Transports, []string{"internal", "hybrid"}) {
		t.Errorf("it excludes %+v", p.ExcludeCredentials)
	}
	if err := json.Unmarshal([]byte(w.options(t, ada, passkey.Question{Use: passkey.RegisterKey, Holder: ada.ID})), &got); err != nil {
		t.Fatal(err)
	}
	if s := got.PublicKey.AuthenticatorSelection; s.ResidentKey != "discouraged" || s.UserVerification != "preferred" || s.RequireResidentKey {
		t.Errorf("a key selects %+v", s)
	}
}

// Attestations are neither requested nor checked.
func TestAttestationIsNotLookedAt(t *testing.T) {
	w := open(t)
	ada, d := w.Owner(t, "ada"), passkeytest.New(origin)
	d.Pad = 64
	w.register(t, ada, d)
	if _, err := w.enter(t, d.Get(t, w.SignInOptions(signIn))); err != nil {
		t.Error(err)
	}
}

// live returns the sids of the accounts' live sessions.
func (w *world) live(t *testing.T, of ...account.Account) (all []string) {
	t.Helper()
	for _, a := range of {
		found, err := w.Sessions.List(t.Context(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range found {
			all = append(all, s.SID)
		}
	}
	return all
}

// Adding or removing a passkey ends the account's other sessions, but not the session that
// does it, other accounts' sessions or app passwords. Both are audited.
func TestChangesEndOtherSessions(t *testing.T) {
	w := open(t)
	ada, eve, d := w.Owner(t, "ada"), w.Owner(t, "eve"), passkeytest.New(origin)
	if _, err := w.Accounts.NewAppPassword(t.Context(), ada, account.AppPassword{Name: "backup"}, visitor); err != nil {
		t.Fatal(err)
	}
	eves, here := w.Session(t, "eve"), w.Session(t, "ada")
	w.Session(t, "ada")
	_, err := w.Add(t.Context(), ada.Identity, passkey.Registration{
		Name: " Laptop ", Answer: d.Create(t, w.options(t, ada, registering(ada))), Holder: ada.ID, SID: here,
	}, visitor)
	if live := w.live(t, ada, eve); err != nil || !slices.Equal(live, []string{here, eves}) {
		t.Fatalf("got error %v; the sessions are %v, want %v", err, live, []string{here, eves})
	}
	all, err := w.List(t.Context(), ada.ID)
	if err != nil || len(all) != 1 || all[0].Name != "Laptop" || !all[0].MaySignIn || all[0].Synced || !all[0].LastUsedAt.IsZero() || all[0].Host != "jar.example" {
		t.Fatalf("got %+v, error %v", all, err)
	}
	w.Session(t, "ada")
	err = w.Remove(t.Context(), ada.Identity, all[0].ID, here, visitor)
	if live := w.live(t, ada, eve); err != nil || !slices.Equal(live, []string{here, eves}) {
		t.Errorf("got error %v; the sessions are %v, want %v", err, live, []string{here, eves})
	}
	if got := w.Texts(t, `SELECT event || ' ' || username || ' ' || detail || ' ' || address FROM audit WHERE event LIKE 'passkey%' ORDER BY id`); !slices.Equal(got, []string{
		"passkey.added ada Laptop 192.0.2.2", "passkey.removed ada Laptop 192.0.2.2",
	}) {
		t.Errorf("the log has %q", got)
	}
	if n := w.Texts(t, `SELECT name FROM app_passwords`); len(n) != 1 {
		t.Errorf("the app passwords are %v", n)
	}
}

// A passkey is removed by its own person alone.
func TestRemovalsThatAreRefused(t *testing.T) {
	w := open(t)
	ada, eve := w.Owner(t, "ada"), w.Owner(t, "eve")
	w.register(t, ada, passkeytest.New(origin))
	own := w.Texts(t, `SELECT id FROM passkeys`)
	for _, id := range []string{"", "x", "\x00"} {
		if err := w.Remove(t.Context(), ada.Identity, id, "", visitor); !errors.Is(err, passkey.ErrUnknown) {
			t.Errorf("removing %q: %v", id, err)
		}
	}
	if err := w.Remove(t.Context(), eve.Identity, own[0], "", visitor); !errors.Is(err, passkey.ErrUnknown) {
		t.Errorf("removing another's: %v", err)
	}
	if left := w.Texts(t, `SELECT id FROM passkeys`); !slices.Equal(left, own) {
		t.Errorf("the passkeys are %q, were %q", left, own)
	}
}

func TestRename(t *testing.T) {
	w := open(t)
	ada, eve := w.Owner(t, "ada"), w.Owner(t, "eve")
	w.register(t, ada, passkeytest.New(origin))
	all, err := w.List(t.Context(), ada.ID)
	if err != nil {
		t.Fatal(err)
	}
	id := all[0].ID
	for _, name := range []string{"", " ", "a\nb", "a\u202eb", "\xff", strings.Repeat("é", 65)} {
		if err := w.Rename(t.Context(), ada.Identity, id, name, visitor); !errors.Is(err, passkey.ErrName) {
			t.Errorf("%q: got error %v, want %v", name, err, passkey.ErrName)
		}
	}
	if err := w.Rename(t.Context(), eve.Identity, id, "Mine", visitor); !errors.Is(err, passkey.ErrUnknown) {
		t.Errorf("another's: %v", err)
	}
	if err := w.Rename(t.Context(), ada.Identity, id, " "+strings.Repeat("é", 64), visitor); err != nil {
		t.Error(err)
	}
	if all, err = w.List(t.Context(), ada.ID); err != nil || all[0].Name != strings.Repeat("é", 64) {
		t.Errorf("got %+v, error %v", all, err)
	}
}

// Attack race/one-winner: the limit of passkeys per account holds on two servers.
func TestOfManyRegistrationsTwentyFit(t *testing.T) {
	w := open(t)
	servers := []*world{w, w.second(t)}
	ada, d := w.Owner(t, "ada"), passkeytest.New(origin)
	for range passkey.MaxPasskeys - 1 {
		w.register(t, ada, d)
	}
	answers := make([]string, 20)
	for i := range answers {
		answers[i] = d.Create(t, w.options(t, ada, registering(ada)))
	}
	won := 0
	for _, err := range accounttest.AtOnce(len(answers), func(i int) error { return servers[i%2].try(t, ada, answers[i]) }) {
		if err == nil {
			won++
		} else if !errors.Is(err, passkey.ErrMany) {
			t.Error(err)
		}
	}
	if n := len(w.Texts(t, `SELECT id FROM passkeys`)); won != 1 || n != passkey.MaxPasskeys {
		t.Errorf("%d got in, there are %d", won, n)
	}
}
