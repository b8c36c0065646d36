package account_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/mail"
	"glassjar/utl/session"
)

// told returns the account's notices as texts, newest first.
func (h *fixture) told(t *testing.T, a account.Account) (all []string) {
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

// factors changes the account's factors, as package factor does.
func (h *fixture) factors(t *testing.T, a account.Account, detail string, by audit.Actor) error {
	t.Helper()
	return h.db.Tx(t.Context(), func(tx *db.Tx) error {
		if err := session.LockAccount(t.Context(), tx, a.ID); err != nil {
			return err
		}
		return h.FactorsChanged(t.Context(), tx, a.ID, detail, by)
	})
}

// happens makes each change that a person is notified of.
func (h *fixture) happens(t *testing.T, a account.Account) {
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

// Without mail, each change makes one notice, which stays until it is read.
func TestNoticesStand(t *testing.T) {
	for name, prepare := range map[string]func(*fixture){
		"without mail": func(*fixture) {}, "with mail, to an address that is not confirmed": func(h *fixture) { h.mailing() },
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

// With mail, notices go to the confirmed address, and that of a changed address to the
// previous one; none is stored. What the queue refuses is stored as a notice.
func TestNoticesAreMailed(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	h.mailing()
	h.confirmed(t, "ann")
	if err := h.Seen(t.Context(), ann.ID, h.notice(t, ann)); err != nil { // the notice of her first address
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
	if want := happened[1:]; !slices.Equal(got, want) { // not to the last address, which is not confirmed
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
	if got := h.told(t, ann); len(got) != 3 || got[0] != "factors-changed  by=keeper from=192.0.2.1" { // the first notice was mailed
		t.Errorf("%q stand", got)
	}
}

// notice returns the id of the account's newest notice.
func (h *fixture) notice(t *testing.T, a account.Account) string {
	t.Helper()
	all, err := h.Notices(t.Context(), a.ID)
	if err != nil || len(all) == 0 {
		t.Fatalf("%d notices, %v", len(all), err)
	}
	return all[0].ID
}

// Attack mail/flood: an account has at most 20 notices, the newest.
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
