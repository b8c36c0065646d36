package passkey_test

import (
	"errors"
	"testing"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

// create has ada's device make a passkey of hers.
func (s scene) create() string {
	s.t.Helper()
	return s.d.Create(s.t, s.options(s.t, s.ada, registering(s.ada)))
}

// creating has ada's device make a passkey once something of it is changed.
func creating(changed func(*passkeytest.Device)) func(scene) string {
	return func(s scene) string {
		changed(s.d)
		return s.create()
	}
}

// badRegistrations are answers of somebody who has no passkey yet.
var badRegistrations = []refusal{
	{"nothing", func(scene) string { return "" }, passkey.ErrAnswer},
	{"a list", func(scene) string { return "[]" }, passkey.ErrAnswer},
	{"another origin", creating(func(d *passkeytest.Device) { d.Origin = "https://jar.example.evil.example" }), passkey.ErrAnswer},
	{"another port", creating(func(d *passkeytest.Device) { d.Origin = origin + ":8443" }), passkey.ErrAnswer},
	{"another RP ID", creating(func(d *passkeytest.Device) { d.RPID = "example" }), passkey.ErrAnswer},
	{"its user not verified", creating(func(d *passkeytest.Device) { d.Flags = passkeytest.Present }), passkey.ErrAnswer},
	{"its user not there", creating(func(d *passkeytest.Device) { d.Flags = passkeytest.Verified }), passkey.ErrAnswer},
	{"backed up, and not eligible for it", creating(func(d *passkeytest.Device) { d.Flags |= passkeytest.BackedUp }), passkey.ErrAnswer},
	{"16 KB of attestation", creating(func(d *passkeytest.Device) { d.Pad = 16 << 10 }), passkey.ErrAnswer},
	{"an answer to sign in with", func(s scene) string {
		s.register(s.t, s.ada, s.d)
		return s.get()
	}, passkey.ErrAnswer},
	{"a sign-in's challenge", func(s scene) string { return s.d.Create(s.t, s.SignInOptions(signIn)) }, passkey.ErrChallenge},
	{"another account's challenge", func(s scene) string {
		return s.d.Create(s.t, s.options(s.t, s.eve, registering(s.eve)))
	}, passkey.ErrChallenge},
	{"another site's challenge", func(s scene) string {
		text, err := s.site(s.t, origin, key("x")).CreateOptions(s.t.Context(), registering(s.ada), s.ada.Identity)
		if err != nil {
			s.t.Fatal(err)
		}
		return s.d.Create(s.t, text)
	}, passkey.ErrChallenge},
	{"an old challenge", func(s scene) string {
		text := s.options(s.t, s.ada, registering(s.ada))
		s.Pass(passkey.Life)
		return s.d.Create(s.t, text)
	}, passkey.ErrExpired},
	{"a challenge of years ahead", func(s scene) string {
		s.Pass(24 * time.Hour)
		text := s.options(s.t, s.ada, registering(s.ada))
		s.Pass(-24 * time.Hour)
		return s.d.Create(s.t, text)
	}, passkey.ErrExpired},
	{"a challenge twice", func(s scene) string {
		text := s.options(s.t, s.ada, registering(s.ada))
		if err := s.try(s.t, s.ada, s.d.Create(s.t, text)); err != nil {
			s.t.Fatal(err)
		}
		return s.d.Create(s.t, text)
	}, passkey.ErrUsed},
	{"a credential twice", func(s scene) string {
		s.register(s.t, s.ada, s.d)
		return s.d.Attest(s.t, s.options(s.t, s.ada, registering(s.ada)), s.d.Keys[0])
	}, passkey.ErrTaken},
	{"a credential of another account", func(s scene) string {
		s.register(s.t, s.eve, s.d)
		return s.d.Attest(s.t, s.options(s.t, s.ada, registering(s.ada)), s.d.Keys[0])
	}, passkey.ErrTaken},
	{"one more than twenty", func(s scene) string {
		for range passkey.MaxPasskeys {
			s.register(s.t, s.ada, s.d)
		}
		return s.create()
	}, passkey.ErrMany},
	{"one for who is disabled", func(s scene) string {
		answer := s.create()
		if err := s.Accounts.Disable(s.t.Context(), "ada", audit.Command()); err != nil {
			s.t.Fatal(err)
		}
		return answer
	}, passkey.ErrUnknown},
}

// Attack factors/passkey: what registers nothing.
func TestRegistrationsThatAreRefused(t *testing.T) {
	for _, row := range badRegistrations {
		t.Run(row.name, func(t *testing.T) {
			s := newScene(t)
			answer := row.answer(s)
			before := s.Texts(t, `SELECT id FROM passkeys`)
			if err := s.try(t, s.ada, answer); !errors.Is(err, row.want) {
				t.Errorf("got error %v, want %v", err, row.want)
			}
			if after := s.Texts(t, `SELECT id FROM passkeys`); len(after) != len(before) {
				t.Errorf("there are %d passkeys, were %d", len(after), len(before))
			}
		})
	}
}
