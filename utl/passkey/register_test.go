package passkey_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

// The options ask for a passkey that verifies its user and is found without a
// username, for this host alone, with no attestation, and for none that is there.
func TestCreateOptions(t *testing.T) {
	w := open(t)
	ada, d := w.add(t, "ada"), passkeytest.New(origin)
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

// Attack factors/passkey: what registers nothing.
func TestRegistrationsThatAreRefused(t *testing.T) {
	for _, row := range []struct {
		name string
		make func(w *world, ada, eve account.Account, d *passkeytest.Device) string
		want error
	}{
		{"nothing", func(*world, account.Account, account.Account, *passkeytest.Device) string { return "" }, passkey.ErrAnswer},
		{"a list", func(*world, account.Account, account.Account, *passkeytest.Device) string { return "[]" }, passkey.ErrAnswer},
		{"another origin", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			d.Origin = "https://jar.example.evil.example"
			return d.Create(t, w.options(t, ada, registering(ada)))
		}, passkey.ErrAnswer},
		{"another port", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			d.Origin = origin + ":8443"
			return d.Create(t, w.options(t, ada, registering(ada)))
		}, passkey.ErrAnswer},
		{"another RP ID", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			d.RPID = "example"
			return d.Create(t, w.options(t, ada, registering(ada)))
		}, passkey.ErrAnswer},
		{"its user not verified", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			d.Flags = passkeytest.Present
			return d.Create(t, w.options(t, ada, registering(ada)))
		}, passkey.ErrAnswer},
		{"its user not there", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			d.Flags = passkeytest.Verified
			return d.Create(t, w.options(t, ada, registering(ada)))
		}, passkey.ErrAnswer},
		{"backed up, and not eligible for it", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			d.Flags |= passkeytest.BackedUp
			return d.Create(t, w.options(t, ada, registering(ada)))
		}, passkey.ErrAnswer},
		{"an answer to sign in with", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			w.register(t, ada, d)
			return d.Get(t, w.ask(t))
		}, passkey.ErrAnswer},
		{"a sign-in's challenge", func(w *world, _, _ account.Account, d *passkeytest.Device) string {
			return d.Create(t, w.ask(t))
		}, passkey.ErrChallenge},
		{"another account's challenge", func(w *world, _, eve account.Account, d *passkeytest.Device) string {
			return d.Create(t, w.options(t, eve, registering(eve)))
		}, passkey.ErrChallenge},
		{"another site's challenge", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			text, err := w.site(t, origin, key("x")).CreateOptions(t.Context(), registering(ada), ada.Identity)
			if err != nil {
				t.Fatal(err)
			}
			return d.Create(t, text)
		}, passkey.ErrChallenge},
		{"an old challenge", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			text := w.options(t, ada, registering(ada))
			w.pass(passkey.Life)
			return d.Create(t, text)
		}, passkey.ErrExpired},
		{"a challenge of years ahead", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			w.pass(24 * time.Hour)
			text := w.options(t, ada, registering(ada))
			w.pass(-24 * time.Hour)
			return d.Create(t, text)
		}, passkey.ErrExpired},
		{"16 KB of attestation", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			d.Pad = 16 << 10
			return d.Create(t, w.options(t, ada, registering(ada)))
		}, passkey.ErrAnswer},
		{"a challenge twice", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			text := w.options(t, ada, registering(ada))
			if err := w.try(t, ada, d.Create(t, text)); err != nil {
				t.Fatal(err)
			}
			return d.Create(t, text)
		}, passkey.ErrUsed},
		{"a credential twice", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			w.register(t, ada, d)
			return d.Attest(t, w.options(t, ada, registering(ada)), d.Keys[0])
		}, passkey.ErrTaken},
		{"a credential of another account", func(w *world, ada, eve account.Account, d *passkeytest.Device) string {
			w.register(t, eve, d)
			return d.Attest(t, w.options(t, ada, registering(ada)), d.Keys[0])
		}, passkey.ErrTaken},
		{"one more than twenty", func(w *world, ada, _ account.Account, d *passkeytest.Device) string {
			for range passkey.MaxPasskeys {
				w.register(t, ada, d)
			}
			return d.Create(t, w.options(t, ada, registering(ada)))
		}, passkey.ErrMany},
		{"one for who is disabled", func(w *world, ada, eve account.Account, d *passkeytest.Device) string {
			text := d.Create(t, w.options(t, ada, registering(ada)))
			if err := w.accounts.Disable(t.Context(), "ada", audit.Command()); err != nil {
				t.Fatal(err)
			}
			return text
		}, passkey.ErrUnknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := open(t)
			ada, eve := w.add(t, "ada"), w.add(t, "eve")
			answer := row.make(w, ada, eve, passkeytest.New(origin))
			before := w.texts(t, `SELECT id FROM passkeys`)
			if err := w.try(t, ada, answer); !errors.Is(err, row.want) {
				t.Errorf("got error %v, want %v", err, row.want)
			}
			if after := w.texts(t, `SELECT id FROM passkeys`); len(after) != len(before) {
				t.Errorf("there are %d passkeys, were %d", len(after), len(before))
			}
		})
	}
}

