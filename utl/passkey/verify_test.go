package passkey_test

import (
	"context"
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

// A passkey signs in without a username; what it was and did stands in its row.
func TestSignIn(t *testing.T) {
	w := open(t)
	ada, d := w.add(t, "ada"), passkeytest.New(origin)
	d.Flags |= passkeytest.Eligible
	w.register(t, ada, d)
	d.Flags |= passkeytest.BackedUp // its maker copies it later
	for range 2 {
		w.pass(time.Minute)
		c, err := w.enter(t, d.Get(t, w.ask(t)))
		if err != nil || c.Account.AccountID != ada.ID || c.Account.Epoch != ada.Verified(0, "").Epoch || !c.UserVerified() || c.Account.Level != 2 || c.Account.AMR != "mfa swk user" {
			t.Fatalf("got %+v, error %v", c, err)
		}
	}
	all, err := w.List(t.Context(), ada.ID)
	if err != nil || !all[0].Used.Equal(w.now()) || !all[0].Synced {
		t.Errorf("got %+v, error %v", all, err)
	}
}

// The challenge that a sign-in brings is the only thing that it writes, and showing
// the form writes nothing.
func TestUsedChallengesDoNotPileUp(t *testing.T) {
	w := open(t)
	ada, d := w.add(t, "ada"), passkeytest.New(origin)
	w.register(t, ada, d)
	for range 30 {
		w.ask(t)
		w.options(t, ada, registering(ada))
	}
	if n := len(w.texts(t, `SELECT hash FROM used_challenges`)); n != 1 {
		t.Errorf("%d challenges are kept, want the registration's", n)
	}
	for range 30 {
		if _, err := w.enter(t, d.Get(t, w.ask(t))); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
	}
	if n := len(w.texts(t, `SELECT hash FROM used_challenges`)); n > 8 {
		t.Errorf("%d challenges are kept", n)
	}
}

// change is the answer with one field of it another.
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

// A passkey that is copied costs the challenge nothing, and the higher count stays:
// the true one goes on.
func TestTheHigherCountStays(t *testing.T) {
	w := open(t)
	ada, d := w.add(t, "ada"), passkeytest.New(origin)
	d.Counts = true
	w.register(t, ada, d)
	copied := *d
	for range 3 {
		if _, err := w.enter(t, d.Get(t, w.ask(t))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.enter(t, copied.Get(t, w.ask(t))); !errors.Is(err, passkey.ErrCopied) {
		t.Errorf("the copy: %v", err)
	}
	if _, err := w.enter(t, d.Get(t, w.ask(t))); err != nil {
		t.Error(err)
	}
}

// Attack race/one-winner: one answer, brought to two servers at once.
func TestOfManyWithAnAnswerOneGetsIn(t *testing.T) {
	w := open(t)
	servers := []*world{w, w.second(t)}
	ada, d := w.add(t, "ada"), passkeytest.New(origin)
	w.register(t, ada, d)
	answer := d.Get(t, w.ask(t))
	errs := make([]error, 30)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = servers[i%2].enter(t, answer) })
	}
	all.Wait()
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
	ada, d := w.add(t, "ada"), passkeytest.New(origin)
	w.register(t, ada, d)
	c, err := w.CheckSignIn(t.Context(), signIn, d.Get(t, w.ask(t)))
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

// No answer makes it panic, whatever a byte of it is changed to.
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

// Bytes of good answers changed one by one: nothing panics, and what is signed
// cannot be changed.
func TestChangedAnswers(t *testing.T) {
	w := open(t)
	ada, d := w.add(t, "ada"), passkeytest.New(origin)
	w.register(t, ada, d)
	ask, create := w.ask(t), w.options(t, ada, registering(ada))
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
	if n := len(w.texts(t, `SELECT id FROM passkeys`)); n > 2 {
		t.Errorf("%d passkeys were registered", n-1)
	}
	if kept := w.texts(t, `SELECT credential_id FROM passkeys`); slices.Contains(kept, "") {
		t.Error("an empty credential is kept")
	}
}
