package account_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/mail"
)

// give sets the account's password, as an owner does.
func (h *fixture) give(t *testing.T, name, pw string) {
	t.Helper()
	if err := h.SetPassword(t.Context(), name, pw, keeper); err != nil {
		t.Fatal(err)
	}
}

// asksConfirm sets the account's address and returns the code that is mailed there.
func (h *fixture) asksConfirm(t *testing.T, name, email string) string {
	t.Helper()
	if err := h.SetProfile(t.Context(), name, "", email, keeper); err != nil {
		t.Fatal(err)
	}
	m := h.newestMail(t)
	if m.Kind != mail.Confirm || m.To != email || m.Username != name {
		t.Fatalf("the mail is %+v", m)
	}
	kind, code, _, err := h.MailLink(t.Context(), m)
	if err != nil || kind != account.Confirm {
		t.Fatal(kind, err)
	}
	return code
}

func (h *fixture) wantConfirmed(t *testing.T, name string, confirmed bool) {
	t.Helper()
	if p, err := h.Person(t.Context(), name); err != nil || p.EmailConfirmed != confirmed {
		t.Errorf("%s is %+v, %v; want confirmed: %t", name, p, err, confirmed)
	}
}

// The mailed link confirms the address: once, while the address is still the account's,
// and only if no other account has confirmed it.
func TestConfirm(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	h.mailing()
	old := h.asksConfirm(t, "bob", "bob@site.example")
	code := h.asksConfirm(t, "bob", "shared@site.example")
	h.asksConfirm(t, "bob", "shared@site.example") // a second link
	anns := h.asksConfirm(t, "ann", "shared@site.example")
	h.wantConfirmed(t, "bob", false)
	if _, err := h.Confirm(t.Context(), old, visitor); !errors.Is(err, account.ErrLink) {
		t.Errorf("the link of another address: %v", err)
	}
	h.give(t, "bob", other) // a new password does not cancel the link
	if _, err := h.Confirm(t.Context(), code, visitor); err != nil {
		t.Fatal(err)
	}
	h.wantConfirmed(t, "bob", true)
	if _, err := h.Confirm(t.Context(), code, visitor); !errors.Is(err, account.ErrLink) {
		t.Errorf("twice: %v", err)
	}
	if _, err := h.Confirm(t.Context(), anns, visitor); !errors.Is(err, account.ErrEmailTaken) {
		t.Errorf("another's: %v", err)
	}
	h.wantConfirmed(t, "ann", false)
	code = h.asksConfirm(t, "ann", "ann@site.example")
	h.clock.add(account.LinkLife + time.Second)
	if _, err := h.Confirm(t.Context(), code, visitor); !errors.Is(err, account.ErrLink) {
		t.Errorf("a day later: %v", err)
	}
	n := len(h.mails(t))
	if err := h.SetProfile(t.Context(), "bob", "Bob", "shared@site.example", keeper); err != nil || len(h.mails(t)) != n {
		t.Errorf("a confirmed address is mailed a link; error %v", err)
	}
}

// A new account with an address is mailed a link that confirms it; an account that waits
// for approval is mailed one when it is approved.
func TestANewAccountConfirmsItsAddress(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.mailing()
	sign := func(name string, waits bool) {
		t.Helper()
		if _, err := h.SignUp(t.Context(), account.NewAccount{Username: name, Password: good, Email: name + "@site.example"}, waits, visitor); err != nil {
			t.Fatal(err)
		}
	}
	sign("bob", false)
	sign("eve", true)
	if all := h.mails(t); len(all) != 1 || all[0].Kind != mail.Confirm || all[0].To != "bob@site.example" {
		t.Fatalf("the mails are %+v", all)
	}
	if err := h.Approve(t.Context(), "eve", keeper); err != nil {
		t.Fatal(err)
	}
	all := h.mails(t)
	if len(all) != 2 || all[1].To != "eve@site.example" {
		t.Fatalf("the mails are %+v", all)
	}
	_, code, _, err := h.MailLink(t.Context(), all[1])
	if err == nil {
		_, err = h.Confirm(t.Context(), code, visitor)
	}
	if p, err2 := h.Person(t.Context(), "eve"); err != nil || err2 != nil || !p.EmailConfirmed {
		t.Errorf("eve is %+v, %v %v", p, err, err2)
	}
}

// Attack mail/flood: nobody can have the site mail many strangers by changing the address
// of their own profile.
func TestManyAddresses(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.mailing()
	for i := range 30 {
		if err := h.SetProfile(t.Context(), "ann", "", fmt.Sprintf("a%d@site.example", i), keeper); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(h.mails(t)); n != 10 {
		t.Errorf("%d were mailed, want 10", n)
	}
	h.clock.add(account.LinkLife)
	if err := h.SetProfile(t.Context(), "ann", "", "b@site.example", keeper); err != nil || len(h.mails(t)) != 11 {
		t.Errorf("a day later: %d, %v", len(h.mails(t)), err)
	}
}