// What the maker says of a device is not asked for, and not looked at.
func TestAttestationIsNotLookedAt(t *testing.T) {
	w := open(t)
	ada, d := w.add(t, "ada"), passkeytest.New(origin)
	d.Pad = 64
	w.register(t, ada, d)
	if _, err := w.enter(t, d.Get(t, w.ask(t))); err != nil {
		t.Error(err)
	}
}

// Adding and removing a passkey ends the account's other sessions, and neither this
// one nor anybody else's, nor app passwords; both are in the log.
func TestChangesEndOtherSessions(t *testing.T) {
	w := open(t)
	ada, eve, d := w.add(t, "ada"), w.add(t, "eve"), passkeytest.New(origin)
	if _, err := w.accounts.NewAppPassword(t.Context(), ada, account.AppPassword{Name: "backup"}, visitor); err != nil {
		t.Fatal(err)
	}
	eves, here := w.session(t, eve), w.session(t, ada)
	live := func() (all []string) {
		for _, id := range []string{ada.ID, eve.ID} {
			found, err := w.sessions.List(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range found {
				all = append(all, s.SID)
			}
		}
		return all
	}
	w.session(t, ada)
	_, err := w.Add(t.Context(), ada.Identity, passkey.Registration{
		Name: " Laptop ", Answer: d.Create(t, w.options(t, ada, registering(ada))), Holder: ada.ID, SID: here,
	}, visitor)
	if err != nil || !slices.Equal(live(), []string{here, eves}) {
		t.Fatalf("got error %v; the sessions are %v, want %v", err, live(), []string{here, eves})
	}
	all, err := w.List(t.Context(), ada.ID)
	if err != nil || len(all) != 1 || all[0].Name != "Laptop" || !all[0].MaySignIn || all[0].Synced || !all[0].Used.IsZero() || all[0].Host != "jar.example" {
		t.Fatalf("got %+v, error %v", all, err)
	}
	for _, id := range []string{"", "x", "\x00"} {
		if err := w.Remove(t.Context(), ada.Identity, id, here, visitor); !errors.Is(err, passkey.ErrUnknown) {
			t.Errorf("removing %q: %v", id, err)
		}
	}
	if err := w.Remove(t.Context(), eve.Identity, all[0].ID, eves, visitor); !errors.Is(err, passkey.ErrUnknown) {
		t.Errorf("removing another's: %v", err)
	}
	w.session(t, ada)
	if err := w.Remove(t.Context(), ada.Identity, all[0].ID, here, visitor); err != nil || !slices.Equal(live(), []string{here, eves}) {
		t.Errorf("got error %v; the sessions are %v, want %v", err, live(), []string{here, eves})
	}
	if got := w.texts(t, `SELECT event || ' ' || username || ' ' || detail || ' ' || address FROM audit WHERE event LIKE 'passkey%' ORDER BY id`); !slices.Equal(got, []string{
		"passkey.added ada Laptop 192.0.2.2", "passkey.removed ada Laptop 192.0.2.2",
	}) {
		t.Errorf("the log has %q", got)
	}
	if n := w.texts(t, `SELECT name FROM app_passwords`); len(n) != 1 {
		t.Errorf("the app passwords are %v", n)
	}
}

func TestRename(t *testing.T) {
	w := open(t)
	ada, eve := w.add(t, "ada"), w.add(t, "eve")
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

// Attack race/one-winner: an account's last free place, on two servers.
func TestOfManyRegistrationsTwentyFit(t *testing.T) {
	w := open(t)
	servers := []*world{w, w.second(t)}
	ada, d := w.add(t, "ada"), passkeytest.New(origin)
	for range passkey.MaxPasskeys - 1 {
		w.register(t, ada, d)
	}
	answers := make([]string, 20)
	for i := range answers {
		answers[i] = d.Create(t, w.options(t, ada, registering(ada)))
	}
	errs := make([]error, len(answers))
	var all sync.WaitGroup
	for i, answer := range answers {
		all.Go(func() { errs[i] = servers[i%2].try(t, ada, answer) })
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, passkey.ErrMany) {
			t.Error(err)
		}
	}
	if n := len(w.texts(t, `SELECT id FROM passkeys`)); won != 1 || n != passkey.MaxPasskeys {
		t.Errorf("%d got in, there are %d", won, n)
	}
}
