package passkey_test

import (
	"errors"
	"strings"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

// Attack factors/passkey: what signs nobody in.
func TestSignInsThatAreRefused(t *testing.T) {
	for _, row := range []struct {
		name string
		make func(t *testing.T, w *world, ada account.Account, d *passkeytest.Device) string
		want error
	}{
		{"nothing", func(*testing.T, *world, account.Account, *passkeytest.Device) string { return "" }, passkey.ErrAnswer},
		{"null", func(*testing.T, *world, account.Account, *passkeytest.Device) string { return "null" }, passkey.ErrAnswer},
		{"a registration", func(t *testing.T, w *world, ada account.Account, d *passkeytest.Device) string {
			t.Helper()
			return d.Create(t, w.options(t, ada, registering(ada)))
		}, passkey.ErrAnswer},
		{"another origin", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.Origin = "https://evil.example"
			return d.Get(t, w.ask(t))
		}, passkey.ErrAnswer},
		{"the same over http", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.Origin = "http://jar.example"
			return d.Get(t, w.ask(t))
		}, passkey.ErrAnswer},
		{"a name below it", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.Origin = "https://app.jar.example"
			return d.Get(t, w.ask(t))
		}, passkey.ErrAnswer},
		{"another RP ID", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.RPID = "evil.example"
			return d.Get(t, w.ask(t))
		}, passkey.ErrAnswer},
		{"its user not verified", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.Flags = passkeytest.Present
			return d.Get(t, w.ask(t))
		}, passkey.ErrAnswer},
		{"its user not there", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.Flags = passkeytest.Verified
			return d.Get(t, w.ask(t))
		}, passkey.ErrAnswer},
		{"eligible for backup all at once", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.Flags |= passkeytest.Eligible
			return d.Get(t, w.ask(t))
		}, passkey.ErrAnswer},
		{"another browser's challenge", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			text, err := w.SignInOptions(passkey.Question{Use: passkey.SignIn, Holder: "another browser"})
			if err != nil {
				t.Fatal(err)
			}
			return d.Get(t, text)
		}, passkey.ErrChallenge},
		{"a challenge for a proof", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			text, err := w.SignInOptions(passkey.Question{Use: passkey.Proof, Holder: browser})
			if err != nil {
				t.Fatal(err)
			}
			return d.Get(t, text)
		}, passkey.ErrChallenge},
		{"a challenge with a byte changed", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			text := w.ask(t)
			c := passkeytest.Challenge(t, text)
			other := "A" + c[1:]
			if other == c {
				other = "B" + c[1:]
			}
			return d.Get(t, strings.Replace(text, c, other, 1))
		}, passkey.ErrChallenge},
		{"an empty challenge", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			text := w.ask(t)
			return d.Get(t, strings.Replace(text, passkeytest.Challenge(t, text), "", 1))
		}, passkey.ErrChallenge},
		{"an old challenge", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			text := w.ask(t)
			w.pass(passkey.Life)
			return d.Get(t, text)
		}, passkey.ErrExpired},
		{"an answer twice", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			answer := d.Get(t, w.ask(t))
			if _, err := w.enter(t, answer); err != nil {
				t.Fatal(err)
			}
			return answer
		}, passkey.ErrUsed},
		{"an answer twice, spelled in another way", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			answer := d.Get(t, w.ask(t))
			if _, err := w.enter(t, answer); err != nil {
				t.Fatal(err)
			}
			return strings.Replace(answer, `"type"`, ` "type"`, 1)
		}, passkey.ErrUsed},
		{"a count that goes back", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.Count = 8
			if _, err := w.enter(t, d.Get(t, w.ask(t))); err != nil {
				t.Fatal(err)
			}
			d.Count = 7
			return d.Get(t, w.ask(t))
		}, passkey.ErrCopied},
		{"a count that stays", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.Count = 8
			if _, err := w.enter(t, d.Get(t, w.ask(t))); err != nil {
				t.Fatal(err)
			}
			return d.Get(t, w.ask(t))
		}, passkey.ErrCopied},
		{"a count that is gone", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.Count = 8
			if _, err := w.enter(t, d.Get(t, w.ask(t))); err != nil {
				t.Fatal(err)
			}
			d.Count = 0
			return d.Get(t, w.ask(t))
		}, passkey.ErrCopied},
		{"a removed passkey", func(t *testing.T, w *world, ada account.Account, d *passkeytest.Device) string {
			t.Helper()
			all, err := w.List(t.Context(), ada.ID)
			if err == nil {
				err = w.Remove(t.Context(), ada.Identity, all[0].ID, "", visitor)
			}
			if err != nil {
				t.Fatal(err)
			}
			return d.Get(t, w.ask(t))
		}, passkey.ErrUnknown},
		{"a disabled account's", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			if err := w.accounts.Disable(t.Context(), "ada", audit.Command()); err != nil {
				t.Fatal(err)
			}
			return d.Get(t, w.ask(t))
		}, passkey.ErrUnknown},
		{"a key that may only follow a password", func(t *testing.T, w *world, ada account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.Flags = passkeytest.Present // it has no PIN then
			if err := w.try(t, ada, d.Create(t, w.options(t, ada, passkey.Question{Use: passkey.RegisterKey, Holder: ada.ID}))); err != nil {
				t.Fatal(err)
			}
			d.Flags |= passkeytest.Verified // and gets one later
			return d.Get(t, w.ask(t))
		}, passkey.ErrSecondOnly},
		{"another account's handle", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			w.register(t, w.add(t, "eve"), d)
			d.Keys[0].Handle = d.Keys[1].Handle
			return d.Sign(t, w.ask(t), d.Keys[0])
		}, passkey.ErrAnswer},
		{"no handle", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			return change(t, d.Get(t, w.ask(t)), func(_, response map[string]any) { delete(response, "userHandle") })
		}, passkey.ErrAnswer},
		{"another's signature", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			w.register(t, w.add(t, "eve"), d)
			text := w.ask(t)
			other := d.Sign(t, text, d.Keys[1])
			var from map[string]any
			change(t, other, func(_, response map[string]any) { from = response })
			return change(t, d.Sign(t, text, d.Keys[0]), func(_, response map[string]any) { response["signature"] = from["signature"] })
		}, passkey.ErrAnswer},
		{"no signature", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			return change(t, d.Get(t, w.ask(t)), func(_, response map[string]any) { response["signature"] = "" })
		}, passkey.ErrAnswer},
		{"17 KB", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			return d.Get(t, w.ask(t)) + strings.Repeat(" ", 17<<10)
		}, passkey.ErrAnswer},
		{"within another site's page", func(t *testing.T, w *world, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.Framed = true
			return d.Get(t, w.ask(t))
		}, passkey.ErrAnswer},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := open(t)
			ada, d := w.add(t, "ada"), passkeytest.New(origin)
			w.add(t, "zoe")
			w.register(t, ada, d)
			if _, err := w.enter(t, row.make(t, w, ada, d)); !errors.Is(err, row.want) {
				t.Errorf("got error %v, want %v", err, row.want)
			}
		})
	}
}
