package account_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/mail"
	"glassjar/utl/password"
)

// ownerOnly is a fixture with one account, the owner ann, a join link, and a reset link
// for ann.
type ownerOnly struct {
	*fixture

	ann         account.Account
	join, reset string
}

func openOwnerOnly(t *testing.T) *ownerOnly {
	t.Helper()
	h := open(t)
	return &ownerOnly{h, h.add(t, "ann", account.Owner), h.join(t, account.Member), h.reset(t, "ann")}
}

// everything is a call of every method that reads or writes; each would succeed if the
// database were available.
var everything = map[string]func(context.Context, *ownerOnly) error{
	"Authenticate": func(ctx context.Context, h *ownerOnly) error { _, err := h.Authenticate(ctx, "ann", good); return err },
	"unknown": func(ctx context.Context, h *ownerOnly) error {
		_, err := h.Authenticate(ctx, "nobody", good)
		return err
	},
	"Any":      func(ctx context.Context, h *ownerOnly) error { _, err := h.Any(ctx); return err },
	"List":     func(ctx context.Context, h *ownerOnly) error { _, err := h.List(ctx, ""); return err },
	"Find":     func(ctx context.Context, h *ownerOnly) error { _, err := h.Find(ctx, "ann"); return err },
	"Events":   func(ctx context.Context, h *ownerOnly) error { _, err := h.Events(ctx, h.ann.ID, 1); return err },
	"Attempts": func(ctx context.Context, h *ownerOnly) error { _, err := h.Attempts(ctx, h.ann.ID, 1); return err },
	"EventsBefore": func(ctx context.Context, h *ownerOnly) error {
		_, err := h.EventsBefore(ctx, h.ann.ID, 9, 1)
		return err
	},
	"Named":     func(ctx context.Context, h *ownerOnly) error { _, err := h.Named(ctx, "ann"); return err },
	"Throttled": func(ctx context.Context, h *ownerOnly) error { return h.Throttled(ctx, h.ann, keeper) },
	"Sweep":     func(ctx context.Context, h *ownerOnly) error { return h.Sweep(ctx, time.Hour) },
	"Add": func(ctx context.Context, h *ownerOnly) error {
		_, err := h.Add(ctx, account.NewAccount{Username: "carol", Password: good, Role: account.Member}, keeper)
		return err
	},
	"SignUp": func(ctx context.Context, h *ownerOnly) error {
		_, err := h.SignUp(ctx, account.NewAccount{Username: "eve", Password: good}, true, keeper)
		return err
	},
	"Waiting":     func(ctx context.Context, h *ownerOnly) error { _, err := h.Waiting(ctx); return err },
	"SetPassword": func(ctx context.Context, h *ownerOnly) error { return h.SetPassword(ctx, "ann", other, keeper) },
	"ChangePassword": func(ctx context.Context, h *ownerOnly) error {
		_, err := h.ChangePassword(ctx, h.ann, good, other, keeper)
		return err
	},
	"Prove":     func(ctx context.Context, h *ownerOnly) error { _, err := h.Prove(ctx, h.ann, good); return err },
	"Disable":   func(ctx context.Context, h *ownerOnly) error { return h.Disable(ctx, "ann", keeper) },
	"Enable":    func(ctx context.Context, h *ownerOnly) error { return h.Enable(ctx, "ann", keeper) },
	"Delete":    func(ctx context.Context, h *ownerOnly) error { return h.Delete(ctx, "ann", keeper) },
	"SetGroups": func(ctx context.Context, h *ownerOnly) error { return h.SetGroups(ctx, "ann", []string{"dev"}, keeper) },
	"NewAppPassword": func(ctx context.Context, h *ownerOnly) error {
		_, err := h.NewAppPassword(ctx, h.ann, account.AppPassword{Name: "backup"}, keeper)
		return err
	},
	"AppPassword": func(ctx context.Context, h *ownerOnly) error {
		_, err := h.AppPassword(ctx, "x", "", "app.example")
		return err
	},
	"AppPasswords":      func(ctx context.Context, h *ownerOnly) error { _, err := h.AppPasswords(ctx, h.ann.ID); return err },
	"RevokeAppPassword": func(ctx context.Context, h *ownerOnly) error { return h.RevokeAppPassword(ctx, h.ann, "x", keeper) },
	"NewInvitation": func(ctx context.Context, h *ownerOnly) error {
		_, err := h.NewInvitation(ctx, account.Invitation{Role: account.Owner, Email: "c@site.example"}, keeper)
		return err
	},
	"Invitations": func(ctx context.Context, h *ownerOnly) error { _, err := h.Invitations(ctx, ""); return err },
	"Withdraw":    func(ctx context.Context, h *ownerOnly) error { return h.Withdraw(ctx, "1", keeper) },
	"EndSessions": func(ctx context.Context, h *ownerOnly) error { return h.EndSessions(ctx, "ann", keeper) },
	"Audit":       func(ctx context.Context, h *ownerOnly) error { _, err := h.Audit(ctx, audit.Query{}); return err },
	"EachEntry": func(ctx context.Context, h *ownerOnly) error {
		return h.EachEntry(ctx, audit.Query{}, func(audit.Entry) error { return nil })
	},
	"NewJoin": func(ctx context.Context, h *ownerOnly) error {
		_, err := h.NewJoin(ctx, account.Member, keeper)
		return err
	},
	"NewReset":   func(ctx context.Context, h *ownerOnly) error { _, err := h.NewReset(ctx, "ann", keeper); return err },
	"Notices":    func(ctx context.Context, h *ownerOnly) error { _, err := h.Notices(ctx, h.ann.ID); return err },
	"Seen":       func(ctx context.Context, h *ownerOnly) error { return h.Seen(ctx, h.ann.ID, "x") },
	"LockOwn":    func(ctx context.Context, h *ownerOnly) error { return h.LockOwn(ctx, h.ann, keeper) },
	"LockByLink": func(ctx context.Context, h *ownerOnly) error { return h.LockByLink(ctx, "x", keeper) },
	"Unlock":     func(ctx context.Context, h *ownerOnly) error { return h.Unlock(ctx, "ann", keeper) },
	"Confirm":    func(ctx context.Context, h *ownerOnly) error { _, err := h.Confirm(ctx, "x", keeper); return err },
	"AskConfirm": func(ctx context.Context, h *ownerOnly) error { return h.AskConfirm(ctx, "ann", keeper) },
	"Forgot": func(ctx context.Context, h *ownerOnly) error {
		_, err := h.Forgot(ctx, mail.Asked{Typed: "ann"})
		return err
	},
	"MailLink": func(ctx context.Context, h *ownerOnly) error {
		_, _, _, err := h.MailLink(ctx, mail.Message{Kind: mail.Invitation, LinkID: "1"})
		return err
	},
	"NewFirst": func(ctx context.Context, h *ownerOnly) error { _, err := h.NewFirst(ctx); return err },
	"Link":     func(ctx context.Context, h *ownerOnly) error { _, err := h.Link(ctx, account.Join, h.join); return err },
	"Join": func(ctx context.Context, h *ownerOnly) error {
		_, err := h.Join(ctx, h.join, "dora", good, keeper)
		return err
	},
	"Reset": func(ctx context.Context, h *ownerOnly) error {
		_, err := h.Reset(ctx, h.reset, other, keeper)
		return err
	},
}

