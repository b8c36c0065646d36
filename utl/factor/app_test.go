package factor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/factor"
	"glassjar/utl/session"
)

// An app is turned on only by a right code; after a wrong one the set-up can be continued.
func TestSetUp(t *testing.T) {
	w := open(t)
	ada, eve := w.Owner(t, "ada"), w.Owner(t, "eve")
	before := strings.Join(dump(t, w), "\n")
	sealed, secret := w.NewSetUp(ada.ID)
	if got, err := w.SetUp(ada.ID, sealed); got != secret || err != nil {
		t.Errorf("got %q, error %v", got.Text(), err)
	}
	confirm := func(a account.Account, sealed, code string) error {
		_, err := w.Confirm(t.Context(), a.Identity, factor.Confirmation{SetUp: sealed, Code: code}, visitor)
		return err
	}
	right := w.code(t, secret, 0)
	for _, tt := range []struct {
		name string
		err  error
		want error
	}{
		{"a wrong code", confirm(ada, sealed, w.wrong(t, secret)), factor.ErrWrong},
		{"a recovery code", confirm(ada, sealed, strings.Repeat("0", 24)), factor.ErrForm},
		{"another account's", confirm(eve, sealed, right), factor.ErrSetUp},
		{"none", confirm(ada, "", right), factor.ErrSetUp},
		{"a changed one", confirm(ada, strings.Map(func(c rune) rune { return c ^ 1 }, sealed[:1])+sealed[1:], right), factor.ErrSetUp},
		{"one that goes on", confirm(ada, sealed+"AAAA", right), factor.ErrSetUp},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, tt.err, tt.want)
		}
	}
	if strings.Join(dump(t, w), "\n") != before {
		t.Error("a set-up that was not confirmed changes the database")
	}
	w.Pass(factor.SetUpLife)
	if err := confirm(ada, sealed, w.code(t, secret, 0)); !errors.Is(err, factor.ErrSetUp) {
		t.Errorf("after 15 minutes: got %v, want ErrSetUp", err)
	}
}

