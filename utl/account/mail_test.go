package account_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/mail"
)

// mailing turns mail on for the store.
func (h *fixture) mailing() {
	h.Mail = mail.NewQueue(h.db, true, h.clock.now, slog.New(slog.DiscardHandler))
}

// mails returns the queued mails in their order.
func (h *fixture) mails(t *testing.T) []mail.Message {
	t.Helper()
	all, err := db.All(t.Context(), h.db, func(r db.Row) (m mail.Message, err error) {
		var params string
		err = r.Scan(&m.Kind, &m.AccountID, &m.To, &params)
		return m, errors.Join(err, json.Unmarshal([]byte(params), &m))
	}, `SELECT kind, account_id, recipient, params FROM mails WHERE sent_at = 0 AND failed_at = 0 ORDER BY created_at`)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// newestMail returns the newest queued mail.
func (h *fixture) newestMail(t *testing.T) mail.Message {
	t.Helper()
	all := h.mails(t)
	if len(all) == 0 {
		t.Fatal("no mail waits")
	}
	return all[len(all)-1]
}

// mailedCode returns the code of the newest mail's link.
func (h *fixture) mailedCode(t *testing.T) string {
	t.Helper()
	_, code, _, err := h.MailLink(t.Context(), h.newestMail(t))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// confirmed gives the account a confirmed email address.
func (h *fixture) confirmed(t *testing.T, name string) {
	t.Helper()
	if err := h.SetEmail(t.Context(), name, name+"@site.example", true, keeper); err != nil {
		t.Fatal(err)
	}
}

// An invitation with an address is mailed, with a code that its creator never sees. Using
// either code uses up both; withdrawing the invitation withdraws both.
func TestAnInvitationIsMailed(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.mailing()
	h.invitation(t, account.Invitation{Role: account.Member, Days: 7}) // is not mailed
	for _, tt := range []struct{ email, first, second string }{{"a@site.example", "shown", "mailed"}, {"b@site.example", "mailed", "shown"}} {
		codes := map[string]string{"shown": h.invitation(t, account.Invitation{Role: account.Member, Email: tt.email, Days: 7})}
		m := h.newestMail(t)
		if m.Kind != mail.Invitation || m.To != tt.email || m.Detail != account.Member || m.By != "keeper" || strings.Contains(strings.Join(h.dump(t), ""), codes["shown"]) {
			t.Fatalf("the mail is %+v", m)
		}
		kind, code, expires, err := h.MailLink(t.Context(), m)
		if codes["mailed"] = code; err != nil || kind != account.Join || code == codes["shown"] || expires.Sub(h.clock.now()).Round(time.Hour) != 7*24*time.Hour {
			t.Fatalf("the link is %s %s until %v, error %v", kind, code, expires, err)
		}
		if open, err := h.Invitations(t.Context(), ""); err != nil || len(open) != 2 {
			t.Errorf("%d are open, error %v", len(open), err)
		}
		if _, err := h.Join(t.Context(), codes[tt.first], "bob-"+tt.first, good, visitor); err != nil {
			t.Error(err)
		}
		if _, err := h.Join(t.Context(), codes[tt.second], "bea-"+tt.second, good, visitor); !errors.Is(err, account.ErrLink) {
			t.Errorf("the %s code, after the %s one: %v, want ErrLink", tt.second, tt.first, err)
		}
		if _, _, _, err := h.MailLink(t.Context(), m); !errors.Is(err, mail.ErrNotDue) {
			t.Errorf("used, it is mailed: %v", err)
		}
	}
}

// Withdrawing an invitation also makes the mailed code invalid.
func TestAMailedInvitationIsWithdrawn(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.mailing()
	h.invitation(t, account.Invitation{Role: account.Member, Email: "c@site.example", Days: 7})
	m, code := h.newestMail(t), h.mailedCode(t)
	if err := h.Withdraw(t.Context(), m.LinkID, keeper); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Link(t.Context(), account.Join, code); !errors.Is(err, account.ErrLink) {
		t.Errorf("withdrawn, the mailed code: %v, want ErrLink", err)
	}
	if _, _, _, err := h.MailLink(t.Context(), m); !errors.Is(err, mail.ErrNotDue) {
		t.Errorf("withdrawn, it is mailed: %v", err)
	}
}

// A reset link is mailed only to a confirmed address, and only while it is the account's.
func TestAResetIsMailed(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	h.mailing()
	reset := func() { link(t, func() (string, error) { return h.NewReset(t.Context(), "bob", keeper) }) }
	reset()
	if err := h.SetEmail(t.Context(), "bob", "bob@site.example", false, keeper); err != nil {
		t.Fatal(err)
	}
	reset()
	h.confirmed(t, "bob")
	reset()
	all := h.mails(t)
	if len(all) != 2 || all[0].Kind != mail.Confirm {
		t.Fatalf("the mails are %+v", all)
	}
	if all = all[1:]; all[0].Kind != mail.Reset || all[0].To != "bob@site.example" || all[0].Username != "bob" || all[0].By != "keeper" {
		t.Fatalf("the mails are %+v", all)
	}
	kind, code, _, err := h.MailLink(t.Context(), all[0])
	if err != nil || kind != account.Reset {
		t.Fatal(kind, err)
	}
	if _, err := h.Reset(t.Context(), code, other, visitor); err != nil {
		t.Error(err)
	}
	for _, change := range []func() error{
		func() error { return h.Disable(t.Context(), "bob", keeper) },
		func() error {
			return errors.Join(h.Enable(t.Context(), "bob", keeper), h.SetEmail(t.Context(), "bob", "bob@site.example", false, keeper))
		},
		func() error { return h.SetEmail(t.Context(), "bob", "bea@site.example", true, keeper) },
		func() error { return h.Delete(t.Context(), "bob", keeper) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if _, code, _, err := h.MailLink(t.Context(), all[0]); !errors.Is(err, mail.ErrNotDue) || code != "" {
			t.Errorf("the link is %q, error %v; want ErrNotDue", code, err)
		}
	}
}
