package account_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"glassjar/utl/account"
)

// invitation makes the invitation and returns its code.
func (h *fixture) invitation(t *testing.T, wanted account.Invitation) string {
	t.Helper()
	return link(t, func() (string, error) { return h.NewInvitation(t.Context(), wanted, keeper) })
}

// The new account has the invitation's role and groups and its email address, confirmed.
func TestAnInvitationSaysWhoJoins(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	wanted := account.Invitation{Role: account.Member, Groups: []string{"ops", "dev", "ops"}, Email: "Bob@Site.example", Days: 30}
	code := h.invitation(t, wanted)
	h.clock.add(30*24*time.Hour - time.Second)
	if _, err := h.Join(t.Context(), code, "bob", good, visitor); err != nil {
		t.Fatal(err)
	}
	got, err := h.Find(t.Context(), "bob")
	if err != nil || got.Groups != "dev,ops" || got.Email != "bob@site.example" || !got.EmailConfirmed || got.Role != account.Member {
		t.Errorf("bob is %+v, %v", got, err)
	}
	for _, q := range []account.Query{{Group: "dev"}, {Prefix: "bob@"}} {
		if found, err := h.People(t.Context(), q); err != nil || len(found) != 1 {
			t.Errorf("%+v finds %q, %v", q, usernamesOf(found), err)
		}
	}
	if all, err := h.Invitations(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("used, it is open still: %+v, %v", all, err)
	}
}

func TestAnInvitationIsRefused(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	if err := h.SetEmail(t.Context(), "ann", "ann@site.example", true, keeper); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		wanted account.Invitation
		want   error
	}{
		"31 days":          {account.Invitation{Role: account.Member, Days: 31}, account.ErrDays},
		"-1 days":          {account.Invitation{Role: account.Member, Days: -1}, account.ErrDays},
		"no role":          {account.Invitation{}, account.ErrRole},
		"a bad group":      {account.Invitation{Role: account.Member, Groups: []string{"De,v"}}, account.ErrGroup},
		"no email address": {account.Invitation{Role: account.Member, Email: "bob"}, account.ErrEmail},
		"another's":        {account.Invitation{Role: account.Member, Email: "Ann@site.example"}, account.ErrEmailTaken},
	} {
		if code, err := h.NewInvitation(t.Context(), tt.wanted, keeper); code != "" || !errors.Is(err, tt.want) {
			t.Errorf("%s: got %q, %v; want %v", name, code, err, tt.want)
		}
	}
}

// If another account has confirmed the invitation's address meanwhile, joining is refused,
// and the link stays valid.
func TestAnInvitationOfATakenAddressIsRefused(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	wanted := account.Invitation{Role: account.Member, Email: "bob@site.example"}
	code := h.invitation(t, wanted)
	if err := h.SetEmail(t.Context(), "ann", "bob@site.example", true, keeper); err != nil {
		t.Fatal(err)
	}
	before := h.dump(t)
	if _, err := h.Join(t.Context(), code, "bob", good, visitor); !errors.Is(err, account.ErrEmailTaken) {
		t.Errorf("got %v, want ErrEmailTaken", err)
	}
	if diff := cmp.Diff(before, h.dump(t)); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
}

func TestOpenInvitationsAreListed(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	if _, err := h.NewReset(t.Context(), "ann", keeper); err != nil { // a reset link is not listed as an invitation
		t.Fatal(err)
	}
	short := account.Invitation{Role: account.Owner, Days: 1}
	long := account.Invitation{Role: account.Member, Groups: []string{"dev"}, Email: "bob@site.example", Days: 7}
	longCode, shortCode := h.invitation(t, long), h.invitation(t, short)

	all, err := h.Invitations(t.Context(), "")
	short.By, long.By = "keeper", "keeper"
	if diff := cmp.Diff([]account.Invitation{short, long}, all, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(account.Invitation{}, "ID", "Expires", "Days")); diff != "" || err != nil {
		t.Fatalf("%v (-want +got):\n%s", err, diff)
	}
	if life := all[1].Expires.Sub(h.clock.now()); life < 7*24*time.Hour-time.Minute || life > 7*24*time.Hour {
		t.Errorf("the long one is good for %v", life)
	}
	for _, i := range all {
		if strings.Contains(i.ID, shortCode) || strings.Contains(i.ID, longCode) || i.ID == "" {
			t.Errorf("the id is %q", i.ID)
		}
	}
	h.clock.add(25 * time.Hour)
	if all, err = h.Invitations(t.Context(), ""); err != nil || len(all) != 1 || all[0].Email != long.Email {
		t.Fatalf("a day later: %+v, %v", all, err)
	}
}

func TestAnInvitationIsWithdrawn(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	code := h.invitation(t, account.Invitation{Role: account.Member, Email: "bob@site.example", Days: 7})
	all, err := h.Invitations(t.Context(), "")
	if err != nil || len(all) != 1 {
		t.Fatalf("the invitations are %+v, %v", all, err)
	}
	log := len(h.log(t))
	for _, id := range []string{"", "x", "a\x00", code} {
		if err := h.Withdraw(t.Context(), id, keeper); !is(err, account.ErrLink) {
			t.Errorf("withdrawing %q: got %v, want ErrLink", id, err)
		}
	}
	if err := h.Withdraw(t.Context(), all[0].ID, keeper); err != nil {
		t.Fatal(err)
	}
	if got := h.log(t)[log:]; len(got) != 1 || got[0] != "keeper link.withdrawn join" {
		t.Errorf("the audit log says %q", got)
	}
	if err := h.Withdraw(t.Context(), all[0].ID, keeper); !is(err, account.ErrLink) {
		t.Errorf("a second time: got %v, want ErrLink", err)
	}
	if _, err := h.Join(t.Context(), code, "bob", good, visitor); !is(err, account.ErrLink) {
		t.Errorf("joining by it: got %v, want ErrLink", err)
	}
}

func TestInvitationsComeInPages(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	for range account.InvitationsPage + 2 {
		h.join(t, account.Member)
	}
	first, err := h.Invitations(t.Context(), "")
	if err != nil || len(first) != account.InvitationsPage+1 {
		t.Fatalf("%d, %v", len(first), err)
	}
	rest, err := h.Invitations(t.Context(), first[account.InvitationsPage-1].ID)
	if err != nil || len(rest) != 2 || rest[0].ID != first[account.InvitationsPage].ID {
		t.Errorf("the rest: %+v, %v", rest, err)
	}
}

// EndSessions ends the sessions of that account only.
func TestAnOwnerEndsSessions(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	anns, desk, phone := h.signedIn(t, "ann", good), h.signedIn(t, "bob", good), h.signedIn(t, "bob", good)
	log := len(h.log(t))
	if err := h.EndSessions(t.Context(), "Bob", keeper); err != nil {
		t.Fatal(err)
	}
	if !h.live(t, anns) || h.live(t, desk) || h.live(t, phone) {
		t.Error("the wrong sessions ended")
	}
	want := []string{"keeper session.ended bob", "keeper session.ended bob"}
	if diff := cmp.Diff(want, h.log(t)[log:]); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
	if err := h.EndSessions(t.Context(), "eve", keeper); !is(err, account.ErrUnknown) {
		t.Errorf("of nobody: got %v, want ErrUnknown", err)
	}
}
