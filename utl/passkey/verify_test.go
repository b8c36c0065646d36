package passkey_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/account/accounttest"
	"glassjar/utl/passkey"
	"glassjar/utl/passkey/passkeytest"
)

// A passkey signs in without a username, and its row shows its last use and its state.
func TestSignIn(t *testing.T) {
	w := open(t)
	ada, d := w.Owner(t, "ada"), passkeytest.New(origin)
	d.Flags |= passkeytest.Eligible
	w.register(t, ada, d)
	d.Flags |= passkeytest.BackedUp // its provider backs it up later
	for range 2 {
		w.Pass(time.Minute)
		c, err := w.enter(t, d.Get(t, w.SignInOptions(signIn)))
		if err != nil || c.Account.AccountID != ada.ID || c.Account.Epoch != ada.Verified(0, "").Epoch || !c.UserVerified() || c.Account.Level != 2 || c.Account.AMR != "mfa swk user" {
			t.Fatalf("got %+v, error %v", c, err)
		}
	}
	all, err := w.List(t.Context(), ada.ID)
	if err != nil || !all[0].LastUsedAt.Equal(w.Now()) || !all[0].Synced {
		t.Errorf("got %+v, error %v", all, err)
	}
}

// Showing the form writes nothing; a sign-in writes one used challenge, and expired ones are
// deleted.
func TestUsedChallengesDoNotPileUp(t *testing.T) {
	w := open(t)
	ada, d := w.Owner(t, "ada"), passkeytest.New(origin)
	w.register(t, ada, d)
	for range 30 {
		w.SignInOptions(signIn)
		w.options(t, ada, registering(ada))
	}
	if n := len(w.Texts(t, `SELECT hash FROM used_challenges`)); n != 1 {
		t.Errorf("%d challenges are kept, want the registration's", n)
	}
	for range 30 {
		if _, err := w.enter(t, d.Get(t, w.SignInOptions(signIn))); err != nil {
			t.Fatal(err)
		}
		w.Pass(time.Minute)
	}
	if n := len(w.Texts(t, `SELECT hash FROM used_challenges`)); n > 8 {
		t.Errorf("%d challenges are kept", n)
	}
}

// change returns the answer with fields changed by in.
func change(t *testing.T, answer string, in func(all, response map[string]any)) string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(answer), &all); err != nil {
		t.Fatal(err)
	}
	response, _ := all["response"].(map[string]any)
	in(all, response)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A copied passkey's answer is refused, and the higher counter stays stored: the original
// passkey still works.
func TestTheHigherCountStays(t *testing.T) {
	w := open(t)
	ada, d := w.Owner(t, "ada"), passkeytest.New(origin)
	d.Counts = true
	w.register(t, ada, d)
	copied := *d
	for range 3 {
		if _, err := w.enter(t, d.Get(t, w.SignInOptions(signIn))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.enter(t, copied.Get(t, w.SignInOptions(signIn))); !errors.Is(err, passkey.ErrCopied) {
		t.Errorf("the copy: %v", err)
	}
	if _, err := w.enter(t, d.Get(t, w.SignInOptions(signIn))); err != nil {
		t.Error(err)
	}
}

// Attack race/one-winner: one answer is sent to two servers at once: one succeeds.
func TestOfManyWithAnAnswerOneGetsIn(t *testing.T) {
	w := open(t)
	servers := []*world{w, w.second(t)}
	ada, d := w.Owner(t, "ada"), passkeytest.New(origin)
	w.register(t, ada, d)
	answer := d.Get(t, w.SignInOptions(signIn))
	errs := accounttest.AtOnce(30, func(i int) error {
		_, err := servers[i%2].enter(t, answer)
		return err
	})
	got := map[bool]int{}
	for _, err := range errs {
		got[err == nil]++
		if err != nil && !errors.Is(err, passkey.ErrUsed) {
			t.Error(err)
		}
	}
	if got[true] != 1 {
		t.Errorf("%d got in", got[true])
	}
}

// A passkey that is removed between the check and the sign-in does not sign in.
func TestRemovedMeanwhile(t *testing.T) {
	w := open(t)
	ada, d := w.Owner(t, "ada"), passkeytest.New(origin)
	w.register(t, ada, d)
	c, err := w.CheckSignIn(t.Context(), signIn, d.Get(t, w.SignInOptions(signIn)))
	all, err2 := w.List(t.Context(), ada.ID)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	if err := w.Remove(t.Context(), ada.Identity, all[0].ID, "", visitor); err != nil {
		t.Fatal(err)
	}
	if err := w.spend(t.Context(), c); !errors.Is(err, passkey.ErrUnknown) {
		t.Errorf("got error %v", err)
	}
}

// No answer causes a panic, whatever bytes are changed.
func FuzzAnswers(f *testing.F) {
	f.Add("{}")
	f.Add(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"","signature":""}}`)
	f.Add(`{"id":"AA","rawId":"AA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA"}}`)
	s, err := passkey.New(passkey.Options{Public: public(origin), Keys: [][32]byte{key("p")}, Now: time.Now})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, answer string) {
		if _, err := s.CheckSignIn(t.Context(), signIn, answer); err == nil {
			t.Error("it signs in")
		}
		if _, err := s.Add(t.Context(), account.Account{}.Identity, passkey.Registration{Name: "x", Answer: answer}, visitor); err == nil {
			t.Error("it registers")
		}
	})
}

// Each byte of valid answers is changed in turn: nothing panics, and no change of signed
// data is accepted.
func TestChangedAnswers(t *testing.T) {
	w := open(t)
	ada, d := w.Owner(t, "ada"), passkeytest.New(origin)
	w.register(t, ada, d)
	ask, create := w.SignInOptions(signIn), w.options(t, ada, registering(ada))
	answer, made := d.Sign(t, ask, d.Keys[0]), d.Create(t, create)
	for i := range len(answer) {
		changed := []byte(answer)
		changed[i] ^= 1
		c, err := w.CheckSignIn(t.Context(), signIn, string(changed))
		if err == nil && c.Account.AccountID != ada.ID {
			t.Fatalf("byte %d changed: it is %+v", i, c.Account)
		}
	}
	for i := range len(made) {
		changed := []byte(made)
		changed[i] ^= 1
		_, _ = w.Add(context.Background(), ada.Identity, passkey.Registration{Name: "x", Answer: string(changed), Holder: ada.ID}, visitor)
	}
	if n := len(w.Texts(t, `SELECT id FROM passkeys`)); n > 2 {
		t.Errorf("%d passkeys were registered", n-1)
	}
	if kept := w.Texts(t, `SELECT credential_id FROM passkeys`); slices.Contains(kept, "") {
		t.Error("an empty credential is kept")
	}
}
