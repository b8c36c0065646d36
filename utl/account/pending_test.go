package account_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/mail"
	"glassjar/utl/password"
)

// signsUp sends a sign-up form with the password good and the address NAME@site.example.
func (h *fixture) signsUp(t *testing.T, name string) {
	t.Helper()
	if err := h.AskSignUp(t.Context(), account.NewAccount{Username: name, Password: good, Email: name + "@Site.example"}, visitor); err != nil {
		t.Fatalf("%s signs up: %v", name, err)
	}
}

// wantPending fails the test unless these and no other sign-ups are kept.
func (h *fixture) wantPending(t *testing.T, names ...string) {
	t.Helper()
	if left := h.texts(t, `SELECT username FROM pending_signups`); !slices.Equal(left, names) {
		t.Errorf("the sign-ups of %q are kept, want %q", left, names)
	}
}

// eves is what eve enters in the sign-up form, plus a role, which must have no effect.
var eves = account.NewAccount{Username: "Eve", Password: good, Email: " Eve@Site.example", Role: account.Owner}

// Attack people/sign-up-mail: a sign-up creates no account before its link is used, and
// only the link of the newest mail is valid.
func TestASignUpIsMailed(t *testing.T) {
	h := open(t)
	h.mailing()
	if err := h.AskSignUp(t.Context(), eves, visitor); !errors.Is(err, account.ErrNoOwner) {
		t.Errorf("before the owner: got %v, want ErrNoOwner", err)
	}
	h.add(t, "ann", account.Owner)
	if err := h.AskSignUp(t.Context(), eves, visitor); err != nil {
		t.Fatal(err)
	}
	all := h.mails(t)
	if len(all) != 1 || all[0].Kind != mail.SignUp || all[0].To != "eve@site.example" || all[0].Username != "eve" || all[0].AccountID != "" {
		t.Fatalf("the mails are %+v", all)
	}
	if got := h.usernames(t); !slices.Equal(got, []string{"ann"}) {
		t.Errorf("before the link is used, the accounts are %q", got)
	}
	if log := h.log(t); log[len(log)-1] != "signup.asked" {
		t.Errorf("the log ends %q: the name is nobody's yet", log)
	}
	kind, first, _, err := h.MailLink(t.Context(), all[0])
	code := h.mailedCode(t) // a second mail of the same sign-up
	if err != nil || kind != account.SignUpLink || code == first || strings.Contains(strings.Join(h.dump(t), ""), code) {
		t.Fatalf("the link is %s %s, then %s; error %v", kind, first, code, err)
	}
	if _, err := h.ConfirmSignUp(t.Context(), first, "", "", visitor); !errors.Is(err, account.ErrLink) {
		t.Errorf("the code of the mail before: %v, want ErrLink", err)
	}
	if p, err := h.PendingSignUp(t.Context(), code); err != nil || p.Username != "eve" || p.Email != "eve@site.example" || p.Taken {
		t.Errorf("the link is for %+v, %v", p, err)
	}
}

// Attack people/sign-up-mail: no account exists before the link is used; using it creates
// the account once, with a confirmed address.
func TestASignUpIsConfirmed(t *testing.T) {
	h := open(t)
	h.mailing()
	h.add(t, "ann", account.Owner)
	if err := h.AskSignUp(t.Context(), eves, visitor); err != nil {
		t.Fatal(err)
	}
	code := h.mailedCode(t)
	if _, err := h.ConfirmSignUp(t.Context(), code, "", "", visitor); err != nil {
		t.Fatal(err)
	}
	a, err := h.Authenticate(t.Context(), "eve@site.example", good)
	if err != nil || a.Username != "eve" || a.Role != account.Member || !a.EmailConfirmed {
		t.Errorf("got %+v, %v; want a member whose address is confirmed", a, err)
	}
	log := h.log(t)
	if want := []string{"eve link.used eve signup", "eve account.added eve member", "eve account.confirmed eve eve@site.example"}; !slices.Equal(log[len(log)-3:], want) {
		t.Errorf("the log ends %q, want %q", log, want)
	}
	if _, err := h.ConfirmSignUp(t.Context(), code, "", "", visitor); !errors.Is(err, account.ErrLink) {
		t.Errorf("twice: %v, want ErrLink", err)
	}
	h.wantPending(t)
}

// Attack people/sign-up-mail: what is refused, and that the link stays valid where its
// holder can correct the input.
func TestASignUpIsRefused(t *testing.T) {
	h := open(t)
	h.mailing()
	h.add(t, "ann", account.Owner)
	h.add(t, "dan", account.Member)
	if err := h.Delete(t.Context(), "dan", keeper); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		username, password, email string
		want                      error
	}{
		{"ann", good, "x@site.example", account.ErrTaken},
		{"dan", good, "x@site.example", account.ErrTaken},
		{"Admin", good, "x@site.example", account.ErrReserved},
		{"eve", "short", "x@site.example", password.ErrShort},
		{"eve", good, "nowhere", account.ErrEmail},
		{"eve", good, "", account.ErrNoEmail},
	} {
		if err := h.AskSignUp(t.Context(), account.NewAccount{Username: tt.username, Password: tt.password, Email: tt.email}, visitor); !errors.Is(err, tt.want) {
			t.Errorf("%+v: got %v", tt, err)
		}
	}
}

