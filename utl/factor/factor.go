// Package factor stores second factors: authenticator apps, recovery codes, and the
// pending sign-ins that wait for a code. It refuses a code that was used, that belongs
// to another account or another time, and every six-digit code of an account with too
// many wrong ones. It starts no session. Passkeys are in package passkey.
package factor

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

var (
	// ErrForm means that what was typed is neither six digits nor a recovery code. It is
	// not counted as a wrong code.
	ErrForm = errors.New("neither six digits nor a recovery code")
	// ErrWrong means that the code is wrong.
	ErrWrong = errors.New("the code is not right")
	// ErrUsed means that the code was right but has been used before. It is also an
	// ErrWrong.
	ErrUsed = fmt.Errorf("%w: it was used already", ErrWrong)
	// ErrLast means that the code is wrong and that the pending sign-in ended, because it was
	// the fifth. It is also an ErrWrong.
	ErrLast = fmt.Errorf("%w: the fifth", ErrWrong)
	// ErrMany means that too many wrong codes came, and no code is checked now. Every
	// such error is a ManyError.
	ErrMany = errors.New("too many wrong codes")
	// ErrPending means that the pending sign-in does not exist, was ended or has expired.
	ErrPending = errors.New("no such pending sign-in")
	// ErrSetUp means that the set-up belongs to another account or has expired.
	ErrSetUp = errors.New("no such set-up of an authenticator app")
	// ErrOff means that the account does not have the factor.
	ErrOff = errors.New("the account does not have this factor")
	// ErrBroken means that no key decrypts the secret of the account's authenticator app.
	ErrBroken = errors.New("no session key opens the authenticator app's secret")
)

// ManyError is an ErrMany that says how long to wait.
type ManyError struct {
	Wait time.Duration // whole seconds, at most a day; 0: no code is checked until an owner clears the factors or a recovery code is used
}

func (e ManyError) Error() string { return ErrMany.Error() + ": wait " + e.Wait.String() }

// Unwrap returns ErrMany.
func (ManyError) Unwrap() error { return ErrMany }

// Options are what a Store needs.
type Options struct {
	DB       *db.DB
	Sessions *session.Store
	SiteName string     // the name that authenticator apps show for the site
	Keys     [][32]byte // secrets are encrypted with the first key and decrypted with any
	// Changed notifies the account's person of a change, in its transaction; detail is a
	// sentence that says what changed. An error from it rolls the change back.
	Changed func(ctx context.Context, tx *db.Tx, accountID, detail string, by audit.Actor) error
	// Used notifies the account's person, in the transaction, that a recovery code was used.
	Used func(ctx context.Context, tx *db.Tx, accountID, detail string, by audit.Actor) error
	// Cleared, if not nil, is called in the transaction of Clear. It revokes what must
	// end together with all factors: the account's app passwords.
	Cleared func(ctx context.Context, tx *db.Tx, of identity.Identity, by audit.Actor) error
	Now     func() time.Time
}

// Store stores authenticator apps, recovery codes and pending sign-ins.
type Store struct {
	Options

	keys atomic.Pointer[[][32]byte]
}

// New returns a Store. It returns an error if o has no key.
func New(o Options) (*Store, error) {
	s := &Store{Options: o}
	return s, s.SetKeys(o.Keys)
}

// SetKeys replaces the keys: secrets are encrypted with the first and decrypted with
// any. It returns an error if there is none.
func (s *Store) SetKeys(keys [][32]byte) error {
	if len(keys) == 0 {
		return errors.New("no key for secrets")
	}
	s.keys.Store(&keys)
	return nil
}

// State describes the second factors of an account.
type State struct {
	App      time.Time // when the authenticator app was set up; zero: there is none
	AppUsed  time.Time // when a code of it was last used
	Passkeys int
	Recovery Recovery
}

// Recovery describes an account's recovery codes.
type Recovery struct {
	CreatedAt  time.Time // zero: there are none
	Left       int       // unused codes
	Saved      bool      // whether the person confirmed having saved them
	LastUsedAt time.Time // when one was last used; zero: none was
}

// Second reports whether the account has a second factor: an authenticator app or a
// passkey.
func (s State) Second() bool { return !s.App.IsZero() || s.Passkeys > 0 }

