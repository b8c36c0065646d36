package account_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/account"
	"glassjar/utl/db"
	"glassjar/utl/session"
)

// end is a way to end something of an account with the password good.
type end struct {
	name string
	do   func(ctx context.Context, h *fixture, a account.Account) error
}

// ends are the ways to end every session and app password of an account.
var ends = []end{
	{"a set password", func(ctx context.Context, h *fixture, a account.Account) error {
		return h.SetPassword(ctx, a.Username, other, keeper)
	}},
	{"a changed password", func(ctx context.Context, h *fixture, a account.Account) error {
		_, err := h.ChangePassword(ctx, a, good, other, keeper)
		return err
	}},
	{"a reset", func(ctx context.Context, h *fixture, a account.Account) error {
		code, err := h.NewReset(ctx, a.Username, keeper)
		if err == nil {
			_, err = h.Reset(ctx, code, other, visitor)
		}
		return err
	}},
	{"disabled", func(ctx context.Context, h *fixture, a account.Account) error {
		return h.Disable(ctx, a.Username, keeper)
	}},
	{"deleted", func(ctx context.Context, h *fixture, a account.Account) error {
		return h.Delete(ctx, a.Username, keeper)
	}},
}

// appPasswordEnds are more ways to end an app password, one that expires in an hour.
var appPasswordEnds = []end{
	{"revoked", func(ctx context.Context, h *fixture, a account.Account) error {
		all, err := h.with(nil).AppPasswords(ctx, a.ID)
		return errors.Join(err, h.with(nil).RevokeAppPassword(ctx, a, all[0].ID, keeper))
	}},
	{"expired", func(_ context.Context, h *fixture, _ account.Account) error { h.clock.add(time.Hour); return nil }},
	{"disabled and enabled", func(ctx context.Context, h *fixture, a account.Account) error {
		return errors.Join(h.Disable(ctx, a.Username, keeper), h.Enable(ctx, a.Username, keeper))
	}},
	{"disabled by hand", func(ctx context.Context, h *fixture, a account.Account) error {
		return h.db.Tx(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE accounts SET disabled_at = 1 WHERE id = ?`, a.ID)
			return err
		})
	}},
	{"deleted and made again", func(ctx context.Context, h *fixture, a account.Account) error {
		err := errors.Join(h.Delete(ctx, a.Username, keeper), h.Free(ctx, a.Username, keeper))
		_, again := h.Add(ctx, account.NewAccount{Username: a.Username, Password: good, Role: account.Member}, keeper)
		return errors.Join(err, again)
	}},
}

// An app password ends when it is revoked, when it expires, and with every change that
// ends all sessions of its account, also when another server makes the change.
func TestAnAppPasswordEnds(t *testing.T) {
	for _, tt := range slices.Concat(ends, appPasswordEnds) {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t)
			ann, bob := h.add(t, "ann", account.Owner), h.add(t, "bob", account.Member)
			anns := h.appPassword(t, ann, account.AppPassword{Name: "backup"})
			secret := h.appPassword(t, bob, account.AppPassword{Name: "backup", Expires: h.clock.now().Add(time.Hour)})
			h.clock.add(59 * time.Minute)
			if _, err := h.AppPassword(t.Context(), secret, "bob", "app.example"); err != nil {
				t.Fatal(err)
			}
			if err := tt.do(t.Context(), h, bob); err != nil {
				t.Fatal(err)
			}
			if _, err := h.AppPassword(t.Context(), secret, "", "app.example"); !is(err, account.ErrAppPassword) {
				t.Errorf("got %v, want ErrAppPassword", err)
			}
			if _, err := h.AppPassword(t.Context(), anns, "", "app.example"); err != nil {
				t.Errorf("ann's: %v", err)
			}
		})
	}
}

func TestSigningOutEverywhereLeavesAppPasswords(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	secret := h.appPassword(t, ann, account.AppPassword{Name: "backup"})
	if err := h.sessions.EndOthers(t.Context(), ann.ID, "", keeper); err != nil {
		t.Fatal(err)
	}
	if _, err := h.AppPassword(t.Context(), secret, "", "app.example"); err != nil {
		t.Errorf("got %v", err)
	}
}

// Attack race/ended-session: somebody who knows the old password cannot keep an app
// password beyond the change of the password.
func TestNoAppPasswordOutlivesThePasswordThatMadeIt(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	for range 10 {
		ann, err := h.Find(t.Context(), "ann")
		if err != nil {
			t.Fatal(err)
		}
		atOnce(t, 20, func(i int) error {
			if i == 10 {
				return h.SetPassword(t.Context(), "ann", other, keeper)
			}
			_, err := h.NewAppPassword(t.Context(), ann, account.AppPassword{Name: "x"}, keeper)
			return err
		}, nil, account.ErrSignIn, session.ErrChanged)
		if all, err := h.AppPasswords(t.Context(), ann.ID); len(all) > 0 || err != nil {
			t.Fatalf("%d are left, %v", len(all), err)
		}
		if err := h.SetPassword(t.Context(), "ann", good, keeper); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnAppPasswordIsRevokedByItsOwn(t *testing.T) {
	h := open(t)
	ann, bob := h.add(t, "ann", account.Owner), h.add(t, "bob", account.Member)
	h.appPassword(t, bob, account.AppPassword{Name: "backup"})
	id, before, log := h.texts(t, `SELECT id FROM app_passwords`)[0], h.dump(t), h.log(t)
	refused := func(a account.Account, id string, want error) {
		t.Helper()
		if err := h.RevokeAppPassword(t.Context(), a, id, keeper); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	refused(ann, id, account.ErrAppPassword)
	refused(bob, "none", account.ErrAppPassword)
	refused(bob, "", account.ErrAppPassword)
	refused(bob, "\x00", account.ErrAppPassword)
	refused(bob, "\xff", account.ErrAppPassword)
	room := h.full(t, "INSERT", "audit")
	refused(bob, id, nil) // its audit entry cannot be written
	room()
	if diff := cmp.Diff(before, h.dump(t)); diff != "" {
		t.Errorf("the database changed (-before +after):\n%s", diff)
	}
	if err := h.RevokeAppPassword(t.Context(), bob, id, keeper); err != nil {
		t.Fatal(err)
	}
	refused(bob, id, account.ErrAppPassword)
	if diff := cmp.Diff(append(log, "keeper apppassword.revoked bob backup"), h.log(t)); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
}
