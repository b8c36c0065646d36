package account_test

import (
	"fmt"
	"slices"
	"testing"

	"glassjar/utl/account"
	"glassjar/utl/mail"
)

// Attack race/one-winner, servers/races: an invitation's two codes are used on two servers
// at once; one succeeds.
func TestOfBothCodesOfAnInvitationOneGetsIn(t *testing.T) {
	h := open(t)
	other := h.second(t)
	h.add(t, "ann", account.Owner)
	h.mailing()
	for round := range 10 {
		wanted := account.Invitation{Role: account.Member, Email: fmt.Sprintf("bob%d@site.example", round)}
		shown, sent := h.invitation(t, wanted), h.mailedCode(t)
		got := atOnce(t, 8, func(i int) error {
			at, code := h, shown
			if i%2 == 1 {
				at, code = other, sent
			}
			_, err := at.Join(t.Context(), code, fmt.Sprintf("bob%d-%d", round, i), good, visitor)
			return err
		}, nil, account.ErrLink)
		if got[nil] != 1 {
			t.Errorf("%d got in", got[nil])
		}
	}
}

// Attack race/one-winner, servers/races, mail/lock: one server locks the account while
// another changes what its person signs in with: a change after the lock is refused, and
// the link works once.
func TestALockAndAChangeAtOnce(t *testing.T) {
	h := open(t)
	second := h.second(t)
	h.add(t, "ann", account.Owner)
	for round := range 10 {
		name := fmt.Sprint("bob", round)
		bob := h.add(t, name, account.Member)
		_, code, _, err := h.MailLink(t.Context(), mail.Message{Kind: mail.NewBrowser, AccountID: bob.ID})
		if err != nil {
			t.Fatal(err)
		}
		got := atOnce(t, 6, func(i int) error {
			at := []*fixture{h, second}[i%2]
			switch i / 2 {
			case 0:
				return at.LockByLink(t.Context(), code, visitor)
			case 1:
				return at.SetEmail(t.Context(), name, fmt.Sprintf("%s-%d@site.example", name, i), true, keeper)
			}
			return at.factors(t, bob, "x", keeper)
		}, nil, account.ErrLink, account.ErrLocked)
		if got[account.ErrLink] != 1 {
			t.Errorf("of two uses of the link %d were refused", got[account.ErrLink])
		}
		events := h.texts(t, `SELECT event FROM audit WHERE account_id = ? AND event IN ('account.locked', 'account.email') ORDER BY id`, bob.ID)
		if n := len(events); n == 0 || events[n-1] != "account.locked" || slices.Index(events, "account.locked") != n-1 {
			t.Errorf("the events are %q", events)
		}
	}
}
