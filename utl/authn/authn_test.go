package authn_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/account/accounttest"
	"glassjar/utl/audit"
	"glassjar/utl/authn"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

const (
	good  = accounttest.Password
	other = "a purple lamp on the stairs"
)

// fixture is an Authenticator together with the database, the clock and the log that
// it uses. The database holds one account, ada.
type fixture struct {
	*accounttest.World
	*authn.Authenticator

	t   *testing.T
	ada account.Account
	log *bytes.Buffer
}

func open(t *testing.T) *fixture {
	t.Helper()
	h := &fixture{World: accounttest.Open(t), t: t, log: &bytes.Buffer{}}
	h.ada = h.Owner(t, "ada")
	h.Authenticator = authn.New(authn.Options{
		Accounts: h.Accounts, Throttle: &throttle.Store{DB: h.DB, Now: h.Now}, Now: h.Now,
		Log: slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})),
	})
	return h
}

func attempt(username, pw string) authn.Attempt {
	return authn.Attempt{
		Username: username, Password: pw, Address: netip.MustParseAddr("192.0.2.7"), By: audit.Actor{Address: "192.0.2.7", Agent: "a browser"},
	}
}

// signIn signs in with a password. It returns for whom a session would have been
// started.
func (h *fixture) signIn(username, pw string) (v session.Verified, err error) {
	err = h.Password(h.t.Context(), attempt(username, pw), func(found session.Verified) error {
		v = found
		return nil
	}, nil)
	return v, err
}

// wantLog fails the test unless exactly these lines were logged since the last
// call.
func (h *fixture) wantLog(lines ...string) {
	h.t.Helper()
	want := strings.Join(append(lines, ""), "\n")
	if got := h.log.String(); got != want {
		h.t.Errorf("the log says\n%swant\n%s", got, want)
	}
	h.log.Reset()
}

// wantAudit fails the test unless the audit log holds the events of this kind for
// exactly these accounts, in this order.
func (h *fixture) wantAudit(kind string, usernames ...string) {
	h.t.Helper()
	got := h.Texts(h.t, `SELECT username FROM audit WHERE event = ? AND address = '192.0.2.7' ORDER BY id`, kind)
	if !slices.Equal(got, usernames) {
		h.t.Errorf("the audit has %s of %q; want of %q", kind, got, usernames)
	}
}

func TestPassword(t *testing.T) {
	h := open(t)
	if v, err := h.signIn(" Ada ", good); err != nil || v != h.ada.Verified(1, "pwd") {
		t.Errorf("the right one: got %+v, %v; want ada's", v, err)
	}
	h.wantLog(`level=INFO msg="signed in" event=signin.ok ip=192.0.2.7 account=ada`)
	for _, typed := range []string{"Ada", "eve", "my secret"} {
		if v, err := h.signIn(typed, other); !errors.Is(err, account.ErrSignIn) || v != (session.Verified{}) {
			t.Errorf("%s: got %+v, %v; want ErrSignIn and no session", typed, v, err)
		}
	}
	h.wantLog(`level=WARN msg="sign-in failed" event=signin.failed ip=192.0.2.7 account=ada reason=wrong`,
		`level=WARN msg="sign-in failed" event=signin.failed ip=192.0.2.7 account=unknown reason=wrong`,
		`level=WARN msg="sign-in failed" event=signin.failed ip=192.0.2.7 account=unknown reason=wrong`)
	h.wantAudit("signin.failed", "ada", "", "")
}

// When the account changes after its password was checked and before the session is
// started, the sign-in fails like one with a wrong password.
func TestPasswordOfAnAccountThatChanges(t *testing.T) {
	h := open(t)
	err := h.Password(t.Context(), attempt("ada", good), func(session.Verified) error { return session.ErrChanged }, nil)
	if !errors.Is(err, account.ErrSignIn) {
		t.Errorf("got %v, want ErrSignIn", err)
	}
	h.wantLog(`level=WARN msg="sign-in failed" event=signin.failed ip=192.0.2.7 account=ada reason=wrong`)
}

