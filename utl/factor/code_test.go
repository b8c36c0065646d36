package factor_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/factor"
	"glassjar/utl/session"
)

// The test vectors of RFC 6238, appendix B, for SHA-1, shortened to six digits.
func TestRFC6238(t *testing.T) {
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		if got, err := factor.CodeAt([]byte("12345678901234567890"), at/30); got != want || err != nil {
			t.Errorf("at %d: got %s, error %v; want %s", at, got, err, want)
		}
	}
	for _, secret := range []string{"", "1234567890123456789", "123456789012345678901"} {
		if got, err := factor.CodeAt([]byte(secret), 1); !errors.Is(err, factor.ErrBroken) {
			t.Errorf("a secret of %d bytes: got %q, error %v; want ErrBroken", len(secret), got, err)
		}
	}
}

// Attack factors/code: a code typed twice, from another time step, of another account, of
// another length.
func TestCodes(t *testing.T) {
	w := open(t)
	secret, _ := w.on(t, w.Owner(t, "ada"))
	others, _ := w.on(t, w.Owner(t, "eve"))
	w.Pass(time.Hour)
	now := w.code(t, secret, 0)
	wide := strings.Map(func(c rune) rune { return c - '0' + '０' }, now)
	for _, tt := range []struct {
		name, typed string
		want        error
	}{
		{"right", now, nil},
		{"the step before", w.code(t, secret, -1), nil},
		{"the step after", w.code(t, secret, 1), nil},
		{"with spaces", " " + now[:3] + " \u00a0\u2009" + now[3:] + "\u200b\n", nil},
		{"with dashes", now[:3] + "-" + now[3:] + "–", nil},
		{"full-width digits", wide, nil},
		{"two steps before", w.code(t, secret, -2), factor.ErrWrong},
		{"two steps after", w.code(t, secret, 2), factor.ErrWrong},
		{"another account's", w.code(t, others, 0), factor.ErrWrong},
		{"wrong", w.wrong(t, secret), factor.ErrWrong},
		{"five digits", now[:5], factor.ErrForm},
		{"seven digits", now + "1", factor.ErrForm},
		{"10,000 digits", strings.Repeat("1", 10_000), factor.ErrForm},
		{"nothing", "", factor.ErrForm},
		{"letters", "abcdef", factor.ErrForm},
		{"Arabic digits", "١٢٣٤٥٦", factor.ErrForm},
		{"broken UTF-8", "12345\xff", factor.ErrForm},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := w.begin(t, "ada")
			_, err := w.Check(t.Context(), p, tt.typed, visitor)
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// Attack factors/code: a code is accepted once, and after it no code of an older step.
func TestACodeIsUsedOnce(t *testing.T) {
	w := open(t)
	secret, _ := w.on(t, w.Owner(t, "ada"))
	if _, err := w.enter(t.Context(), w.begin(t, "ada"), w.code(t, secret, -1)); !errors.Is(err, factor.ErrUsed) {
		t.Errorf("the code of the set-up: got %v, want ErrUsed", err)
	}
	c, err := w.enter(t.Context(), w.begin(t, "ada"), w.code(t, secret, 0))
	if err != nil || c.Account.Level != 2 || c.Account.AMR != "otp pwd" || c.Pending.Next != "/people" || c.Recovery {
		t.Fatalf("got %+v, error %v", c, err)
	}
	for steps := int64(-1); steps <= 0; steps++ {
		if _, err := w.enter(t.Context(), w.begin(t, "ada"), w.code(t, secret, steps)); !errors.Is(err, factor.ErrUsed) {
			t.Errorf("%d steps from the one that was used: got %v, want ErrUsed", steps, err)
		}
	}
	if _, err := w.enter(t.Context(), w.begin(t, "ada"), w.code(t, secret, 1)); err != nil {
		t.Errorf("the next one: %v", err)
	}
	st, err := w.Of(t.Context(), c.Account.AccountID)
	if err != nil || !st.AppUsed.Equal(w.Now()) || !st.Second() {
		t.Errorf("the state is %+v, error %v", st, err)
	}
}

// Attack race/one-winner: one code, ten pending sign-ins, two servers: one succeeds.
func TestOfManyWithOneCodeOneGetsIn(t *testing.T) {
	w := open(t)
	secret, recovery := w.on(t, w.Owner(t, "ada"))
	servers := []*world{w, w.second(t)}
	for round := range 20 {
		w.Pass(25 * time.Hour) // the nine other attempts were counted as wrong
		code := w.code(t, secret, 0)
		if round%5 == 4 {
			code = recovery[round/5]
		}
		pendings := make([]string, 5)
		for i := range pendings {
			pendings[i] = w.begin(t, "ada")
		}
		if n := atOnce(len(pendings), func(i int) error {
			_, err := servers[i%2].enter(t.Context(), pendings[i], code)
			return err
		}); n != 1 {
			t.Fatalf("round %d: %d got in with one code, want 1", round, n)
		}
	}
}

// Special characters in the site's name do not break the URI: apps read the same secret.
func TestURI(t *testing.T) {
	w := open(t)
	_, secret := w.NewSetUp("id")
	w.SiteName = "a&b=c:d/e?f#g é+"
	u, err := url.Parse(w.URI(secret, "a.da"))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/a&b=c d/e?f#g é+:a.da" || q.Get("issuer") != "a&b=c d/e?f#g é+" ||
		q.Get("secret") != text(secret[:]) || strings.Contains(u.String(), "=c+") {
		t.Errorf("got %s", u)
	}
	if secret.String() == secret.Text() {
		t.Error("a log would show the secret")
	}
}

// Attack factors/flood: after 20 wrong codes within a day, or 100 in a row, from any
// address, a right code is refused too; a recovery code is accepted.
func TestWrongCodesStop(t *testing.T) {
	w := open(t)
	ada := w.Owner(t, "ada")
	secret, recovery := w.on(t, ada)
	guess := func(text string) error {
		_, err := w.Check(t.Context(), w.begin(t, "ada"), text, visitor)
		return err
	}
	for day := range 5 {
		for i := range 20 {
			if err := guess(w.wrong(t, secret)); !errors.Is(err, factor.ErrWrong) {
				t.Fatalf("day %d, wrong code %d: %v", day, i, err)
			}
		}
		many, ok := errors.AsType[factor.ManyError](guess(w.code(t, secret, 0)))
		if !ok || !errors.Is(many, factor.ErrMany) || (day < 4) != (many.Wait > 23*time.Hour) {
			t.Fatalf("day %d, the right one after 20: got %+v", day, many)
		}
		w.Pass(24*time.Hour + time.Second)
	}
	if _, ok := errors.AsType[factor.ManyError](guess(w.code(t, secret, 0))); !ok {
		t.Error("the right one after 100 in a row is looked at")
	}
	if _, err := w.enter(t.Context(), w.begin(t, "ada"), recovery[0]); err != nil {
		t.Errorf("a recovery code after 100: %v", err)
	}
	if _, err := w.enter(t.Context(), w.begin(t, "ada"), w.code(t, secret, 0)); err != nil {
		t.Errorf("the right one after a recovery code: %v", err)
	}
	if n := len(w.Texts(t, `SELECT event FROM audit WHERE event = 'code.failed' AND account_id = ?`, ada.ID)); n != 100 {
		t.Errorf("%d wrong codes are in the audit log, want 100", n)
	}
}

// Wrong codes that were counted while the clock was a year ahead do not refuse the right one
// for a year.
func TestWrongCodesOfAClockAhead(t *testing.T) {
	w := open(t)
	secret, _ := w.on(t, w.Owner(t, "ada"))
	v := w.verified(t, "ada")
	const year = 365 * 24 * time.Hour
	w.Pass(year)
	for range 20 {
		if _, err := w.CheckAgain(t.Context(), v, w.wrong(t, secret), visitor); !errors.Is(err, factor.ErrWrong) {
			t.Fatal(err)
		}
	}
	w.Pass(-year)
	for range 20 {
		if _, err := w.CheckAgain(t.Context(), v, w.wrong(t, secret), visitor); !errors.Is(err, factor.ErrWrong) {
			t.Fatalf("back in time: got %v, want it looked at", err)
		}
	}
	if _, err := w.CheckAgain(t.Context(), v, w.code(t, secret, 0), visitor); !errors.Is(err, factor.ErrMany) {
		t.Errorf("after 20 more: got %v, want ErrMany", err)
	}
	w.Pass(24*time.Hour + time.Second)
	if _, err := w.CheckAgain(t.Context(), v, w.code(t, secret, 0), visitor); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

// Attack factors/recovery: wrong recovery codes do not turn the digits off.
func TestWrongRecoveryCodesLeaveTheDigitsAlone(t *testing.T) {
	w := open(t)
	secret, _ := w.on(t, w.Owner(t, "ada"))
	v := w.verified(t, "ada")
	for range 101 {
		if _, err := w.CheckAgain(t.Context(), v, strings.Repeat("0", 24), visitor); !errors.Is(err, factor.ErrWrong) {
			t.Fatalf("got %v, want ErrWrong", err)
		}
	}
	if _, err := w.CheckAgain(t.Context(), v, w.code(t, secret, 0), visitor); err != nil {
		t.Errorf("the right digits after 101 wrong recovery codes: %v", err)
	}
}

// Attack factors/flood: of a million codes for one account, 20 are looked at.
func TestAMillionCodes(t *testing.T) {
	w := open(t)
	secret, _ := w.on(t, w.Owner(t, "ada"))
	v := w.verified(t, "ada")
	n := 1_000_000
	if testing.Short() || dbtest.OnPostgres() != nil {
		n = 10_000
	}
	looked := 0
	for i := range n {
		_, err := w.CheckAgain(t.Context(), v, sixDigits(i), visitor)
		if !errors.Is(err, factor.ErrMany) {
			looked++
		}
	}
	if looked > 20 {
		t.Errorf("%d of %d codes were looked at, want 20", looked, n)
	}
	if _, err := w.CheckAgain(t.Context(), v, w.code(t, secret, 0), visitor); !errors.Is(err, factor.ErrMany) {
		t.Errorf("the right one: got %v, want ErrMany", err)
	}
}

// Attack factors/flood: twenty wrong codes on two servers at once are counted as twenty.
func TestWrongCodesAreCountedOnTwoServers(t *testing.T) {
	w := open(t)
	secret, _ := w.on(t, w.Owner(t, "ada"))
	servers, v, wrong := []*world{w, w.second(t)}, w.verified(t, "ada"), w.wrong(t, secret)
	looked := atOnce(100, func(i int) error {
		if _, err := servers[i%2].CheckAgain(t.Context(), v, wrong, visitor); !errors.Is(err, factor.ErrWrong) {
			return errors.New("not looked at")
		}
		return nil
	})
	if looked != 20 {
		t.Errorf("%d were looked at, want 20", looked)
	}
}

// A proof uses its code up as a sign-in does.
func TestCheckAgain(t *testing.T) {
	w := open(t)
	secret, _ := w.on(t, w.Owner(t, "ada"))
	v := w.verified(t, "ada")
	c, err := w.CheckAgain(t.Context(), v, w.code(t, secret, 0), visitor)
	if err != nil || c.Account.Level != 2 {
		t.Fatalf("got %+v, error %v", c, err)
	}
	if first, second := w.spend(t.Context(), c), w.spend(t.Context(), c); first != nil || !errors.Is(second, session.ErrChanged) {
		t.Errorf("spent: %v; once more: %v, want ErrChanged", first, second)
	}
	w.Owner(t, "bob")
	if _, err := w.CheckAgain(t.Context(), w.verified(t, "bob"), w.code(t, secret, 1), visitor); !errors.Is(err, factor.ErrWrong) {
		t.Errorf("of somebody without an app: got %v, want ErrWrong", err)
	}
}

// Attack race/one-winner: one code is checked twice before either session starts: one
// session starts.
func TestACodeIsSpentOnce(t *testing.T) {
	w := open(t)
	secret, recovery := w.on(t, w.Owner(t, "ada"))
	for _, code := range []string{w.code(t, secret, 0), recovery[0]} {
		first, err := w.Check(t.Context(), w.begin(t, "ada"), code, visitor)
		need(t, err)
		second, err := w.Check(t.Context(), w.begin(t, "ada"), code, visitor)
		need(t, err)
		need(t, w.spend(t.Context(), first))
		if err := w.spend(t.Context(), second); !errors.Is(err, session.ErrChanged) {
			t.Errorf("%s: got %v, want ErrChanged", code, err)
		}
	}
}