// Attack people/sign-up-mail: if a confirmation is refused for something that the person
// can correct, the link stays valid.
func TestASignUpWhoseNameIsTaken(t *testing.T) {
	h := open(t)
	h.mailing()
	h.add(t, "ann", account.Owner)
	h.signsUp(t, "eve")
	code := h.mailedCode(t)
	h.add(t, "eve", account.Member)
	if p, err := h.PendingSignUp(t.Context(), code); err != nil || !p.Taken {
		t.Errorf("taken meanwhile: %+v, %v", p, err)
	}
	for _, tt := range []struct {
		username, password string
		want               error
	}{{"", "", account.ErrTaken}, {"ann", good, account.ErrTaken}, {"fay", "short", password.ErrShort}, {"a b", good, account.ErrName}, {"fay", other, nil}} {
		if _, err := h.ConfirmSignUp(t.Context(), code, tt.username, tt.password, visitor); !errors.Is(err, tt.want) {
			t.Errorf("%+v: got %v", tt, err)
		}
	}
	if a, err := h.Authenticate(t.Context(), "fay", other); err != nil || a.Email != "eve@site.example" {
		t.Errorf("under another name: %+v, %v", a, err)
	}
}

// Attack people/sign-up-mail: a sign-up that nobody confirms expires after a day.
func TestASignUpExpires(t *testing.T) {
	h := open(t)
	h.mailing()
	h.add(t, "ann", account.Owner)
	h.signsUp(t, "gil")
	code := h.mailedCode(t)
	h.clock.add(account.LinkLife)
	if _, err := h.ConfirmSignUp(t.Context(), code, "", "", visitor); !errors.Is(err, account.ErrLink) {
		t.Errorf("a day later: %v, want ErrLink", err)
	}
	if _, _, _, err := h.MailLink(t.Context(), h.newestMail(t)); !errors.Is(err, mail.ErrNotDue) {
		t.Errorf("a day later, it is mailed: %v", err)
	}
	h.signsUp(t, "hal")
	if err := h.Sweep(t.Context(), 10*account.LinkLife); err != nil {
		t.Fatal(err)
	}
	h.wantPending(t, "hal")
}

// Attack people/sign-up-mail: no link is mailed to an address that an account has
// confirmed; an address that is only typed into another account does not block a sign-up.
func TestASignUpOfAKnownAddress(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.confirmed(t, "ann")
	h.mailing()
	wanted := account.NewAccount{Username: "eve", Password: good, Email: "ANN@site.example"}
	if err := h.AskSignUp(t.Context(), wanted, visitor); err != nil {
		t.Fatal(err)
	}
	if code := h.mailedCode(t); code != "" {
		t.Error("a link is mailed")
	}
	h.signsUp(t, "fay")
	code := h.mailedCode(t)
	if err := h.SetEmail(t.Context(), "ann", "fay@site.example", true, keeper); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ConfirmSignUp(t.Context(), code, "", "", visitor); !errors.Is(err, account.ErrEmailTaken) {
		t.Errorf("confirmed by another meanwhile: %v, want ErrEmailTaken", err)
	}
	if got := h.usernames(t); !slices.Equal(got, []string{"ann"}) {
		t.Errorf("the accounts are %q", got)
	}
}

// Attack people/sign-up-mail: the number of pending sign-ups is limited.
func TestSignUpsAreBounded(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.exec(t, `INSERT INTO pending_signups (id, username, password, email, created_at)
		WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) SELECT 'id' || i, 'w' || i, '', '', 9000000000000000 FROM n`)
	two := h.second(t)
	got := atOnce(t, 10, func(i int) error {
		name := fmt.Sprint("eve", i)
		return []*fixture{h, two}[i%2].AskSignUp(t.Context(), account.NewAccount{Username: name, Password: good, Email: name + "@site.example"}, visitor)
	}, nil, account.ErrManyPending)
	if got[nil] != 1 {
		t.Errorf("%d of 10 were let in, want 1", got[nil])
	}
}

// Attack race/one-winner, servers/races, people/sign-up-mail: one link is used on two
// servers, and two links ask for one username: one account is created.
func TestOfSeveralWhoConfirmOneGetsTheAccount(t *testing.T) {
	h := open(t)
	two := h.second(t)
	h.mailing()
	h.add(t, "ann", account.Owner)
	for round := range 10 {
		name := fmt.Sprint("eve", round)
		h.signsUp(t, name)
		code := h.mailedCode(t)
		h.signsUp(t, fmt.Sprint("one", round))
		only := h.mailedCode(t)
		got := atOnce(t, 6, func(i int) error {
			_, err := []*fixture{h, two}[i%2].ConfirmSignUp(t.Context(), only, "", "", visitor)
			return err
		}, nil, account.ErrLink)
		if got[nil] != 1 {
			t.Errorf("round %d: one link was used %d times", round, got[nil])
		}
		if err := h.AskSignUp(t.Context(), account.NewAccount{Username: name, Password: good, Email: "other-" + name + "@site.example"}, visitor); err != nil {
			t.Fatal(err)
		}
		codes := []string{code, h.mailedCode(t)}
		got = atOnce(t, 8, func(i int) error {
			_, err := []*fixture{h, two}[i%2].ConfirmSignUp(t.Context(), codes[i/2%2], "", "", visitor)
			return err
		}, nil, account.ErrLink, account.ErrTaken)
		if got[nil] != 1 {
			t.Errorf("round %d: %d made the account", round, got[nil])
		}
		if n := len(h.texts(t, `SELECT id FROM accounts WHERE username = ?`, name)); n != 1 {
			t.Errorf("round %d: %d accounts", round, n)
		}
	}
}
