package account_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/account"
	"glassjar/utl/audit"
)

// A change of the account's identity is audited, and its sessions show it at once. A
// change that changes nothing writes nothing.
func TestAnAccountIsEdited(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	cookie := h.signedIn(t, "bob", good)
	for _, tt := range []struct {
		name, want, log string
		do              func(s *account.Store, ctx context.Context, name string, by audit.Actor) error
	}{
		{"a name", "Bob B.", "account.name bob Bob B.", func(s *account.Store, ctx context.Context, name string, by audit.Actor) error {
			return s.SetName(ctx, name, "  Bob B.\u200b", by)
		}},
		{"a role", "Bob B. owner", "account.role bob owner", func(s *account.Store, ctx context.Context, name string, by audit.Actor) error {
			return s.SetRole(ctx, name, account.Owner, by)
		}},
		{"an email address that is not confirmed", "Bob B. owner", "account.email bob bob@site.example", func(s *account.Store, ctx context.Context, name string, by audit.Actor) error {
			return s.SetEmail(ctx, name, "Bob@Site.Example", false, by)
		}},
		{"one that is", "Bob B. owner bob@site.example", "account.confirmed bob bob@site.example", func(s *account.Store, ctx context.Context, name string, by audit.Actor) error {
			return s.SetEmail(ctx, name, "bob@site.example", true, by)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(h.log(t))
			for range 2 {
				if err := tt.do(h.Store, t.Context(), "Bob", keeper); err != nil {
					t.Fatal(err)
				}
			}
			found := h.found(t, cookie)
			got := strings.Join(strings.Fields(found.Name+" "+strings.TrimPrefix(found.Role, "member")+" "+found.Email), " ")
			if got != tt.want {
				t.Errorf("the session says %q, want %q", got, tt.want)
			}
			if log := h.log(t)[before:]; len(log) != 1 || log[0] != "keeper "+tt.log {
				t.Errorf("the audit log says %q, want once %q", log, tt.log)
			}
		})
	}
}

func TestAnEditIsRefused(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	ctx := t.Context()
	if err := h.SetEmail(ctx, "bob", "b@site.example", true, keeper); err != nil {
		t.Fatal(err)
	}
	before := h.dump(t)
	for name, tt := range map[string]struct {
		err, want error
	}{
		"the last owner's role":             {h.SetRole(ctx, "ann", account.Member, keeper), account.ErrLastOwner},
		"a role that is none":               {h.SetRole(ctx, "ann", "king", keeper), account.ErrRole},
		"another's email address":           {h.SetEmail(ctx, "ann", "B@site.example", true, keeper), account.ErrEmailTaken},
		"an email address without a host":   {h.SetEmail(ctx, "ann", "ann@", true, keeper), account.ErrEmail},
		"one of two lines":                  {h.SetEmail(ctx, "ann", "ann@site.example\r\nBcc: b@c.example", true, keeper), account.ErrEmail},
		"one that is not ASCII":             {h.SetEmail(ctx, "ann", "änn@site.example", true, keeper), account.ErrEmail},
		"one of 255 bytes":                  {h.SetEmail(ctx, "ann", strings.Repeat("a", 242)+"@site.example", true, keeper), account.ErrEmail},
		"a name of 65 characters":           {h.SetName(ctx, "ann", strings.Repeat("ä", 65), keeper), account.ErrDisplayName},
		"a name of two lines":               {h.SetName(ctx, "ann", "a\nb", keeper), account.ErrDisplayName},
		"a name that turns the line around": {h.SetName(ctx, "ann", "a\u202eb", keeper), account.ErrDisplayName},
		"a name that is no text":            {h.SetName(ctx, "ann", "a\xffb", keeper), account.ErrDisplayName},
		"nobody":                            {h.SetName(ctx, "eve", "Eve", keeper), account.ErrUnknown},
	} {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, tt.err, tt.want)
		}
	}
	if diff := cmp.Diff(before, h.dump(t)); diff != "" {
		t.Errorf("something changed (-before +after):\n%s", diff)
	}
}

