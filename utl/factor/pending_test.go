package factor_test

import (
	"errors"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/factor"
	"glassjar/utl/session"
)

// Attack factors/pending: an older password, an older factor, disabled, deleted, 10
// minutes, five wrong codes, a newer one in the same browser, cancelled.
func TestPendingSignInsThatAreOver(t *testing.T) {
	by := audit.Command()
	for _, tt := range []struct {
		name string
		does func(t *testing.T, w *world, pending string, secret factor.Secret)
	}{
		{"a new password", func(t *testing.T, w *world, _ string, _ factor.Secret) {
			t.Helper()
			need(t, w.accounts.SetPassword(t.Context(), "ada", "a purple lamp on the stairs", by))
		}},
		{"disabled", func(t *testing.T, w *world, _ string, _ factor.Secret) {
			t.Helper()
			need(t, w.accounts.Disable(t.Context(), "ada", by))
		}},
		{"disabled and enabled", func(t *testing.T, w *world, _ string, _ factor.Secret) {
			t.Helper()
			need(t, w.accounts.Disable(t.Context(), "ada", by))
			need(t, w.accounts.Enable(t.Context(), "ada", by))
		}},
		{"deleted", func(t *testing.T, w *world, _ string, _ factor.Secret) {
			t.Helper()
			need(t, w.accounts.Delete(t.Context(), "ada", by))
		}},
		{"another app", func(t *testing.T, w *world, _ string, _ factor.Secret) {
			t.Helper()
			w.on(t, account.Account{Identity: w.identity(t, "ada")})
		}},
		{"factors cleared", func(t *testing.T, w *world, _ string, _ factor.Secret) {
			t.Helper()
			need(t, w.Clear(t.Context(), w.identity(t, "ada"), by))
		}},
		{"10 minutes", func(_ *testing.T, w *world, _ string, _ factor.Secret) { w.pass(factor.PendingLife) }},
		{"five wrong codes", func(t *testing.T, w *world, pending string, secret factor.Secret) {
			t.Helper()
			for range 5 {
				if _, err := w.Check(t.Context(), pending, w.wrong(t, secret), visitor); !errors.Is(err, factor.ErrWrong) {
					t.Errorf("got %v, want ErrWrong", err)
				}
			}
		}},
		{"a newer one in this browser", func(t *testing.T, w *world, pending string, _ factor.Secret) {
			t.Helper()
			_, err := w.Begin(t.Context(), factor.Pending{Account: w.verified(t, "ada")}, pending)
			need(t, err)
		}},
		{"cancelled", func(t *testing.T, w *world, pending string, _ factor.Secret) {
			t.Helper()
			need(t, w.Cancel(t.Context(), pending))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := open(t)
			w.add(t, "owner")
			secret, codes := w.on(t, w.add(t, "ada"))
			p := w.begin(t, "ada")
			c, err := w.Check(t.Context(), p, codes[0], visitor) // it was right, and its session is yet to start
			need(t, err)
			tt.does(t, w, p, secret)
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

// Attack factors/pending: who proved the password before a factor was added starts
// neither a session nor a pending sign-in after it.
func TestAPasswordOfBeforeTheFactor(t *testing.T) {
	w := open(t)
	ada := w.add(t, "ada")
	before := ada.Verified(1, "pwd")
	w.on(t, ada)
	if _, err := w.Begin(t.Context(), factor.Pending{Account: before}, ""); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a pending sign-in: got %v, want ErrChanged", err)
	}
	if n := len(w.texts(t, `SELECT sid FROM sessions`)); n != 0 {
		t.Fatal(n)
	}
	if err := w.start(t, before); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a session: got %v, want ErrChanged", err)
	}
	if err := w.start(t, w.verified(t, "ada")); !errors.Is(err, session.ErrSecond) {
		t.Errorf("who proved it since: got %v, want ErrSecond", err)
	}
}

// The pending sign-ins of an account are 100 at most, and those that are over go.
func TestPendingSignInsAreBounded(t *testing.T) {
	w := open(t)
	w.on(t, w.add(t, "ada"))
	first := w.begin(t, "ada")
	for range 99 {
		w.pass(time.Millisecond)
		w.begin(t, "ada")
	}
	if _, err := w.Find(t.Context(), first); err != nil {
		t.Errorf("the first of 100: %v", err)
	}
	w.pass(time.Millisecond)
	last := w.begin(t, "ada")
	if _, err := w.Find(t.Context(), first); !errors.Is(err, factor.ErrPending) {
		t.Errorf("the first of 101: got %v, want ErrPending", err)
	}
	for _, want := range []int{100, 0} {
		need(t, w.Sweep(t.Context()))
		if n := len(w.texts(t, `SELECT code_hash FROM pending_signins`)); n != want {
			t.Errorf("%d are kept, want %d", n, want)
		}
		w.pass(factor.PendingLife)
	}
	if _, err := w.Find(t.Context(), last); !errors.Is(err, factor.ErrPending) {
		t.Errorf("got %v, want ErrPending", err)
	}
}

// Attack race/one-winner: one pending sign-in, many recovery codes at once.
func TestOnePendingSignInIsUsedOnce(t *testing.T) {
	w := open(t)
	_, recovery := w.on(t, w.add(t, "ada"))
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
	if n := len(w.texts(t, `SELECT code_hash FROM recovery_codes WHERE used_at > 0`)); n != 1 {
		t.Errorf("%d recovery codes are used, want 1", n)
	}
}