// A new app replaces the old one when its first code is typed, not before; the recovery
// codes stay. A form that is sent twice changes nothing the second time.
func TestReplace(t *testing.T) {
	w := open(t)
	ada := w.Owner(t, "ada")
	old, codes := w.on(t, ada)
	sealed, secret := w.NewSetUp(ada.ID)
	if _, err := w.enter(t.Context(), w.begin(t, "ada"), w.code(t, old, 0)); err != nil {
		t.Errorf("the old app while the new one is set up: %v", err)
	}
	w.Pass(time.Minute)
	set := factor.Confirmation{SetUp: sealed, Code: w.code(t, secret, 0)}
	if more, err := w.Confirm(t.Context(), ada.Identity, set, visitor); err != nil || more != nil {
		t.Fatalf("got codes %q, error %v; want none", more, err)
	}
	if _, err := w.Confirm(t.Context(), ada.Identity, set, visitor); !errors.Is(err, factor.ErrUsed) {
		t.Errorf("once more: got %v, want ErrUsed", err)
	}
	w.Pass(time.Minute)
	if _, err := w.enter(t.Context(), w.begin(t, "ada"), w.code(t, old, 0)); !errors.Is(err, factor.ErrWrong) {
		t.Errorf("the old app: got %v, want ErrWrong", err)
	}
	for _, code := range []string{w.code(t, secret, 0), codes[0]} {
		if _, err := w.enter(t.Context(), w.begin(t, "ada"), code); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// Attack race/one-winner: a form that is sent ten times at once turns one app on, and
// creates one set of recovery codes.
func TestConfirmedAtOnce(t *testing.T) {
	w := open(t)
	ada := w.Owner(t, "ada")
	servers := []*world{w, w.second(t)}
	sealed, secret := w.NewSetUp(ada.ID)
	code := w.code(t, secret, 0)
	if n := atOnce(10, func(i int) error {
		_, err := servers[i%2].Confirm(t.Context(), ada.Identity, factor.Confirmation{SetUp: sealed, Code: code}, visitor)
		return err
	}); n != 1 {
		t.Errorf("%d turned it on, want 1", n)
	}
	if n := len(w.Texts(t, `SELECT code_hash FROM recovery_codes`)); n != factor.RecoveryCodes {
		t.Errorf("there are %d recovery codes", n)
	}
}

// wantSessions fails the test unless these sessions are live, and no others.
func (w *world) wantSessions(t *testing.T, when string, want ...string) {
	t.Helper()
	got := w.Texts(t, `SELECT s.sid FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.ended_at = 0 AND s.epoch = a.session_epoch`)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s: the sessions %q go on, want %q", when, got, want)
	}
}

// Adding or removing a factor ends the account's other sessions, but not the session that
// does it, its known device or the app passwords. It is audited.
func TestAChangeEndsOtherSessions(t *testing.T) {
	w := open(t)
	ada := w.Owner(t, "ada")
	eves := w.Session(t, w.Owner(t, "eve").Username)
	secret, err := w.Accounts.NewAppPassword(t.Context(), ada, account.AppPassword{Name: "backup"}, visitor)
	if err != nil {
		t.Fatal(err)
	}
	mine, _ := w.Session(t, "ada"), w.Session(t, "ada")
	sealed, app := w.NewSetUp(ada.ID)
	if _, err := w.Confirm(t.Context(), ada.Identity, factor.Confirmation{SetUp: sealed, Code: w.code(t, app, 0), SID: mine}, visitor); err != nil {
		t.Fatal(err)
	}
	w.wantSessions(t, "on", mine, eves)
	_ = w.Session(t, "ada")
	if err := w.RemoveApp(t.Context(), ada.Identity, mine, visitor); err != nil {
		t.Fatal(err)
	}
	w.wantSessions(t, "off", mine, eves)
	if err := w.RemoveApp(t.Context(), ada.Identity, mine, visitor); !errors.Is(err, factor.ErrOff) {
		t.Errorf("off once more: got %v, want ErrOff", err)
	}
	if n := len(w.Texts(t, `SELECT code_hash FROM recovery_codes`)); n != 0 {
		t.Errorf("%d recovery codes are left of nothing", n)
	}
	if _, err := w.Accounts.AppPassword(t.Context(), secret, "", "app.example"); err != nil {
		t.Errorf("the app password: %v", err)
	}
	if now, err := w.Accounts.Find(t.Context(), "ada"); err != nil || !now.IsKnownDevice(ada.ID, ada.Verified(1, "").Epoch) {
		t.Errorf("the device is known no more, error %v", err)
	}
	if got := strings.Join(w.Texts(t, `SELECT event FROM audit WHERE account_id = ? AND event LIKE '%code%' ORDER BY id`, ada.ID), " "); got != "code.added code.removed" {
		t.Errorf("the audit log says %s", got)
	}
}

// A change whose audit entry cannot be written is rolled back.
func TestWhatIsNotRecordedIsNotDone(t *testing.T) {
	w := open(t)
	ada := w.Owner(t, "ada")
	allow := dbtest.Refuse(t, w.DB, "INSERT", "audit", "NEW.event = 'code.added'")
	sealed, secret := w.NewSetUp(ada.ID)
	if _, err := w.Confirm(t.Context(), ada.Identity, factor.Confirmation{SetUp: sealed, Code: w.code(t, secret, 0)}, visitor); err == nil {
		t.Error("it is on, and the audit log does not know")
	}
	allow()
	if has, err := w.Has(t.Context(), ada.ID); has || err != nil {
		t.Errorf("got %t, error %v; want no second factor", has, err)
	}
}

// Secrets can be decrypted after a key rotation, and after Reencrypt also without the old
// key.
func TestKeys(t *testing.T) {
	w := open(t)
	secret, _ := w.on(t, w.Owner(t, "ada"))
	lost, _ := w.on(t, w.Owner(t, "eve"))
	enter := func(secret factor.Secret, name string) error {
		w.Pass(time.Minute)
		_, err := w.enter(t.Context(), w.begin(t, name), w.code(t, secret, 0))
		return err
	}
	keys := func(keys ...[32]byte) { need(t, w.SetKeys(keys)) }
	keys(key("g"), key("f"))
	need(t, enter(secret, "ada"))
	keys(key("g"))
	if err := enter(secret, "ada"); !errors.Is(err, factor.ErrBroken) {
		t.Errorf("the key is gone: got %v, want ErrBroken", err)
	}
	need(t, w.DB.Tx(t.Context(), func(tx *db.Tx) error { // a row copied to another account is useless
		_, err := tx.Exec(t.Context(), `UPDATE authenticators SET secret = (SELECT secret FROM authenticators a JOIN accounts c ON c.id = a.account_id WHERE c.username = 'ada')`)
		return err
	}))
	keys(key("g"), key("f"))
	if err := enter(lost, "eve"); !errors.Is(err, factor.ErrBroken) {
		t.Errorf("another account's secret: got %v, want ErrBroken", err)
	}
	for _, want := range []int{1, 1} {
		if broken, err := w.Reencrypt(t.Context()); err != nil || broken != want {
			t.Errorf("%d are broken, error %v; want %d", broken, err, want)
		}
	}
	keys(key("g"))
	need(t, enter(secret, "ada"))
	if err := w.SetKeys(nil); err == nil {
		t.Error("no key is accepted")
	}
}

// Clear removes all factors, ends all sessions and resets the count of wrong codes.
func TestClear(t *testing.T) {
	w := open(t)
	ada := w.Owner(t, "ada")
	if err := w.Clear(t.Context(), ada.Identity, visitor); !errors.Is(err, factor.ErrOff) {
		t.Errorf("nothing to clear: got %v, want ErrOff", err)
	}
	w.on(t, ada)
	w.Session(t, "ada")
	need(t, w.Clear(t.Context(), ada.Identity, visitor))
	st, err := w.Of(t.Context(), ada.ID)
	if err != nil || st != (factor.State{}) {
		t.Errorf("left: %+v, error %v", st, err)
	}
	if has, err := w.Has(t.Context(), ada.ID); has || err != nil {
		t.Errorf("got %t, %v", has, err)
	}
	if n := len(w.Texts(t, `SELECT sid FROM sessions WHERE ended_at = 0`)); n != 0 {
		t.Errorf("%d sessions go on", n)
	}
	if n := len(w.Texts(t, `SELECT event FROM audit WHERE event = 'factors.cleared' AND username = 'ada'`)); n != 1 {
		t.Errorf("the audit log has it %d times", n)
	}
}

// Deleting an account deletes its rows in the factors' tables.
func TestDeleted(t *testing.T) {
	w := open(t)
	w.Owner(t, "owner")
	ada := w.Owner(t, "ada")
	secret, _ := w.on(t, ada)
	_, _ = w.Check(t.Context(), w.begin(t, "ada"), w.wrong(t, secret), visitor)
	need(t, w.Accounts.Delete(t.Context(), "ada", audit.Command()))
	for _, table := range []string{"authenticators", "recovery_codes", "code_failures", "pending_signins"} {
		if n := len(w.Texts(t, `SELECT account_id FROM `+table)); n != 0 {
			t.Errorf("%s has %d rows", table, n)
		}
	}
	sealed, app := w.NewSetUp(ada.ID)
	if _, err := w.Confirm(t.Context(), ada.Identity, factor.Confirmation{SetUp: sealed, Code: w.code(t, app, 0)}, visitor); !errors.Is(err, session.ErrChanged) {
		t.Errorf("set up by somebody deleted: got %v, want ErrChanged", err)
	}
}
