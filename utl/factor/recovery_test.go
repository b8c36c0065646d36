package factor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/factor"
)

// Attack factors/recovery: each code is accepted once, in any order, case and spelling.
func TestRecoveryCodes(t *testing.T) {
	w := open(t)
	ada := w.Owner(t, "ada")
	_, codes := w.on(t, ada)
	_, evesCodes := w.on(t, w.Owner(t, "eve"))
	if len(codes) != factor.RecoveryCodes || len(codes[0]) != len("xxxx-xxxx-xxxx-xxxx-xxxx-xxxx") {
		t.Fatalf("got %q", codes)
	}
	for i, spelled := range []string{
		codes[7], strings.ToUpper(codes[3]), strings.ReplaceAll(codes[5], "-", " "), strings.ReplaceAll(codes[1], "-", ""),
		strings.NewReplacer("0", "o", "1", "L").Replace(codes[0]), strings.NewReplacer("0", "O", "1", "i").Replace(codes[2]),
	} {
		c, err := w.enter(t.Context(), w.begin(t, "ada"), spelled)
		if err != nil || !c.Recovery || c.Account.Level != 2 {
			t.Errorf("%q: got %+v, error %v", spelled, c, err)
		}
		if _, err := w.enter(t.Context(), w.begin(t, "ada"), spelled); !errors.Is(err, factor.ErrUsed) {
			t.Errorf("%q once more: got %v, want ErrUsed", spelled, err)
		}
		if st, err := w.Of(t.Context(), ada.ID); err != nil || st.Recovery.Left != 7-i {
			t.Errorf("%+v are left, error %v; want %d", st.Recovery, err, 7-i)
		}
	}
	for name, typed := range map[string]string{"another account's": evesCodes[0], "one changed": changed(codes[4])} {
		if _, err := w.enter(t.Context(), w.begin(t, "ada"), typed); !errors.Is(err, factor.ErrWrong) {
			t.Errorf("%s: got %v, want ErrWrong", name, err)
		}
	}
	if got := w.Texts(t, `SELECT detail FROM audit WHERE event = 'recovery.used' ORDER BY id`); !slices.Equal(got, []string{"7 left", "6 left", "5 left", "4 left", "3 left", "2 left"}) {
		t.Errorf("the audit log says %q", got)
	}
	again, err := w.NewRecovery(t.Context(), ada.Identity, visitor)
	if err != nil || len(again) != 8 {
		t.Fatal(again, err)
	}
	if _, err := w.enter(t.Context(), w.begin(t, "ada"), codes[4]); !errors.Is(err, factor.ErrWrong) {
		t.Errorf("an old one after new ones were made: got %v, want ErrWrong", err)
	}
	if _, err := w.enter(t.Context(), w.begin(t, "ada"), again[4]); err != nil {
		t.Errorf("a new one: %v", err)
	}
}

// The database contains no recovery code in any spelling.
func TestRecoveryCodesAreHashed(t *testing.T) {
	w := open(t)
	secret, codes := w.on(t, w.Owner(t, "ada"))
	all := strings.Join(dump(t, w), "\n")
	for _, s := range append(codes, strings.ReplaceAll(codes[0], "-", ""), strings.ToUpper(codes[0]), secret.Text(), string(secret[:])) {
		if strings.Contains(all, s) {
			t.Errorf("the database has %q", s)
		}
	}
}

func TestSavedRecoveryCodes(t *testing.T) {
	w := open(t)
	ada := w.Owner(t, "ada")
	if _, err := w.NewRecovery(t.Context(), ada.Identity, visitor); !errors.Is(err, factor.ErrOff) {
		t.Errorf("without a second factor: got %v, want ErrOff", err)
	}
	_, codes := w.on(t, ada)
	for _, want := range []bool{false, true} {
		if st, err := w.Of(t.Context(), ada.ID); err != nil || st.Recovery.Saved != want {
			t.Errorf("got %+v, error %v; want saved %t", st, err, want)
		}
		if err := w.SaveRecovery(t.Context(), ada.Identity, visitor); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(w.Texts(t, `SELECT event FROM audit WHERE event = 'recovery.saved'`)); n != 1 {
		t.Errorf("the audit log has it %d times", n)
	}
	if got, err := w.Theirs(t.Context(), ada.ID, strings.ToUpper(strings.Join(codes, " "))); err != nil || !slices.Equal(got, codes) {
		t.Errorf("got %q, error %v", got, err)
	}
	eve := w.Owner(t, "eve")
	for id, text := range map[string]string{eve.ID: codes[0], ada.ID: codes[0] + " " + changed(codes[1]), "": ""} {
		if got, err := w.Theirs(t.Context(), id, text); !errors.Is(err, factor.ErrWrong) {
			t.Errorf("got %q, error %v; want ErrWrong", got, err)
		}
	}
}

// changed returns the recovery code with another last character.
func changed(code string) string {
	last := "z"
	if strings.HasSuffix(code, last) {
		last = "y"
	}
	return code[:len(code)-1] + last
}
