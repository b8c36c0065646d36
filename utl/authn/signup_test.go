package authn_test

import (
	"errors"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/authn"
	"glassjar/utl/password"
)

func TestSignUp(t *testing.T) {
	h := open(t)
	ask := func(username, pw string) error {
		_, err := h.SignUp(t.Context(), attempt(username, pw), "", true)
		return err
	}
	for range 20 { // an invalid form does not count for the throttle
		if err := ask("ada", "short"); !errors.Is(err, password.ErrShort) {
			t.Fatalf("a taken name in a bad form: got %v, want ErrShort", err)
		}
	}
	if err := ask("eve", good); err != nil {
		t.Fatal(err)
	}
	for range 9 {
		if err := ask("Ada", good); !errors.Is(err, account.ErrTaken) {
			t.Fatalf("a taken name: got %v, want ErrTaken", err)
		}
	}
	err := ask("fay", good)
	if soon, ok := errors.AsType[authn.TooSoonError](err); !ok || soon.Wait != time.Hour {
		t.Errorf("the eleventh within an hour: got %v, want a wait of an hour", err)
	}
	h.wantLog(`level=WARN msg="sign-up refused" event=signup.refused ip=192.0.2.7`)
	h.Pass(time.Hour)
	if err := ask("fay", good); err != nil {
		t.Errorf("an hour later: %v", err)
	}
}

// An account that waits for an owner's approval is told so only after the right
// password was given. Such attempts are throttled too.
func TestSigningInWhileWaiting(t *testing.T) {
	h := open(t)
	if _, err := h.SignUp(t.Context(), attempt("eve", good), "", true); err != nil {
		t.Fatal(err)
	}
	if _, err := h.signIn("eve", other); !errors.Is(err, account.ErrSignIn) {
		t.Errorf("a wrong password: got %v, want ErrSignIn", err)
	}
	h.wantLog(`level=WARN msg="sign-in failed" event=signin.failed ip=192.0.2.7 account=eve reason=wrong`)
	for i := range 120 {
		if v, err := h.signIn("eve", good); !errors.Is(err, account.ErrWaiting) || v.AccountID != "" {
			t.Fatalf("%d: got %+v, %v; want ErrWaiting", i, v, err)
		}
		if line := `level=INFO msg="sign-in waits for an owner's yes" event=signin.waiting ip=192.0.2.7 account=eve`; i == 0 {
			h.wantLog(line)
		}
	}
	if _, err := h.signIn("eve", good); !errors.Is(err, authn.ErrTooSoon) {
		t.Errorf("after 120 within an hour: got %v, want ErrTooSoon", err)
	}
	h.wantAudit("signin.ok")
}