// Attack fault/database-away: without its database every method returns db.ErrUnavailable,
// and none reports a wrong password or a bad link.
func TestWithoutADatabaseEverythingIsUnavailable(t *testing.T) {
	h := openOwnerOnly(t)
	back := dbtest.Away(t, h.at)
	for name, do := range everything {
		if err := do(t.Context(), h); !errors.Is(err, db.ErrUnavailable) {
			t.Errorf("%s: got %v, want ErrUnavailable", name, err)
		}
	}
	back()
	h.signedIn(t, "ann", good)
}

func TestBusyHashingChangesNothing(t *testing.T) {
	h := openOwnerOnly(t)
	before := h.dump(t)
	busy := password.NewHasher(tiny, 1, 0)
	defer occupy(t, busy)()
	h.Store = h.with(busy)
	for _, name := range []string{"Authenticate", "unknown", "Add", "SetPassword", "ChangePassword", "Join", "Reset", "Prove", "SignUp"} {
		if err := everything[name](t.Context(), h); !errors.Is(err, password.ErrBusy) {
			t.Errorf("%s: got %v, want ErrBusy", name, err)
		}
	}
	if diff := cmp.Diff(before, h.dump(t)); diff != "" {
		t.Errorf("the database changed (-before +after):\n%s", diff)
	}
}
