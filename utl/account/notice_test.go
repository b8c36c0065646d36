package account_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/mail"
	"glassjar/utl/session"
)

// told returns what the account's notices tell, newest first.
func (h *house) told(t *testing.T, a account.Account) (all []string) {
	t.Helper()
	notices, err := h.Notices(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notices {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%s %s by=%s from=%s", n.Kind, n.Detail, n.By, n.Address)))
	}
	return all
}

// factors changes the account's factors, as their own store does.
func (h *house) factors(t *testing.T, a account.Account, detail string, by audit.Actor) error {
	t.Helper()
	return h.db.Tx(t.Context(), func(tx *db.Tx) error {
		if err := session.LockAccount(t.Context(), tx, a.ID); err != nil {
			return err
		}
		return h.FactorsChanged(t.Context(), tx, a.ID, detail, by)
	})
}

// happens is each thing that a person is told of.
func (h *house) happens(t *testing.T, a account.Account) {
	t.Helper()
	own := audit.Actor{ID: a.ID, Name: a.Username, Address: "192.0.2.9", Agent: "her own"}
	now, err := h.Find(t.Context(), a.Username)
	if err != nil {
		t.Fatal(err)
	}
	_, changed := h.ChangePassword(t.Context(), now, good, other, own)
	for _, err := range []error{
		changed,
		h.db.Tx(t.Context(), func(tx *db.Tx) error { return h.NewBrowser(t.Context(), tx, a.ID, visitor) }),
		h.factors(t, a, "A passkey was added.", own),
		h.SetPassword(t.Context(), a.Username, good, audit.Command()),
		h.SetEmail(t.Context(), a.Username, a.Username+"@new.example", false, keeper),
		h.SetEmail(t.Context(), a.Username, "", false, own),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

var happened = []string{
	"email-changed removed by= from=192.0.2.9",
	"email-changed changed to ann@new.example by=keeper from=192.0.2.1",
	"password-changed  by= from=",
	"factors-changed A passkey was added. by= from=192.0.2.9",
	"new-browser  by= from=192.0.2.2",
	"password-changed  by= from=192.0.2.9",
}

// What happens to an account stands there, where no mail tells it, until it is
// read: each thing once.
func TestNoticesStand(t *testing.T) {
	for name, prepare := range map[string]func(*house){
		"without mail": func(*house) {}, "with mail, to an address that is not confirmed": func(h *house) { h.mailing() },
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			ann, bob := h.add(t, "ann", account.Owner), h.add(t, "bob", account.Member)
			prepare(h)
			h.happens(t, ann)
			if got := h.told(t, ann); !slices.Equal(got, happened) {
				t.Errorf("told\n%q, want\n%q", got, happened)
			}
			all, err := h.Notices(t.Context(), ann.ID)
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(h.Seen(t.Context(), ann.ID, all[0].ID), h.Seen(t.Context(), bob.ID, all[1].ID), h.Seen(t.Context(), ann.ID, "no\x00ne")); err != nil {
				t.Fatal(err)
			}
			if got := h.told(t, ann); !slices.Equal(got, happened[1:]) {
				t.Errorf("one was read, and another by somebody else: %q", got)
			}
		})
	}
}

// With mail, they go to the confirmed address, that of an email address's change
// to the one before; none stands. What the queue does not take stands.
func TestNoticesAreMailed(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	h.mailing()
	h.confirmed(t, "ann")
	if err := h.Seen(t.Context(), ann.ID, h.notice(t, ann)); err != nil { // of her first address
		t.Fatal(err)
	}
	h.happens(t, ann)
	var got []string
	for _, m := range h.mails(t) {
		if m.Kind == mail.Confirm {
			continue
		}
		got = append(got, fmt.Sprintf("%s %s by=%s from=%s", m.Kind, m.Detail, m.By, m.Address))
		if m.To != "ann@site.example" || m.Username != "ann" {
			t.Errorf("the mail is %+v", m)
		}
	}
	slices.Reverse(got)
	if want := happened[1:]; !slices.Equal(got, want) { // the last address was not confirmed
		t.Errorf("mailed\n%q, want\n%q", got, want)
	}
	if got := h.told(t, ann); !slices.Equal(got, happened[:1]) {
		t.Errorf("%q stand", got)
	}
	h.confirmed(t, "ann")
	for range mail.MaxDaily {
		if err := h.factors(t, ann, "", keeper); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.told(t, ann); len(got) != 3 || got[0] != "factors-changed  by=keeper from=192.0.2.1" { // the first was mailed before
		t.Errorf("%q stand", got)
	}
}

// notice returns the id of the account's newest notice.
func (h *house) notice(t *testing.T, a account.Account) string {
	t.Helper()
	all, err := h.Notices(t.Context(), a.ID)
	if err != nil || len(all) == 0 {
		t.Fatalf("%d notices, %v", len(all), err)
	}
	return all[0].ID
}

// Attack mail/flood: 20 notices stand at most, the newest.
func TestManyNotices(t *testing.T) {
	h := open(t)
	ann, bob := h.add(t, "ann", account.Owner), h.add(t, "bob", account.Member)
	if err := h.factors(t, bob, "bob's", keeper); err != nil {
		t.Fatal(err)
	}
	for i := range 25 {
		if err := h.factors(t, ann, fmt.Sprint("number ", i), keeper); err != nil {
			t.Fatal(err)
		}
	}
	got := h.told(t, ann)
	if len(got) != 20 || !strings.Contains(got[0], "number 24") || !strings.Contains(got[19], "number 5") || len(h.told(t, bob)) != 1 || len(h.texts(t, `SELECT id FROM notices`)) != 21 {
		t.Errorf("%d stand: %q", len(got), got)
	}
	if err := h.Delete(t.Context(), "ann", keeper); !errors.Is(err, account.ErrLastOwner) || len(h.told(t, ann)) != 20 {
		t.Error(err)
	}
	if err := h.Delete(t.Context(), "bob", keeper); err != nil || len(h.told(t, bob)) != 0 {
		t.Errorf("deleted, he is told %q, error %v", h.told(t, bob), err)
	}
}

// Attack mail/lock: a lock ends everything, and nothing that signs the person in
// changes for 24 hours, by whomever; the link works once.
func TestALock(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	bob := h.add(t, "bob", account.Member)
	h.confirmed(t, "bob")
	secret, err := h.NewAppPassword(t.Context(), bob, account.AppPassword{Name: "sync"}, keeper)
	if err != nil {
		t.Fatal(err)
	}
	reset := link(t, func() (string, error) { return h.NewReset(t.Context(), "bob", keeper) })
	cookies := []*http.Cookie{h.signedIn(t, "bob", good)}
	of := func(kind mail.Kind) (string, error) {
		_, code, _, err := h.MailLink(t.Context(), mail.Message{Kind: kind, AccountID: bob.ID, To: "bob@site.example"})
		return code, err
	}
	first := link(t, func() (string, error) { return of(mail.NewBrowser) })
	second := link(t, func() (string, error) { return of(mail.PasswordChanged) })
	h.give(t, "bob", other) // a new password takes no lock away
	cookies = append(cookies, h.signedIn(t, "bob", other))
	proven, err := h.Authenticate(t.Context(), "bob", other)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.LockByLink(t.Context(), first, visitor); err != nil {
		t.Fatal(err)
	}
	if _, err := h.start(t.Context(), proven.Verified(1, "pwd")); !errors.Is(err, session.ErrChanged) {
		t.Errorf("a sign-in that began before: %v, want ErrChanged", err)
	}
	for _, c := range cookies {
		if h.live(t, c) {
			t.Error("a session lives on")
		}
	}
	if _, err := h.AppPassword(t.Context(), "bob", secret, "app.example"); !errors.Is(err, account.ErrAppPassword) {
		t.Errorf("the app password: %v", err)
	}
	bob, err = h.Find(t.Context(), "bob")
	if err != nil || !bob.Locked(h.clock.now()) {
		t.Fatalf("bob is %+v, %v", bob, err)
	}
	own := audit.Actor{ID: bob.ID, Name: "bob"}
	before := h.dump(t)
	for name, try := range map[string]func() error{
		"the password":      func() error { _, err := h.ChangePassword(t.Context(), bob, other, good, own); return err },
		"by a command":      func() error { return h.SetPassword(t.Context(), "bob", good, audit.Command()) },
		"the email address": func() error { return h.SetEmail(t.Context(), "bob", "b@site.example", true, keeper) },
		"the profile":       func() error { return h.SetProfile(t.Context(), "bob", "Bob", "", own) },
		"the factors":       func() error { return h.factors(t, bob, "x", own) },
		"an app password": func() error {
			_, err := h.NewAppPassword(t.Context(), bob, account.AppPassword{Name: "a"}, own)
			return err
		},
		"a reset link":           func() error { _, err := h.NewReset(t.Context(), "bob", keeper); return err },
		"his own account's end":  func() error { return h.Delete(t.Context(), "bob", own) },
		"his own lock":           func() error { return h.Unlock(t.Context(), "bob", own) },
		"with the reset link":    func() error { _, err := h.Reset(t.Context(), reset, good, visitor); return err },
		"with the link again":    func() error { return h.LockByLink(t.Context(), first, visitor) },
		"with another link code": func() error { return h.LockByLink(t.Context(), reset, visitor) },
		"a mailed reset":         func() error { _, err := of(mail.Reset); return err },
	} {
		want := map[string]error{
			"his own lock": account.ErrOwnLock, "with the reset link": account.ErrLink, "with the link again": account.ErrLink,
			"with another link code": account.ErrLink, "a mailed reset": mail.ErrNotDue,
		}[name]
		if want == nil {
			want = account.ErrLocked
		}
		if err := try(); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
	if after := h.dump(t); !slices.Equal(before, after) {
		t.Error("something changed")
	}
	if err := errors.Join(h.SetProfile(t.Context(), "bob", "Bob", "bob@site.example", own), h.SetGroups(t.Context(), "bob", []string{"dev"}, keeper)); err != nil {
		t.Errorf("what has nothing to do with signing in: %v", err)
	}
	if err := h.Unlock(t.Context(), "bob", keeper); err != nil {
		t.Fatal(err)
	}
	h.give(t, "bob", good)
	if err := h.LockByLink(t.Context(), second, visitor); err != nil {
		t.Errorf("the other link: %v", err)
	}
	h.clock.add(account.LockLife + time.Second)
	h.give(t, "bob", other)
	kinds := map[string]int{}
	events, err := h.EventsBefore(t.Context(), bob.ID, 1<<40, 100)
	for _, e := range events {
		kinds[e.Kind]++
	}
	if err != nil || kinds["account.locked"] != 2 || kinds["account.unlocked"] != 1 {
		t.Errorf("the audit has %v, %v", kinds, err)
	}
}

// give sets the password, by the keeper.
func (h *house) give(t *testing.T, name, pw string) {
	t.Helper()
	if err := h.SetPassword(t.Context(), name, pw, keeper); err != nil {
		t.Fatal(err)
	}
}

// An address is confirmed by the link that was mailed there, once, while it is the
// account's, and nobody else has confirmed it.
func TestConfirm(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	h.mailing()
	ask := func(name, email string) (code string) {
		t.Helper()
		if err := h.SetProfile(t.Context(), name, "", email, keeper); err != nil {
			t.Fatal(err)
		}
		all := h.mails(t)
		m := all[len(all)-1]
		if m.Kind != mail.Confirm || m.To != email || m.Username != name {
			t.Fatalf("the mails are %+v", all)
		}
		kind, code, _, err := h.MailLink(t.Context(), m)
		if err != nil || kind != account.Confirm {
			t.Fatal(kind, err)
		}
		return code
	}
	wantConfirmed := func(name string, confirmed bool) {
		t.Helper()
		if p, err := h.Person(t.Context(), name); err != nil || p.EmailConfirmed != confirmed {
			t.Errorf("%s is %+v, %v; want confirmed: %t", name, p, err, confirmed)
		}
	}
	old := ask("bob", "bob@site.example")
	code := ask("bob", "shared@site.example")
	ask("bob", "shared@site.example") // once more
	anns := ask("ann", "shared@site.example")
	wantConfirmed("bob", false)
	if _, err := h.Confirm(t.Context(), old, visitor); !errors.Is(err, account.ErrLink) {
		t.Errorf("the link of another address: %v", err)
	}
	h.give(t, "bob", other) // takes no such link away
	if _, err := h.Confirm(t.Context(), code, visitor); err != nil {
		t.Fatal(err)
	}
	wantConfirmed("bob", true)
	if _, err := h.Confirm(t.Context(), code, visitor); !errors.Is(err, account.ErrLink) {
		t.Errorf("twice: %v", err)
	}
	if _, err := h.Confirm(t.Context(), anns, visitor); !errors.Is(err, account.ErrEmailTaken) {
		t.Errorf("another's: %v", err)
	}
	wantConfirmed("ann", false)
	code = ask("ann", "ann@site.example")
	h.clock.add(account.LinkLife + time.Second)
	if _, err := h.Confirm(t.Context(), code, visitor); !errors.Is(err, account.ErrLink) {
		t.Errorf("a day later: %v", err)
	}
	n := len(h.mails(t))
	if err := h.SetProfile(t.Context(), "bob", "Bob", "shared@site.example", keeper); err != nil || len(h.mails(t)) != n {
		t.Errorf("a confirmed address is mailed a link; error %v", err)
	}
}

// Whoever makes an account with an address is mailed a link to confirm it; who has
// to wait for an owner, once that one approves.
func TestANewAccountConfirmsItsAddress(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.mailing()
	sign := func(name string, waits bool) {
		t.Helper()
		if _, err := h.SignUp(t.Context(), account.Wanted{Username: name, Password: good, Email: name + "@site.example"}, waits, visitor); err != nil {
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

// Attack mail/flood: nobody mails the world by their own profile.
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
