package passkey_test

import (
	"errors"
	"strings"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

// What the challenges of a second step and of a proof are for.
var (
	step  = passkey.Question{Use: passkey.SecondStep, Holder: browser}
	proof = passkey.Question{Use: passkey.Proof, Holder: browser}
)

// asked returns the options for an answer by one of the account's passkeys.
func (w *world) asked(t *testing.T, q passkey.Question, a account.Account) string {
	t.Helper()
	text, err := w.AnswerOptions(t.Context(), q, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// keyed registers a key that verifies nobody: it may only follow a password.
func (w *world) keyed(t *testing.T, a account.Account) *passkeytest.Device {
	t.Helper()
	d := passkeytest.New(origin)
	d.Flags = passkeytest.Present
	if err := w.try(t, a, d.Create(t, w.options(t, a, passkey.Question{Use: passkey.RegisterKey, Holder: a.ID}))); err != nil {
		t.Fatal(err)
	}
	d.Keys[0].Handle = nil // such keys keep none
	return d
}

// After a password a key without a PIN will do; as a proof, only what verified its
// user.
func TestSecondStepAndProof(t *testing.T) {
	w := open(t)
	ada, eve, bob := w.add(t, "ada"), w.add(t, "eve"), w.add(t, "bob")
	d := passkeytest.New(origin)
	w.register(t, ada, d)
	k := w.keyed(t, ada)
	w.keyed(t, eve)
	if w.asked(t, proof, eve) != "" || w.asked(t, step, eve) == "" || w.asked(t, step, bob) != "" {
		t.Error("the wrong ones are asked")
	}
	if text := w.asked(t, step, ada); strings.Count(text, `"public-key"`) != 2 || !strings.Contains(text, `"userVerification":"preferred"`) {
		t.Errorf("a second step asks %s", text)
	}
	if text := w.asked(t, proof, ada); strings.Count(text, `"public-key"`) != 1 || !strings.Contains(text, `"userVerification":"required"`) {
		t.Errorf("a proof asks %s", text)
	}
	for _, row := range []struct {
		name string
		q    passkey.Question
		with *passkeytest.Device
		amr  string
		want error
	}{
		{"a key after a password", step, k, "hwk mfa pwd", nil},
		{"a passkey after a password", step, d, "hwk mfa pwd user", nil},
		{"a passkey as a proof", proof, d, "hwk mfa user", nil},
	} {
		c, err := w.CheckOf(t.Context(), row.q, ada.ID, row.with.Get(t, w.asked(t, row.q, ada)))
		if err == nil {
			err = w.spend(t.Context(), c)
		}
		if !errors.Is(err, row.want) || c.Account.Level != 2 || c.Account.AMR != row.amr || c.Account.AccountID != ada.ID {
			t.Errorf("%s: got %+v, error %v", row.name, c.Account, err)
		}
	}
}

// Attack factors/passkey: a second step or a proof by what is not this person's, or was
// not asked for.
func TestSecondStepsAndProofsThatAreRefused(t *testing.T) {
	for _, row := range []struct {
		name string
		q    passkey.Question
		make func(t *testing.T, w *world, ada, eve account.Account, d *passkeytest.Device) string
		want error
	}{
		{"another person's passkey", step, func(t *testing.T, w *world, ada, eve account.Account, _ *passkeytest.Device) string {
			t.Helper()
			theirs := passkeytest.New(origin)
			w.register(t, eve, theirs)
			return theirs.Sign(t, w.asked(t, step, ada), theirs.Keys[0])
		}, passkey.ErrUnknown},
		{"a key that may only follow a password, as a proof", proof, func(t *testing.T, w *world, ada, _ account.Account, _ *passkeytest.Device) string {
			t.Helper()
			k := w.keyed(t, ada)
			k.Flags |= passkeytest.Verified
			return k.Sign(t, w.asked(t, proof, ada), k.Keys[0])
		}, passkey.ErrSecondOnly},
		{"its user not verified, as a proof", proof, func(t *testing.T, w *world, ada, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			d.Flags = passkeytest.Present
			return d.Get(t, w.asked(t, proof, ada))
		}, passkey.ErrAnswer},
		{"a sign-in's challenge", step, func(t *testing.T, w *world, _, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			return d.Get(t, w.ask(t))
		}, passkey.ErrChallenge},
		{"a proof's challenge", step, func(t *testing.T, w *world, ada, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			return d.Get(t, w.asked(t, proof, ada))
		}, passkey.ErrChallenge},
		{"twice", proof, func(t *testing.T, w *world, ada, _ account.Account, d *passkeytest.Device) string {
			t.Helper()
			text := d.Get(t, w.asked(t, proof, ada))
			c, err := w.CheckOf(t.Context(), proof, ada.ID, text)
			if err == nil {
				err = w.spend(t.Context(), c)
			}
			if err != nil {
				t.Fatal(err)
			}
			return text
		}, passkey.ErrUsed},
		{"nonsense", proof, func(*testing.T, *world, account.Account, account.Account, *passkeytest.Device) string { return "{}" }, passkey.ErrAnswer},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := open(t)
			ada, eve, d := w.add(t, "ada"), w.add(t, "eve"), passkeytest.New(origin)
			w.register(t, ada, d)
			c, err := w.CheckOf(t.Context(), row.q, ada.ID, row.make(t, w, ada, eve, d))
			if err == nil {
				err = w.spend(t.Context(), c)
			}
			if !errors.Is(err, row.want) {
				t.Errorf("got error %v, want %v", err, row.want)
			}
		})
	}
}
