package factor

import (
	"bytes"
	"context"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

const (
	// RecoveryCodes is how many recovery codes an account gets at once.
	RecoveryCodes = 8

	alphabet      = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's base32: no letter that looks like a digit
	recoveryChars = 24                                 // 120 bits
)

var crockford = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// newRecovery replaces the account's recovery codes, and returns the new ones in the
// form of grouped.
func (s *Store) newRecovery(ctx context.Context, tx *db.Tx, of identity.Identity, by audit.Actor) (codes []string, err error) {
	if _, err := tx.Exec(ctx, `DELETE FROM recovery_codes WHERE account_id = ?`, of.ID); err != nil {
		return nil, err
	}
	for range RecoveryCodes {
		code := crockford.EncodeToString(random(recoveryChars * 5 / 8))
		if _, err := tx.Exec(ctx, `INSERT INTO recovery_codes (code_hash, account_id, made_at) VALUES (?, ?, ?)`,
			recoveryHash(of.ID, code), of.ID, db.Micros(s.Now())); err != nil {
			return nil, err
		}
		codes = append(codes, grouped(code))
	}
	return codes, s.record(ctx, tx, by, "recovery.made", of, "")
}

// FirstRecovery creates recovery codes if the account has none, in the transaction that
// adds a second factor, and returns them. Call session.LockAccount first.
func (s *Store) FirstRecovery(ctx context.Context, tx *db.Tx, of identity.Identity, by audit.Actor) ([]string, error) {
	n, err := db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM recovery_codes WHERE account_id = ?`, of.ID)
	if err != nil || n > 0 {
		return nil, err
	}
	return s.newRecovery(ctx, tx, of, by)
}

// LastRecovery deletes the account's recovery codes if it has no second factor left, in
// the transaction that removes a factor.
func (s *Store) LastRecovery(ctx context.Context, tx *db.Tx, accountID string) error {
	more, err := has(ctx, tx, accountID)
	if err == nil && !more {
		_, err = tx.Exec(ctx, `DELETE FROM recovery_codes WHERE account_id = ?`, accountID)
	}
	return err
}

// recoveryHash returns the hash that the database stores of a recovery code. It includes
// the account's id, so that a row copied to another account is useless.
func recoveryHash(accountID, code string) string { return hash(accountID + "\x00" + code) }

// grouped formats a code for people: xxxx-xxxx-xxxx-xxxx-xxxx-xxxx.
func grouped(code string) string {
	return string(bytes.Join(slices.Collect(slices.Chunk([]byte(strings.ToLower(code)), 4)), []byte("-")))
}

// NewRecovery replaces the account's recovery codes and returns the new ones.
// Errors: ErrOff when the account has no second factor, db.ErrUnavailable.
func (s *Store) NewRecovery(ctx context.Context, of identity.Identity, by audit.Actor) (codes []string, err error) {
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := session.LockAccount(ctx, tx, of.ID); err != nil {
			return err
		}
		if second, err := has(ctx, tx, of.ID); err != nil || !second {
			return orElse(err, ErrOff)
		}
		if err := s.Changed(ctx, tx, of.ID, changes["recovery.made"], by); err != nil {
			return err
		}
		codes, err = s.newRecovery(ctx, tx, of, by)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("making recovery codes: %w", err)
	}
	return codes, nil
}

// orElse returns err or, if that is nil, other.
func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// SaveRecovery stores that the person confirmed having saved the recovery codes.
// Errors: db.ErrUnavailable.
func (s *Store) SaveRecovery(ctx context.Context, of identity.Identity, by audit.Actor) error {
	err := s.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE recovery_codes SET saved_at = ? WHERE account_id = ? AND saved_at = 0`, db.Micros(s.Now()), of.ID)
		if err != nil || n == 0 {
			return err
		}
		return s.record(ctx, tx, by, "recovery.saved", of, "")
	})
	if err != nil {
		return fmt.Errorf("storing that recovery codes are saved: %w", err)
	}
	return nil
}

// Theirs returns the recovery codes in the text, in the form of grouped, if all of them
// belong to the account; used ones count too. The text has one to eight codes, separated
// by white space. Errors: ErrWrong, db.ErrUnavailable.
func (s *Store) Theirs(ctx context.Context, accountID, text string) (codes []string, err error) {
	words := strings.Fields(text)
	if len(words) == 0 || len(words) > RecoveryCodes {
		return nil, ErrWrong
	}
	for _, word := range words {
		got, err := parse(word)
		if err != nil || got.recovery == "" {
			return nil, ErrWrong
		}
		n, err := db.One(ctx, s.DB, db.Int, `SELECT COUNT(*) FROM recovery_codes WHERE code_hash = ? AND account_id = ?`, recoveryHash(accountID, got.recovery), accountID)
		if err != nil || n == 0 {
			return nil, orElse(err, ErrWrong)
		}
		codes = append(codes, grouped(got.recovery))
	}
	return codes, nil
}

// unusedRecovery returns nil if the code is one of the account's unused recovery codes.
// Errors: ErrWrong, ErrUsed.
func unusedRecovery(ctx context.Context, from db.Querier, accountID, code string) error {
	used, err := db.All(ctx, from, db.Int, `SELECT used_at FROM recovery_codes WHERE code_hash = ? AND account_id = ?`, recoveryHash(accountID, code), accountID)
	switch {
	case err != nil:
		return err
	case len(used) == 0:
		return ErrWrong
	case used[0] != 0:
		return ErrUsed
	}
	return nil
}

// spendRecovery marks the code as used, and returns how many are left. Errors:
// session.ErrChanged when it was used or replaced meanwhile.
func (s *Store) spendRecovery(ctx context.Context, tx *db.Tx, accountID, code string) (left int64, err error) {
	n, err := tx.Exec(ctx, `UPDATE recovery_codes SET used_at = ? WHERE code_hash = ? AND account_id = ? AND used_at = 0`,
		db.Micros(s.Now()), recoveryHash(accountID, code), accountID)
	if err == nil && n == 0 {
		err = session.ErrChanged
	}
	if err != nil {
		return 0, err
	}
	return db.One(ctx, tx, db.Int, `SELECT COUNT(*) FROM recovery_codes WHERE account_id = ? AND used_at = 0`, accountID)
}
