package factor

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

// SetUpLife is how long after NewSetUp the set-up of an authenticator app can be
// confirmed.
const SetUpLife = 15 * time.Minute

// app is the row of an authenticator app that is turned on.
type app struct {
	accountID, sealed string
	last              int64
}

const selectApps = `SELECT account_id, secret, last_step FROM authenticators`

func scanApp(r db.Row) (a app, err error) {
	err = r.Scan(&a.accountID, &a.sealed, &a.last)
	return a, err
}

// NewSetUp starts the set-up of an authenticator app for the account. It returns a new
// secret, and the same secret encrypted for the browser to keep until Confirm. It
// writes nothing, so that opening the page changes nothing.
func (s *Store) NewSetUp(accountID string) (sealed string, secret Secret) {
	secret = Secret(random(secretBytes))
	plain := binary.BigEndian.AppendUint64(secret[:], uint64(db.Micros(s.Now().Add(SetUpLife)))) // #nosec G115 -- not before 1970
	sealed, _ = s.seal(forSetUp, accountID, plain)
	return sealed, secret
}

// SetUp decrypts the secret that NewSetUp returned for the account. Errors: ErrSetUp.
func (s *Store) SetUp(accountID, sealed string) (Secret, error) {
	plain, err := s.open(forSetUp, accountID, sealed)
	if err != nil || len(plain) != secretBytes+8 ||
		db.Micros(s.Now()) >= int64(binary.BigEndian.Uint64(plain[secretBytes:])) { // #nosec G115 -- we wrote it
		return Secret{}, ErrSetUp
	}
	return Secret(plain[:secretBytes]), nil
}

// Confirmation is the input of Confirm.
type Confirmation struct {
	SetUp string // the encrypted secret from NewSetUp
	Code  string // as typed
	SID   string // of the session that turns the app on; it is not ended
}

// Confirm turns on the authenticator app, which replaces an earlier one, if the typed
// code is one of the new app's. That code counts as used. The account's other sessions
// end. It returns recovery codes if the account has none yet. Errors: ErrSetUp, ErrForm,
// ErrWrong, ErrUsed, session.ErrChanged when the account was deleted or disabled,
// db.ErrUnavailable.
func (s *Store) Confirm(ctx context.Context, of identity.Identity, c Confirmation, by audit.Actor) (recovery []string, err error) {
	secret, err := s.SetUp(of.ID, c.SetUp)
	if err != nil {
		return nil, err
	}
	got, err := parse(c.Code)
	if err == nil && got.digits == "" {
		err = ErrForm
	}
	if err != nil {
		return nil, err
	}
	now := s.Now()
	at, err := match(secret[:], got.digits, now, 0)
	if err != nil {
		return nil, err
	}
	err = s.changing(ctx, of, c.SID, by, "code.added", func(tx *db.Tx) error {
		recovery = nil
		if err := s.unlike(ctx, tx, of.ID, secret); err != nil {
			return err
		}
		sealed, keyID := s.seal(forApp, of.ID, secret[:])
		if _, err := tx.Exec(ctx, `INSERT INTO authenticators (account_id, secret, key_id, last_step, made_at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (account_id) DO UPDATE SET secret = excluded.secret, key_id = excluded.key_id,
				last_step = excluded.last_step, made_at = excluded.made_at, used_at = 0`,
			of.ID, sealed, keyID, at, db.Micros(now)); err != nil {
			return err
		}
		recovery, err = s.FirstRecovery(ctx, tx, of, by)
		return err
	})
	return recovery, err
}

// unlike returns ErrUsed if the account's app already has this secret: then the same
// form was sent twice.
func (s *Store) unlike(ctx context.Context, tx *db.Tx, accountID string, secret Secret) error {
	was, err := db.One(ctx, tx, scanApp, selectApps+` WHERE account_id = ?`, accountID)
	if errors.Is(err, db.ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	if old, err := s.open(forApp, accountID, was.sealed); err == nil && subtle.ConstantTimeCompare(old, secret[:]) == 1 {
		return ErrUsed
	}
	return nil
}

// RemoveApp turns the authenticator app off, and ends the account's sessions except
// the one with the sid. If no second factor is left, it deletes the recovery codes.
// Errors: ErrOff, session.ErrChanged, db.ErrUnavailable.
func (s *Store) RemoveApp(ctx context.Context, of identity.Identity, sid string, by audit.Actor) error {
	return s.changing(ctx, of, sid, by, "code.removed", func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM authenticators WHERE account_id = ?`, of.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrOff
		}
		return s.LastRecovery(ctx, tx, of.ID)
	})
}

// useApp returns the time step whose code was typed. Errors: ErrWrong, also if the
// account has no app, ErrUsed, ErrBroken.
func (s *Store) useApp(ctx context.Context, from db.Querier, accountID, digits string) (int64, error) {
	a, err := db.One(ctx, from, scanApp, selectApps+` WHERE account_id = ?`, accountID)
	if errors.Is(err, db.ErrNone) {
		return 0, ErrWrong
	}
	if err != nil {
		return 0, err
	}
	secret, err := s.open(forApp, accountID, a.sealed)
	if err != nil {
		return 0, err
	}
	return match(secret, digits, s.Now(), a.last)
}

// spendApp marks the step's code and all older ones as used. Errors:
// session.ErrChanged when the code, or a newer one, was used meanwhile.
func (s *Store) spendApp(ctx context.Context, tx *db.Tx, accountID string, at int64) error {
	n, err := tx.Exec(ctx, `UPDATE authenticators SET last_step = ?, used_at = ? WHERE account_id = ? AND last_step < ?`,
		at, db.Micros(s.Now()), accountID, at)
	if err == nil && n == 0 {
		err = session.ErrChanged
	}
	return err
}
