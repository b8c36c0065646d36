// Package factor keeps what follows a password: the authenticator app, the recovery
// codes, and the sign-ins that wait for a code. It refuses a code that was used, that is
// another account's or another time's, and every code of an account with too many
// wrong ones. It starts no session. Passkeys are in package passkey.
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
	// ErrForm means that what was typed is neither six digits nor a recovery code. It
	// counts as no wrong code.
	ErrForm = errors.New("neither six digits nor a recovery code")
	// ErrWrong means that the code is not right.
	ErrWrong = errors.New("the code is not right")
	// ErrUsed means that the code was used already.
	ErrUsed = fmt.Errorf("%w: it was used already", ErrWrong)
	// ErrMany means that so many wrong codes came that none is looked at now. Every such
	// error is a ManyError.
	ErrMany = errors.New("too many wrong codes")
	// ErrPending means that there is no such pending sign-in, or not any more.
	ErrPending = errors.New("no such pending sign-in")
	// ErrSetUp means that the set-up is not this account's, or too old.
	ErrSetUp = errors.New("no such set-up of an authenticator app")
	// ErrOff means that the account does not have the factor.
	ErrOff = errors.New("the account does not have this factor")
	// ErrBroken means that no key opens the account's secret.
	ErrBroken = errors.New("no session key opens the authenticator app's secret")
)

// ManyError is ErrMany.
type ManyError struct {
	Wait time.Duration // whole seconds, a day at most; 0: until an owner clears the factors, or a recovery code is used
}

func (e ManyError) Error() string { return ErrMany.Error() + ": wait " + e.Wait.String() }

// Unwrap returns ErrMany.
func (ManyError) Unwrap() error { return ErrMany }

// Options are what a Store needs.
type Options struct {
	DB       *db.DB
	Sessions *session.Store
	SiteName string     // what authenticator apps call the site
	Keys     [][32]byte // the first encrypts secrets, every one decrypts
	// Changed tells the account's person, in the transaction of a change, what was
	// changed, in a sentence. Its error takes the change back.
	Changed func(ctx context.Context, tx *db.Tx, accountID, detail string, by audit.Actor) error
	// Cleared, where given, ends in the transaction of Clear what else ends with all
	// factors: app passwords.
	Cleared func(ctx context.Context, tx *db.Tx, of identity.Identity, by audit.Actor) error
	Now     func() time.Time
}

// Store keeps authenticator apps, recovery codes and pending sign-ins.
type Store struct {
	Options

	keys atomic.Pointer[[][32]byte]
}

// New returns a store. It fails when there is no key.
func New(o Options) (*Store, error) {
	s := &Store{Options: o}
	return s, s.SetKeys(o.Keys)
}

// SetKeys makes the first key encrypt and every key decrypt, from now on. No key at
// all is refused.
func (s *Store) SetKeys(keys [][32]byte) error {
	if len(keys) == 0 {
		return errors.New("no key for secrets")
	}
	s.keys.Store(&keys)
	return nil
}

// State is what an account has.
type State struct {
	App      time.Time // when the authenticator app was set up; zero: there is none
	AppUsed  time.Time // when its last code was used
	Passkeys int
	Recovery Recovery
}

// Recovery is an account's recovery codes.
type Recovery struct {
	Made  time.Time // zero: there are none
	Left  int
	Saved bool      // the person said that they are
	Used  time.Time // when the last one was used; zero: none was
}

// Second reports whether the account has a second factor.
func (s State) Second() bool { return !s.App.IsZero() || s.Passkeys > 0 }

// Has reports whether a second factor follows the account's password: an authenticator
// app or a passkey. Errors: db.ErrUnavailable.
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

// Of returns what the account has. Errors: db.ErrUnavailable.
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
	st.App, st.AppUsed, st.Recovery.Made, st.Recovery.Used = moment(app), moment(appUsed), moment(made), moment(used)
	st.Recovery.Saved = saved != 0
	return st, err
}

func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return db.Time(micros)
}

// Clear removes all that follows the account's password, its passkeys too, for
// somebody who lost them, and ends all its sessions and app passwords. Errors: ErrOff when there is
// nothing to remove, db.ErrUnavailable.
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

// changes are what people are told of a change, by its event.
var changes = map[string]string{
	"code.added":      "An authenticator app was set up.",
	"code.removed":    "The authenticator app was turned off.",
	"recovery.made":   "New recovery codes replaced the old ones.",
	"recovery.used":   "A recovery code was used to sign in.",
	"factors.cleared": "All ways to sign in but the password were removed, and the app passwords revoked.",
}

// changing runs fn, which adds or removes a factor of a live account, and ends the
// account's sessions but the one with the sid, in one transaction. Its pending
// sign-ins are of an older epoch after it. Known devices and app passwords go on. Errors: session.ErrChanged.
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
