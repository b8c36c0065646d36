package passkey_test

import (
	"errors"
	"strings"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

// The Questions of a second step and of a proof.
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

// answered checks and spends an answer by one of the account's passkeys.
func (w *world) answered(t *testing.T, q passkey.Question, a account.Account, answer string) (passkey.Claim, error) {
	t.Helper()
	c, err := w.CheckOf(t.Context(), q, a.ID, answer)
	if err == nil {
		err = w.spend(t.Context(), c)
	}
	return c, err
}

// keyed registers a security key that does not verify its user: it may only follow a
// password.
func (w *world) keyed(t *testing.T, a account.Account) *passkeytest.Device {
	t.Helper()
	d := passkeytest.New(origin)
	d.Flags = passkeytest.Present
	if err := w.try(t, a, d.Create(t, w.options(t, a, passkey.Question{Use: passkey.RegisterKey, Holder: a.ID}))); err != nil {
		t.Fatal(err)
	}
	d.Keys[0].Handle = nil // such keys store no user handle
	return d
}

// After a password a key without a PIN is accepted; a proof needs a verified user.
func TestSecondStepAndProof(t *testing.T) {
	w := open(t)
	ada, eve, bob := w.Owner(t, "ada"), w.Owner(t, "eve"), w.Owner(t, "bob")
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
		c, err := w.answered(t, row.q, ada, row.with.Get(t, w.asked(t, row.q, ada)))
		if !errors.Is(err, row.want) || c.Account.Level != 2 || c.Account.AMR != row.amr || c.Account.AccountID != ada.ID {
			t.Errorf("%s: got %+v, error %v", row.name, c.Account, err)
		}
	}
}

// badSteps are answers of somebody who has registered a passkey.
var badSteps = []struct {
	q passkey.Question
	refusal
}{
	{step, refusal{"another person's passkey", func(s scene) string {
		theirs := passkeytest.New(origin)
		s.register(s.t, s.eve, theirs)
		return theirs.Sign(s.t, s.asked(s.t, step, s.ada), theirs.Keys[0])
	}, passkey.ErrUnknown}},
	{proof, refusal{"a key that may only follow a password, as a proof", func(s scene) string {
		k := s.keyed(s.t, s.ada)
		k.Flags |= passkeytest.Verified
		return k.Sign(s.t, s.asked(s.t, proof, s.ada), k.Keys[0])
	}, passkey.ErrSecondOnly}},
	{proof, refusal{"its user not verified, as a proof", func(s scene) string {
		s.d.Flags = passkeytest.Present
		return s.d.Get(s.t, s.asked(s.t, proof, s.ada))
	}, passkey.ErrAnswer}},
	{step, refusal{"a sign-in's challenge", scene.get, passkey.ErrChallenge}},
	{step, refusal{"a proof's challenge", func(s scene) string {
		return s.d.Get(s.t, s.asked(s.t, proof, s.ada))
	}, passkey.ErrChallenge}},
	{proof, refusal{"twice", func(s scene) string {
		answer := s.d.Get(s.t, s.asked(s.t, proof, s.ada))
		if _, err := s.answered(s.t, proof, s.ada, answer); err != nil {
			s.t.Fatal(err)
		}
		return answer
	}, passkey.ErrUsed}},
	{proof, refusal{"nonsense", func(scene) string { return "{}" }, passkey.ErrAnswer}},
}

// Attack factors/passkey: a second step or a proof with another person's passkey, or with
// an answer to other options.
func TestSecondStepsAndProofsThatAreRefused(t *testing.T) {
	for _, row := range badSteps {
		t.Run(row.name, func(t *testing.T) {
			s := newScene(t)
			s.register(t, s.ada, s.d)
			if _, err := s.answered(t, row.q, s.ada, row.answer(s)); !errors.Is(err, row.want) {
				t.Errorf("got error %v, want %v", err, row.want)
			}
		})
	}
}
