package passkey

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

// row is a passkey with the public key that verifies it and its account.
type row struct {
	Passkey

	credential webauthn.Credential
	account    session.Verified
}

// #nosec G101 -- it is SQL
const selectPasskeys = `SELECT p.id, p.credential_id, p.rp_id, p.name, p.public_key, p.sign_count, p.flags, p.transports, p.may_sign_in, p.created_at, p.used_at,
	a.id, a.username, a.epoch, a.factor_epoch FROM passkeys p JOIN accounts a ON a.id = p.account_id WHERE a.disabled_at = 0 AND `

func scan(r db.Row) (p row, err error) {
	var key, transports string
	var flags byte
	var may bool
	var made, used int64
	err = r.Scan(&p.ID, &p.Credential, &p.Host, &p.Name, &key, &p.credential.Authenticator.SignCount, &flags, &transports, &may, &made, &used,
		&p.account.AccountID, &p.account.Username, &p.account.Epoch, &p.account.Factors)
	if err == nil {
		p.credential.ID, err = base64.RawURLEncoding.DecodeString(p.Credential)
	}
	if err == nil {
		p.credential.PublicKey, err = base64.RawURLEncoding.DecodeString(key)
	}
	for _, one := range strings.FieldsFunc(transports, func(c rune) bool { return c == ',' }) {
		p.credential.Transport = append(p.credential.Transport, protocol.AuthenticatorTransport(one))
	}
	p.credential.Flags = webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(flags))
	p.MaySignIn, p.Synced, p.CreatedAt = may, p.credential.Flags.BackupState, db.Time(made)
	if used != 0 {
		p.LastUsedAt = db.Time(used)
	}
	return p, err
}

// of returns the account's passkeys, newest first.
func (s *Store) of(ctx context.Context, accountID string) ([]row, error) {
	all, err := db.All(ctx, s.DB, scan, selectPasskeys+`p.account_id = ? ORDER BY p.created_at DESC, p.id LIMIT ?`, accountID, MaxPasskeys)
	if err != nil {
		return nil, fmt.Errorf("listing passkeys: %w", err)
	}
	return all, nil
}

// List returns the account's passkeys, newest first, including those of other hosts.
// Errors: db.ErrUnavailable.
func (s *Store) List(ctx context.Context, accountID string) ([]Passkey, error) {
	rows, err := s.of(ctx, accountID)
	all := make([]Passkey, len(rows))
	for i, one := range rows {
		all[i] = one.Passkey
	}
	return all, err
}

// descriptors returns the descriptors of the account's passkeys for this host, by which
// browsers find them.
func (s *Store) descriptors(ctx context.Context, accountID string) (all []protocol.CredentialDescriptor, err error) {
	rows, err := s.of(ctx, accountID)
	for _, one := range rows {
		if one.Host == s.host {
			all = append(all, one.credential.Descriptor())
		}
	}
	return all, err
}

// checkName returns the typed name as it is stored: trimmed. Errors: ErrName.
func checkName(typed string) (string, error) {
	name := strings.TrimSpace(typed)
	n := utf8.RuneCountInString(name)
	if n < 1 || n > 64 || !utf8.ValidString(name) || strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) {
		return "", ErrName
	}
	return name, nil
}

// Rename changes the name of the account's passkey with the ID. Errors: ErrName,
// ErrUnknown, also when it is another account's; db.ErrUnavailable.
func (s *Store) Rename(ctx context.Context, of identity.Identity, id, typed string, by audit.Actor) error {
	name, err := checkName(typed)
	if err != nil {
		return err
	}
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE passkeys SET name = ? WHERE account_id = ? AND id = ?`, name, of.ID, id)
		if err == nil && n == 0 {
			return ErrUnknown
		}
		if err != nil {
			return err
		}
		return s.record(ctx, tx, by, "passkey.renamed", of, name)
	})
	if err != nil {
		return fmt.Errorf("renaming a passkey: %w", err)
	}
	return nil
}

// Remove deletes the account's passkey with the ID, and ends the account's sessions except
// the one with the sid. Errors: ErrUnknown, also when it is another account's;
// db.ErrUnavailable.
func (s *Store) Remove(ctx context.Context, of identity.Identity, id, sid string, by audit.Actor) error {
	err := s.changing(ctx, of, sid, by, func(tx *db.Tx) error {
		name, err := db.One(ctx, tx, db.Text, `DELETE FROM passkeys WHERE account_id = ? AND id = ? RETURNING name`, of.ID, id)
		if errors.Is(err, db.ErrNone) {
			return ErrUnknown
		}
		if err != nil {
			return err
		}
		if err := s.notify(ctx, tx, of, "A passkey was removed: "+name+".", by); err != nil {
			return err
		}
		if err := s.record(ctx, tx, by, "passkey.removed", of, name); err != nil || s.LastRecovery == nil {
			return err
		}
		return s.LastRecovery(ctx, tx, of.ID)
	})
	if err != nil {
		return fmt.Errorf("removing a passkey: %w", err)
	}
	return nil
}

// changing runs fn, which adds or removes a passkey, and ends the account's sessions
// except the one with the sid, in one transaction. Known devices and app passwords stay
// valid. Errors: ErrUnknown when the account was deleted or disabled, and fn's.
func (s *Store) changing(ctx context.Context, of identity.Identity, sid string, by audit.Actor, fn func(*db.Tx) error) error {
	err := s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := session.FactorsChanged(ctx, tx, s.Now(), by, of.ID, sid); errors.Is(err, session.ErrChanged) {
			return ErrUnknown
		} else if err != nil {
			return err
		}
		return fn(tx)
	})
	if err == nil {
		s.Sessions.InvalidateAccount(of.ID)
	}
	return err
}

// notify calls Changed, if it is set.
func (s *Store) notify(ctx context.Context, tx *db.Tx, of identity.Identity, detail string, by audit.Actor) error {
	if s.Changed == nil {
		return nil
	}
	return s.Changed(ctx, tx, of.ID, detail, by)
}

func (s *Store) record(ctx context.Context, tx *db.Tx, by audit.Actor, kind string, of identity.Identity, detail string) error {
	return audit.Record(ctx, tx, s.Now(), by, audit.Event{Kind: kind, AccountID: of.ID, Username: of.Username, Detail: detail})
}
