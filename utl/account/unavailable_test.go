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

// Attack fault/database-away: without its database the store refuses, and says nothing of a
// wrong password or a bad link.
func TestWithoutADatabaseEverythingIsUnavailable(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	join, reset := h.join(t, account.Member), h.reset(t, "ann")
	back := dbtest.Away(t, h.at)
	for name, do := range h.everything(ann, join, reset) {
		if err := do(t.Context()); !errors.Is(err, db.ErrUnavailable) {
			t.Errorf("%s: got %v, want ErrUnavailable", name, err)
		}
	}
	back()
	h.signedIn(t, "ann", good)
}

func TestBusyHashingChangesNothing(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	join, reset := h.join(t, account.Member), h.reset(t, "ann")
	before := h.dump(t)
	busy := password.NewHasher(tiny, 1, 0)
	defer occupy(t, busy)()
	h.Store = h.with(busy)
	all := h.everything(ann, join, reset)
	for _, name := range []string{"Authenticate", "unknown", "Add", "SetPassword", "ChangePassword", "Join", "Reset", "Prove", "SignUp"} {
		if err := all[name](t.Context()); !errors.Is(err, password.ErrBusy) {
			t.Errorf("%s: got %v, want ErrBusy", name, err)
		}
	}
	if diff := cmp.Diff(before, h.dump(t)); diff != "" {
		t.Errorf("the database changed (-before +after):\n%s", diff)
	}
}

// everything is every method that reads or writes, called so that it would
// succeed.
func (h *house) everything(ann account.Account, join, reset string) map[string]func(context.Context) error {
	by := keeper
	return map[string]func(context.Context) error{
		"Authenticate": func(ctx context.Context) error { _, err := h.Authenticate(ctx, "ann", good); return err },
		"unknown":      func(ctx context.Context) error { _, err := h.Authenticate(ctx, "nobody", good); return err },
		"Any":          func(ctx context.Context) error { _, err := h.Any(ctx); return err },
		"List":         func(ctx context.Context) error { _, err := h.List(ctx, ""); return err },
		"Find":         func(ctx context.Context) error { _, err := h.Find(ctx, "ann"); return err },
		"Events":       func(ctx context.Context) error { _, err := h.Events(ctx, ann.ID, 1); return err },
		"Attempts":     func(ctx context.Context) error { _, err := h.Attempts(ctx, ann.ID, 1); return err },
		"EventsBefore": func(ctx context.Context) error { _, err := h.EventsBefore(ctx, ann.ID, 9, 1); return err },
		"Named":        func(ctx context.Context) error { _, err := h.Named(ctx, "ann"); return err },
		"Throttled":    func(ctx context.Context) error { return h.Throttled(ctx, ann, by) },
		"Sweep":        func(ctx context.Context) error { return h.Sweep(ctx, time.Hour) },
		"Add": func(ctx context.Context) error {
			_, err := h.Add(ctx, account.NewAccount{Username: "carol", Password: good, Role: account.Member}, by)
			return err
		},
		"SignUp": func(ctx context.Context) error {
			_, err := h.SignUp(ctx, account.NewAccount{Username: "eve", Password: good}, true, by)
			return err
		},
		"Waiting":        func(ctx context.Context) error { _, err := h.Waiting(ctx); return err },
		"SetPassword":    func(ctx context.Context) error { return h.SetPassword(ctx, "ann", other, by) },
		"ChangePassword": func(ctx context.Context) error { _, err := h.ChangePassword(ctx, ann, good, other, by); return err },
		"Prove":          func(ctx context.Context) error { _, err := h.Prove(ctx, ann, good); return err },
		"Disable":        func(ctx context.Context) error { return h.Disable(ctx, "ann", by) },
		"Enable":         func(ctx context.Context) error { return h.Enable(ctx, "ann", by) },
		"Delete":         func(ctx context.Context) error { return h.Delete(ctx, "ann", by) },
		"SetGroups":      func(ctx context.Context) error { return h.SetGroups(ctx, "ann", []string{"dev"}, by) },
		"NewAppPassword": func(ctx context.Context) error {
			_, err := h.NewAppPassword(ctx, ann, account.AppPassword{Name: "backup"}, by)
			return err
		},
		"AppPassword":       func(ctx context.Context) error { _, err := h.AppPassword(ctx, "x", "", "app.example"); return err },
		"AppPasswords":      func(ctx context.Context) error { _, err := h.AppPasswords(ctx, ann.ID); return err },
		"RevokeAppPassword": func(ctx context.Context) error { return h.RevokeAppPassword(ctx, ann, "x", by) },
		"NewInvitation": func(ctx context.Context) error {
			_, err := h.NewInvitation(ctx, account.Invitation{Role: account.Owner, Email: "c@site.example"}, by)
			return err
		},
		"Invitations": func(ctx context.Context) error { _, err := h.Invitations(ctx, ""); return err },
		"Withdraw":    func(ctx context.Context) error { return h.Withdraw(ctx, "1", by) },
		"EndSessions": func(ctx context.Context) error { return h.EndSessions(ctx, "ann", by) },
		"Audit":       func(ctx context.Context) error { _, err := h.Audit(ctx, audit.Query{}); return err },
		"EachEntry": func(ctx context.Context) error {
			return h.EachEntry(ctx, audit.Query{}, func(audit.Entry) error { return nil })
		},
		"NewJoin":    func(ctx context.Context) error { _, err := h.NewJoin(ctx, account.Member, by); return err },
		"NewReset":   func(ctx context.Context) error { _, err := h.NewReset(ctx, "ann", by); return err },
		"Notices":    func(ctx context.Context) error { _, err := h.Notices(ctx, ann.ID); return err },
		"Seen":       func(ctx context.Context) error { return h.Seen(ctx, ann.ID, "x") },
		"LockOwn":    func(ctx context.Context) error { return h.LockOwn(ctx, ann, by) },
		"LockByLink": func(ctx context.Context) error { return h.LockByLink(ctx, "x", by) },
		"Unlock":     func(ctx context.Context) error { return h.Unlock(ctx, "ann", by) },
		"Confirm":    func(ctx context.Context) error { _, err := h.Confirm(ctx, "x", by); return err },
		"AskConfirm": func(ctx context.Context) error { return h.AskConfirm(ctx, "ann", by) },
		"Forgot":     func(ctx context.Context) error { _, err := h.Forgot(ctx, mail.Asked{Typed: "ann"}); return err },
		"MailLink": func(ctx context.Context) error {
			_, _, _, err := h.MailLink(ctx, mail.Message{Kind: mail.Invitation, LinkID: "1"})
			return err
		},
		"NewFirst": func(ctx context.Context) error { _, err := h.NewFirst(ctx); return err },
		"Link":     func(ctx context.Context) error { _, err := h.Link(ctx, account.Join, join); return err },
		"Join":     func(ctx context.Context) error { _, err := h.Join(ctx, join, "dora", good, by); return err },
		"Reset":    func(ctx context.Context) error { _, err := h.Reset(ctx, reset, other, by); return err },
	}
}
