package account_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
)

func TestATryIsRecordedWithoutWhatANobodyTyped(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	began := len(h.log(t))
	for _, typed := range []string{"Ann ", "nobody", good, "ann/"} {
		on, err := h.Named(t.Context(), typed)
		if err != nil {
			t.Fatal(err)
		}
		err = h.db.Tx(t.Context(), func(tx *db.Tx) error {
			return h.RecordAttempt(t.Context(), tx, "signin.failed", on, visitor)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Throttled(t.Context(), on, visitor); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"signin.failed ann", "signin.throttled ann",
		"signin.failed", "signin.throttled", "signin.failed", "signin.throttled", "signin.failed", "signin.throttled",
	}
	if diff := cmp.Diff(want, h.log(t)[began:]); diff != "" {
		t.Errorf("the audit log (-want +got):\n%s", diff)
	}
	got, err := h.Attempts(t.Context(), ann.ID, 1)
	if err != nil || len(got) != 1 {
		t.Fatalf("Attempts = %+v, %v, want one", got, err)
	}
	last := audit.Entry{ID: got[0].ID, Event: audit.Event{Kind: "signin.throttled", AccountID: ann.ID, Username: "ann"}, At: got[0].At, By: visitor}
	if diff := cmp.Diff(last, got[0]); diff != "" {
		t.Errorf("ann's newest attempt (-want +got):\n%s", diff)
	}
}

// Attack account/made-again, guessing/known-device: a known device is known to one account,
// until its password changes or it is disabled or deleted.
func TestADeviceIsKnownWhileTheAccountIsWhatItWas(t *testing.T) {
	h := open(t)
	h.add(t, "ann", account.Owner)
	ctx := t.Context()
	tests := []struct {
		name string
		do   func() error
		want bool
	}{
		{"nothing", func() error { return nil }, true},
		{"a sign-in", func() error { _, err := h.signIn(ctx, "bob", good); return err }, true},
		{"a password that is set", func() error { return h.SetPassword(ctx, "bob", other, keeper) }, false},
		{"disabled and enabled", func() error { return errors.Join(h.Disable(ctx, "bob", keeper), h.Enable(ctx, "bob", keeper)) }, false},
		{"deleted", func() error { return h.Delete(ctx, "bob", keeper) }, false},
		{"deleted and made again", func() error {
			err := h.Delete(ctx, "bob", keeper)
			h.add(t, "bob", account.Member)
			return err
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := h.add(t, "bob", account.Member).Verified(1, "pwd")
			if err := tt.do(); err != nil {
				t.Fatal(err)
			}
			for typed, want := range map[string]bool{"bob": tt.want, "Bob": tt.want, "ann": false, "nobody": false, "bob/": false} {
				on, err := h.Named(ctx, typed)
				if got := on.IsKnownDevice(v.AccountID, v.Epoch); got != want || err != nil {
					t.Errorf("Knows(%q) = %v, %v, want %v", typed, got, err, want)
				}
			}
			h.exec(t, `DELETE FROM accounts WHERE username = 'bob'`)
		})
	}
}

func TestFindIsByTheNameAsItIsKept(t *testing.T) {
	h := open(t)
	ann := h.add(t, "ann", account.Owner)
	if got, err := h.Find(t.Context(), "ANN"); got != ann || err != nil {
		t.Errorf("Find = %+v, %v, want %+v", got, err, ann)
	}
	for name, want := range map[string]error{"bob": account.ErrUnknown, "ann/": account.ErrName} {
		if got, err := h.Find(t.Context(), name); got != (account.Account{}) || !is(err, want) {
			t.Errorf("Find(%q) = %+v, %v, want %v", name, got, err, want)
		}
	}
}

func TestSweepForgetsWhatIsOldAndNothingElse(t *testing.T) {
	const keep = 90 * 24 * time.Hour
	h := open(t)
	h.add(t, "ann", account.Owner)
	h.join(t, account.Member)
	sweep := func(later time.Duration) (links []string, log []string) {
		t.Helper()
		h.clock.add(later)
		if err := h.Sweep(t.Context(), keep); err != nil {
			t.Fatal(err)
		}
		return h.texts(t, `SELECT kind FROM links`), h.log(t)
	}
	if links, log := sweep(keep - time.Minute); len(links) != 1 || len(log) != 2 {
		t.Errorf("a minute before: the links %v, the audit log %v", links, log)
	}
	h.reset(t, "ann")
	links, log := sweep(time.Hour)
	if want := []string{"keeper link.made ann reset"}; !slices.Equal(log, want) || len(links) != 2 {
		t.Errorf("an hour later: the links %v, the audit log %v, want %v", links, log, want)
	}
	if links, _ := sweep(24 * time.Hour); !slices.Equal(links, []string{"reset"}) {
		t.Errorf("a day after the link's end: the links %v, want ann's alone", links)
	}
	if _, err := h.Find(t.Context(), "ann"); err != nil {
		t.Errorf("the account: %v", err)
	}
}
