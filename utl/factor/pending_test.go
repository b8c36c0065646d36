package factor_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/factor"
	"glassjar/utl/session"
)

// waiting is ada's sign-in that waits for her second factor.
type waiting struct {
	*world

	t       *testing.T
	pending string
	secret  factor.Secret // her app's
}

// overs are what ends a pending sign-in.
var overs = []struct {
	name string
	do   func(waiting) error
}{
	{"a new password", func(w waiting) error {
		return w.Accounts.SetPassword(w.t.Context(), "ada", "a purple lamp on the stairs", audit.Command())
	}},
	{"disabled", func(w waiting) error { return w.Accounts.Disable(w.t.Context(), "ada", audit.Command()) }},
	{"disabled and enabled", func(w waiting) error {
		return errors.Join(w.Accounts.Disable(w.t.Context(), "ada", audit.Command()), w.Accounts.Enable(w.t.Context(), "ada", audit.Command()))
	}},
	{"deleted", func(w waiting) error { return w.Accounts.Delete(w.t.Context(), "ada", audit.Command()) }},
	{"another app", func(w waiting) error { w.on(w.t, w.Again(w.t, "ada")); return nil }},
	{"factors cleared", func(w waiting) error {
		return w.Clear(w.t.Context(), w.Again(w.t, "ada").Identity, audit.Command())
	}},
	{"10 minutes", func(w waiting) error { w.Pass(factor.PendingLife); return nil }},
	{"five wrong codes", func(w waiting) error {
		for range 5 {
			if _, err := w.Check(w.t.Context(), w.pending, w.wrong(w.t, w.secret), visitor); !errors.Is(err, factor.ErrWrong) {
				return fmt.Errorf("got %w, want ErrWrong", err)
			}
		}
		return nil
	}},
	{"a newer one in this browser", func(w waiting) error {
		_, err := w.Begin(w.t.Context(), factor.Pending{Account: w.verified(w.t, "ada")}, w.pending)
		return err
	}},
}

// Attack factors/pending: a pending sign-in ends with a new password, a changed factor, a
// disabled or deleted account, after 10 minutes, after five wrong codes, when a newer one
// begins in the same browser, and when it is cancelled.
func TestPendingSignInsThatAreOver(t *testing.T) {
	for _, tt := range overs {
		t.Run(tt.name, func(t *testing.T) {
			w := open(t)
			w.Owner(t, "owner")
			secret, codes := w.on(t, w.Owner(t, "ada"))
			p := w.begin(t, "ada")
			c, err := w.Check(t.Context(), p, codes[0], visitor) // the code is right, and its session has not started yet
			need(t, err)
			need(t, tt.do(waiting{w, t, p, secret}))
			if err := w.spend(t.Context(), c); !errors.Is(err, factor.ErrPending) {
				t.Errorf("the code that was checked before: got %v, want ErrPending", err)
			}
			if _, err := w.Find(t.Context(), p); !errors.Is(err, factor.ErrPending) {
				t.Errorf("found: %v, want ErrPending", err)
			}
			for _, code := range []string{codes[0], w.code(t, secret, 0), "nothing"} {
				if _, err := w.Check(t.Context(), p, code, visitor); !errors.Is(err, factor.ErrPending) {
					t.Errorf("%s: got %v, want ErrPending", code, err)
				}
			}
		})
	}
}

// Attack factors/pending: a password that was verified before a factor was added starts
// neither a session nor a pending sign-in afterwards.
func TestAPasswordOfBeforeTheFactor(t *testing.T) {
	w := open(t)
	ada := w.Owner(t, "ada")
	before := ada.Verified(1, "pwd")
	w.on(t, ada)
	if _, err := w.Begin(t.Context(), factor.Pending{Account: before}, ""); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a pending sign-in: got %v, want ErrChanged", err)
	}
	if n := len(w.Texts(t, `SELECT sid FROM sessions`)); n != 0 {
		t.Fatal(n)
	}
	if _, err := w.Start(t.Context(), before); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a session: got %v, want ErrChanged", err)
	}
	if _, err := w.Start(t.Context(), w.verified(t, "ada")); !errors.Is(err, session.ErrSecond) {
		t.Errorf("who proved it since: got %v, want ErrSecond", err)
	}
}

// An account has at most 100 pending sign-ins, and expired ones are deleted.
func TestPendingSignInsAreBounded(t *testing.T) {
	w := open(t)
	w.on(t, w.Owner(t, "ada"))
	first := w.begin(t, "ada")
	for range 99 {
		w.Pass(time.Millisecond)
		w.begin(t, "ada")
	}
	if _, err := w.Find(t.Context(), first); err != nil {
		t.Errorf("the first of 100: %v", err)
	}
	w.Pass(time.Millisecond)
	last := w.begin(t, "ada")
	if _, err := w.Find(t.Context(), first); !errors.Is(err, factor.ErrPending) {
		t.Errorf("the first of 101: got %v, want ErrPending", err)
	}
	for _, want := range []int{100, 0} {
		need(t, w.Sweep(t.Context()))
		if n := len(w.Texts(t, `SELECT code_hash FROM pending_signins`)); n != want {
			t.Errorf("%d are kept, want %d", n, want)
		}
		w.Pass(factor.PendingLife)
	}
	if _, err := w.Find(t.Context(), last); !errors.Is(err, factor.ErrPending) {
		t.Errorf("got %v, want ErrPending", err)
	}
}

// Attack race/one-winner: one pending sign-in, many recovery codes at once: one succeeds.
func TestOnePendingSignInIsUsedOnce(t *testing.T) {
	w := open(t)
	_, recovery := w.on(t, w.Owner(t, "ada"))
	servers, p := []*world{w, w.second(t)}, w.begin(t, "ada")
	claims := make([]factor.Claim, len(recovery))
	for i, code := range recovery {
		var err error
		if claims[i], err = w.Check(t.Context(), p, code, visitor); err != nil {
			t.Fatal(err)
		}
	}
	if n := atOnce(len(claims), func(i int) error { return servers[i%2].spend(t.Context(), claims[i]) }); n != 1 {
		t.Errorf("%d got in, want 1", n)
	}
	if n := len(w.Texts(t, `SELECT code_hash FROM recovery_codes WHERE used_at > 0`)); n != 1 {
		t.Errorf("%d recovery codes are used, want 1", n)
	}
}