func TestPasswordTooSoon(t *testing.T) {
	h := open(t)
	for range 5 {
		_, _ = h.signIn("ada", other)
	}
	h.log.Reset()
	for range 2 {
		v, err := h.signIn("ada", good)
		soon, ok := errors.AsType[authn.TooSoonError](err)
		if !ok || soon.Seconds() != 1 || !errors.Is(err, authn.ErrTooSoon) || v != (session.Verified{}) {
			t.Errorf("got %+v, %v; want TooSoonError of a second and no session", v, err)
		}
	}
	line := `level=WARN msg="sign-in throttled" event=signin.throttled ip=192.0.2.7 account=ada`
	h.wantLog(line, line)
	h.wantAudit("signin.throttled", "ada") // at most one event per minute
	h.Pass(time.Second)
	if _, err := h.signIn("ada", good); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

// Attack guessing/whose-address: failed attempts with a username slow those with the
// account's email address as little as those with anybody else's, and the other way round.
// Names and addresses are counted ignoring case, whether an account has them or not.
func TestNobodyLearnsWhoseAddressItIs(t *testing.T) {
	for _, names := range [][]string{
		{"ada", "Ada ", "ada@site.example", "eve@site.example"},
		{"ADA@site.example", " ada@site.example", "ada", "eve"},
		{"eve@site.example", "EVE@site.example ", "ada", "eve", "ada@site.example"},
	} {
		h := open(t)
		if err := h.Accounts.SetEmail(t.Context(), "ada", "ada@site.example", true, audit.Command()); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := h.signIn(names[0], other); !errors.Is(err, account.ErrSignIn) {
				t.Fatal(err)
			}
		}
		if _, err := h.signIn(names[1], good); !errors.Is(err, authn.ErrTooSoon) {
			t.Errorf("%q after %q: got %v, want ErrTooSoon", names[1], names[0], err)
		}
		for _, name := range names[2:] {
			if _, err := h.signIn(name, other); !errors.Is(err, account.ErrSignIn) {
				t.Errorf("%q after %q: got %v, want ErrSignIn", name, names[0], err)
			}
		}
	}
}

// Failures in a row are the account's, whichever of its names was typed: a second name
// gives a guesser no second hundred.
func TestFailuresInARowAreTheAccounts(t *testing.T) {
	h := open(t)
	if err := h.Accounts.SetEmail(t.Context(), "ada", "ada@site.example", true, audit.Command()); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		for _, name := range []string{"ada", "ada@site.example"} {
			if _, err := h.signIn(name, other); !errors.Is(err, account.ErrSignIn) {
				t.Fatal(err)
			}
		}
		h.Pass(time.Hour)
	}
	if _, err := h.signIn("ada", other); !errors.Is(err, account.ErrSignIn) { // an hour after the last
		t.Fatal(err)
	}
	_, err := h.signIn("ada@site.example", good)
	if soon, _ := errors.AsType[authn.TooSoonError](err); soon.Wait != 10*time.Minute {
		t.Errorf("got %v, want a wait of 10 minutes", err)
	}
}

func TestReauthenticate(t *testing.T) {
	h := open(t)
	broken := errors.New("something else")
	for _, tt := range []struct{ does, want error }{{nil, nil}, {broken, broken}, {account.ErrSignIn, account.ErrSignIn}} {
		if err := h.Reauthenticate(t.Context(), attempt("ada", ""), func() error { return tt.does }); !errors.Is(err, tt.want) {
			t.Errorf("it does %v: got %v, want %v", tt.does, err, tt.want)
		}
	}
	h.wantLog(`level=WARN msg="sign-in failed" event=signin.failed ip=192.0.2.7 account=ada reason="wrong current password"`)
	h.wantAudit("signin.failed", "ada")
	for range 4 {
		_ = h.Reauthenticate(t.Context(), attempt("ada", ""), func() error { return account.ErrSignIn })
	}
	asked := func() error { t.Error("a password is looked at too soon"); return nil }
	if err := h.Reauthenticate(t.Context(), attempt("ada", ""), asked); !errors.Is(err, authn.ErrTooSoon) {
		t.Errorf("after five: got %v, want ErrTooSoon", err)
	}
}

func TestAppPassword(t *testing.T) {
	h := open(t)
	secret, err := h.Accounts.NewAppPassword(t.Context(), h.ada, account.AppPassword{Name: "backup"}, audit.Command())
	if err != nil {
		t.Fatal(err)
	}
	for range 30 { // more than the throttle allows
		_, err = h.AppPassword(t.Context(), attempt("ada", "gj_wrong"), "app.example")
	}
	if !errors.Is(err, authn.ErrTooSoon) {
		t.Errorf("after 30 wrong ones: got %v, want ErrTooSoon", err)
	}
	first, rest, _ := strings.Cut(h.log.String(), "\n")
	if want := `level=WARN msg="app password failed" event=apppassword.failed ip=192.0.2.7 account=ada`; first != want {
		t.Errorf("the log says %s, want %s", first, want)
	}
	if want := `level=WARN msg="app password throttled" event=apppassword.throttled ip=192.0.2.7 account=ada` + "\n"; !strings.HasSuffix(rest, want) {
		t.Errorf("the log ends with none of %s", want)
	}
	p, err := h.AppPassword(t.Context(), attempt("ada", secret), "app.example")
	if err != nil || p.Owner.ID != h.ada.ID {
		t.Errorf("the right one: got %+v, %v; want ada's, whatever failed before", p, err)
	}
	if _, err := h.signIn("ada", good); err != nil {
		t.Errorf("signing in: %v; wrong app passwords must slow no sign-in", err)
	}
}