// Attack race/one-winner: when two owners demote each other at once, one stays an owner.
func TestOfTwoOwnersWhoDemoteEachOtherOneStays(t *testing.T) {
	h := open(t)
	second := h.second(t)
	owners := []string{"ann", "bob"}
	for _, name := range owners {
		h.add(t, name, account.Owner)
	}
	for round := range 100 {
		got := atOnce(t, 2, func(i int) error {
			return []*fixture{h, second}[i].SetRole(t.Context(), owners[i], account.Member, keeper)
		}, nil, account.ErrLastOwner)
		if got[nil] != 1 {
			t.Fatalf("round %d: %d of the two became members", round, got[nil])
		}
		for _, name := range owners {
			if err := h.SetRole(t.Context(), name, account.Owner, keeper); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A deleted account's username stays taken until it is freed, because apps behind the gate
// store data under it.
func TestADeletedUsernameStaysTaken(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "bob", account.Member)
	ctx := t.Context()
	if err := h.Free(ctx, "bob", keeper); !is(err, account.ErrNotDeleted) {
		t.Errorf("freeing the name of an account: got %v, want ErrNotDeleted", err)
	}
	if err := h.Delete(ctx, "bob", keeper); err != nil {
		t.Fatal(err)
	}
	again := account.NewAccount{Username: "Bob", Password: good, Role: account.Member}
	if _, err := h.Add(ctx, again, keeper); !is(err, account.ErrTaken) {
		t.Errorf("made again: got %v, want ErrTaken", err)
	}
	code := h.join(t, account.Member)
	if _, err := h.Join(ctx, code, "bob", good, visitor); !is(err, account.ErrTaken) {
		t.Errorf("joined again: got %v, want ErrTaken", err)
	}
	if err := h.Free(ctx, "BOB", keeper); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Add(ctx, again, keeper); err != nil {
		t.Errorf("made again when freed: %v", err)
	}
}

// An unconfirmed address does not prevent its real owner from confirming it.
func TestAnUnconfirmedAddressKeepsNobodyOut(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.add(t, "eve", account.Member)
	ctx := t.Context()
	if err := errors.Join(h.SetEmail(ctx, "eve", "ann@site.example", false, keeper), h.SetEmail(ctx, "ann", "ann@site.example", true, keeper)); err != nil {
		t.Fatal(err)
	}
	if err := h.SetEmail(ctx, "eve", "ann@site.example", true, keeper); !errors.Is(err, account.ErrEmailTaken) {
		t.Errorf("confirmed by both: got %v, want ErrEmailTaken", err)
	}
	if a, err := h.Named(ctx, "Ann@site.example"); err != nil || a.Username != "ann" {
		t.Errorf("the address is %q's, %v", a.Username, err)
	}
}

// SetProfile changes both fields or neither. An unchanged address stays confirmed.
func TestAProfile(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	ctx := t.Context()
	if err := h.SetEmail(ctx, "ann", "ann@site.example", true, keeper); err != nil {
		t.Fatal(err)
	}
	before := h.dump(t)
	if err := h.SetProfile(ctx, "ann", strings.Repeat("a", 65), "other@site.example", keeper); !is(err, account.ErrDisplayName) {
		t.Errorf("a name that is too long: got %v", err)
	}
	if err := h.SetProfile(ctx, "ann", "Ann", "other", keeper); !is(err, account.ErrEmail) {
		t.Errorf("no address: got %v", err)
	}
	if diff := cmp.Diff(before, h.dump(t)); diff != "" {
		t.Errorf("half of it was kept (-before +after):\n%s", diff)
	}
	for _, tt := range []struct {
		email     string
		confirmed bool
		events    int
	}{{"ANN@site.example ", true, 1}, {"other@site.example", false, 1}, {"ann@site.example", false, 1}, {"", false, 1}, {"", false, 0}} {
		log := len(h.log(t))
		if err := h.SetProfile(ctx, "ann", "Ann", tt.email, keeper); err != nil {
			t.Fatal(err)
		}
		p, err := h.Person(ctx, "ann")
		if err != nil || p.Name != "Ann" || p.Email != strings.ToLower(strings.TrimSpace(tt.email)) || p.EmailConfirmed != tt.confirmed {
			t.Errorf("%q: got %+v, %v; want it confirmed: %t", tt.email, p, err, tt.confirmed)
		}
		if n := len(h.log(t)) - log; n != tt.events {
			t.Errorf("%q: %d events, want %d", tt.email, n, tt.events)
		}
	}
}
