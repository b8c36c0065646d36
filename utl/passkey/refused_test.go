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

// scene is where an answer is made that will be refused: two accounts, and ada's
// device.
type scene struct {
	*world

	t        *testing.T
	ada, eve account.Account
	d        *passkeytest.Device
}

func newScene(t *testing.T) scene {
	t.Helper()
	w := open(t)
	return scene{w, t, w.Owner(t, "ada"), w.Owner(t, "eve"), passkeytest.New(origin)}
}

// refusal is an answer that is refused with an error.
type refusal struct {
	name   string
	answer func(scene) string
	want   error
}

// get has ada's device answer a sign-in.
func (s scene) get() string {
	s.t.Helper()
	return s.d.Get(s.t, s.SignInOptions(signIn))
}

// getting has ada's device answer a sign-in once something of it is changed.
func getting(changed func(*passkeytest.Device)) func(scene) string {
	return func(s scene) string {
		changed(s.d)
		return s.get()
	}
}

// entered signs ada in by the answer and returns it.
func (s scene) entered(answer string) string {
	s.t.Helper()
	if _, err := s.enter(s.t, answer); err != nil {
		s.t.Fatal(err)
	}
	return answer
}

// questioned has ada's device answer a sign-in's question of another kind or holder.
func (s scene) questioned(q passkey.Question) string {
	s.t.Helper()
	return s.d.Get(s.t, s.SignInOptions(q))
}

// countingAfter8 has ada's device answer two sign-ins: the first with the count 8, which is
// stored, and then one with the count next.
func countingAfter8(next uint32) func(scene) string {
	return func(s scene) string {
		s.d.Count = 8
		s.entered(s.get())
		s.d.Count = next
		return s.get()
	}
}

// badSignIns are answers of somebody who has registered a passkey.
var badSignIns = []refusal{
	{"nothing", func(scene) string { return "" }, passkey.ErrAnswer},
	{"null", func(scene) string { return "null" }, passkey.ErrAnswer},
	{"a registration", scene.create, passkey.ErrAnswer},
	{"another origin", getting(func(d *passkeytest.Device) { d.Origin = "https://evil.example" }), passkey.ErrAnswer},
	{"the same over http", getting(func(d *passkeytest.Device) { d.Origin = "http://jar.example" }), passkey.ErrAnswer},
	{"a name below it", getting(func(d *passkeytest.Device) { d.Origin = "https://app.jar.example" }), passkey.ErrAnswer},
	{"another RP ID", getting(func(d *passkeytest.Device) { d.RPID = "evil.example" }), passkey.ErrAnswer},
	{"its user not verified", getting(func(d *passkeytest.Device) { d.Flags = passkeytest.Present }), passkey.ErrAnswer},
	{"its user not there", getting(func(d *passkeytest.Device) { d.Flags = passkeytest.Verified }), passkey.ErrAnswer},
	{"eligible for backup all at once", getting(func(d *passkeytest.Device) { d.Flags |= passkeytest.Eligible }), passkey.ErrAnswer},
	{"within another site's page", getting(func(d *passkeytest.Device) { d.Framed = true }), passkey.ErrAnswer},
	{"another browser's challenge", func(s scene) string {
		return s.questioned(passkey.Question{Use: passkey.SignIn, Holder: "another browser"})
	}, passkey.ErrChallenge},
	{"a challenge for a proof", func(s scene) string { return s.questioned(proof) }, passkey.ErrChallenge},
	{"a challenge with a byte changed", func(s scene) string {
		text := s.SignInOptions(signIn)
		c := passkeytest.Challenge(s.t, text)
		other := "A" + c[1:]
		if other == c {
			other = "B" + c[1:]
		}
		return s.d.Get(s.t, strings.Replace(text, c, other, 1))
	}, passkey.ErrChallenge},
	{"an empty challenge", func(s scene) string {
		text := s.SignInOptions(signIn)
		return s.d.Get(s.t, strings.Replace(text, passkeytest.Challenge(s.t, text), "", 1))
	}, passkey.ErrChallenge},
	{"an old challenge", func(s scene) string {
		text := s.SignInOptions(signIn)
		s.Pass(passkey.Life)
		return s.d.Get(s.t, text)
	}, passkey.ErrExpired},
	{"an answer twice", func(s scene) string { return s.entered(s.get()) }, passkey.ErrUsed},
	{"an answer twice, spelled in another way", func(s scene) string {
		return strings.Replace(s.entered(s.get()), `"type"`, ` "type"`, 1)
	}, passkey.ErrUsed},
	{"a count that goes back", countingAfter8(7), passkey.ErrCopied},
	{"a count that stays", countingAfter8(8), passkey.ErrCopied},
	{"a count that is gone", countingAfter8(0), passkey.ErrCopied},
	{"a removed passkey", func(s scene) string {
		all, err := s.List(s.t.Context(), s.ada.ID)
		if err == nil {
			err = s.Remove(s.t.Context(), s.ada.Identity, all[0].ID, "", visitor)
		}
		if err != nil {
			s.t.Fatal(err)
		}
		return s.get()
	}, passkey.ErrUnknown},
	{"a disabled account's", func(s scene) string {
		if err := s.Accounts.Disable(s.t.Context(), "ada", audit.Command()); err != nil {
			s.t.Fatal(err)
		}
		return s.get()
	}, passkey.ErrUnknown},
	{"a key that may only follow a password", func(s scene) string {
		s.d.Flags = passkeytest.Present // a device without a PIN
		if err := s.try(s.t, s.ada, s.d.Create(s.t, s.options(s.t, s.ada, passkey.Question{Use: passkey.RegisterKey, Holder: s.ada.ID}))); err != nil {
			s.t.Fatal(err)
		}
		s.d.Flags |= passkeytest.Verified // which gets one later
		return s.get()
	}, passkey.ErrSecondOnly},
	{"another account's handle", func(s scene) string {
		s.register(s.t, s.eve, s.d)
		s.d.Keys[0].Handle = s.d.Keys[1].Handle
		return s.d.Sign(s.t, s.SignInOptions(signIn), s.d.Keys[0])
	}, passkey.ErrAnswer},
	{"no handle", func(s scene) string {
		return change(s.t, s.get(), func(_, response map[string]any) { delete(response, "userHandle") })
	}, passkey.ErrAnswer},
	{"another's signature", func(s scene) string {
		s.register(s.t, s.eve, s.d)
		text := s.SignInOptions(signIn)
		other := s.d.Sign(s.t, text, s.d.Keys[1])
		var from map[string]any
		change(s.t, other, func(_, response map[string]any) { from = response })
		return change(s.t, s.d.Sign(s.t, text, s.d.Keys[0]), func(_, response map[string]any) { response["signature"] = from["signature"] })
	}, passkey.ErrAnswer},
	{"no signature", func(s scene) string {
		return change(s.t, s.get(), func(_, response map[string]any) { response["signature"] = "" })
	}, passkey.ErrAnswer},
	{"17 KB", func(s scene) string { return s.get() + strings.Repeat(" ", 17<<10) }, passkey.ErrAnswer},
}

// Attack factors/passkey: answers that must not sign anybody in.
func TestSignInsThatAreRefused(t *testing.T) {
	for _, row := range badSignIns {
		t.Run(row.name, func(t *testing.T) {
			s := newScene(t)
			s.register(t, s.ada, s.d)
			if _, err := s.enter(t, row.answer(s)); !errors.Is(err, row.want) {
				t.Errorf("got error %v, want %v", err, row.want)
			}
		})
	}
}