// Has reports whether the account has a second factor: an authenticator app or a
// passkey. Errors: db.ErrUnavailable.
func (s *Store) Has(ctx context.Context, accountID string) (bool, error) {
	return has(ctx, s.DB, accountID)
}

func has(ctx context.Context, from db.Querier, accountID string) (bool, error) {
	n, err := session.SecondFactors(ctx, from, accountID)
	if err != nil {
		return false, fmt.Errorf("looking for a second factor: %w", err)
	}
	return n > 0, nil
}

// Of returns the account's second factors. Errors: db.ErrUnavailable.
func (s *Store) Of(ctx context.Context, accountID string) (State, error) {
	st, err := db.One(ctx, s.DB, scanState, `SELECT
		COALESCE((SELECT made_at FROM authenticators WHERE account_id = ?1), 0), COALESCE((SELECT used_at FROM authenticators WHERE account_id = ?1), 0),
		(SELECT COUNT(*) FROM passkeys WHERE account_id = ?1),
		COALESCE(MAX(made_at), 0), COUNT(*) - COUNT(NULLIF(used_at, 0)), COALESCE(MIN(saved_at), 0), COALESCE(MAX(used_at), 0)
		FROM recovery_codes WHERE account_id = ?1`, accountID)
	if err != nil {
		return State{}, fmt.Errorf("reading an account's factors: %w", err)
	}
	return st, nil
}

func scanState(r db.Row) (st State, err error) {
	var app, appUsed, made, saved, used int64
	err = r.Scan(&app, &appUsed, &st.Passkeys, &made, &st.Recovery.Left, &saved, &used)
	st.App, st.AppUsed, st.Recovery.CreatedAt, st.Recovery.LastUsedAt = moment(app), moment(appUsed), moment(made), moment(used)
	st.Recovery.Saved = saved != 0
	return st, err
}

// moment is db.Time, but returns the zero time for 0.
func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return db.Time(micros)
}

// Clear removes everything but the password with which the account signs in, for a
// person who lost it: the authenticator app, recovery codes and passkeys. It ends all
// sessions and revokes all app passwords. Errors: ErrOff when there is nothing to
// remove, db.ErrUnavailable.
func (s *Store) Clear(ctx context.Context, of identity.Identity, by audit.Actor) error {
	return s.changing(ctx, of, "", by, "factors.cleared", func(tx *db.Tx) error {
		removed := int64(0)
		for _, table := range []string{"authenticators", "recovery_codes", "passkeys", "code_failures"} {
			n, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE account_id = ?`, of.ID)
			if err != nil {
				return err
			}
			removed += n
		}
		if removed == 0 {
			return ErrOff
		}
		if s.Cleared == nil {
			return nil
		}
		return s.Cleared(ctx, tx, of, by)
	})
}

// changes maps the audit event of a change to the sentence that notifies the person.
var changes = map[string]string{
	"code.added":      "An authenticator app was set up.",
	"code.removed":    "The authenticator app was turned off.",
	"recovery.made":   "New recovery codes replaced the old ones.",
	"recovery.used":   "A recovery code was used to sign in.",
	"factors.cleared": "All ways to sign in but the password were removed, and the app passwords revoked.",
}

// changing runs fn, which adds or removes a factor of a live account, and ends the
// account's sessions except the one with the sid, in one transaction. The account's
// pending sign-ins become invalid, because its factor epoch rises. Known devices and app
// passwords stay valid. Errors: session.ErrChanged.
func (s *Store) changing(ctx context.Context, of identity.Identity, sid string, by audit.Actor, kind string, fn func(*db.Tx) error) error {
	err := s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := session.FactorsChanged(ctx, tx, s.Now(), by, of.ID, sid); err != nil {
			return err
		}
		if err := fn(tx); err != nil {
			return err
		}
		if err := s.Changed(ctx, tx, of.ID, changes[kind], by); err != nil {
			return err
		}
		return s.record(ctx, tx, by, kind, of, "")
	})
	if err != nil {
		return fmt.Errorf("%s for %q: %w", kind, of.Username, err)
	}
	s.Sessions.InvalidateAccount(of.ID)
	return nil
}

func (s *Store) record(ctx context.Context, tx *db.Tx, by audit.Actor, kind string, of identity.Identity, detail string) error {
	return audit.Record(ctx, tx, s.Now(), by, audit.Event{Kind: kind, AccountID: of.ID, Username: of.Username, Detail: detail})
}
