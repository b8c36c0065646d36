package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/hosts"
	"glassjar/utl/mail"
	"glassjar/utl/session"
)

const (
	maxName  = 64  // characters of a display name
	maxEmail = 254 // bytes of an email address (RFC 5321, section 4.5.3.1.3)
)

var (
	// ErrDisplayName means that the display name is malformed.
	ErrDisplayName = errors.New("a name is at most 64 characters on one line")
	// ErrEmail means that the email address is malformed.
	ErrEmail = errors.New("an email address is like ada@site.example, of at most 254 characters, in ASCII")
	// ErrEmailTaken means that another account has confirmed the email address.
	ErrEmailTaken = errors.New("another account has confirmed this email address")
)

// SetName sets the display name; "" removes it. Errors: ErrDisplayName, ErrName,
// ErrUnknown, db.ErrUnavailable.
func (s *Store) SetName(ctx context.Context, username, typed string, by audit.Actor) error {
	name, err := displayName(typed)
	if err != nil {
		return err
	}
	return s.edit(ctx, username, by, func(_ context.Context, _ *db.Tx, a *Account) error {
		a.Name = name
		return nil
	})
}

// SetEmail sets the email address; "" removes it. An unconfirmed address is mailed a
// confirmation link. Until it is confirmed, apps do not receive it, nobody signs in
// with it, and another account may have it too. Errors: ErrEmail, ErrEmailTaken,
// ErrLocked, ErrName, ErrUnknown, db.ErrUnavailable.
func (s *Store) SetEmail(ctx context.Context, username, typed string, confirmed bool, by audit.Actor) error {
	email, err := emailAddress(typed)
	if err != nil {
		return err
	}
	return s.edit(ctx, username, by, func(_ context.Context, _ *db.Tx, a *Account) error {
		a.Email, a.EmailConfirmed = email, confirmed && email != ""
		return nil
	})
}

// SetProfile sets the display name and the email address, both or neither. An
// unchanged address stays confirmed if it was; a new one is mailed a confirmation
// link. Errors: SetName's and SetEmail's.
func (s *Store) SetProfile(ctx context.Context, username, typedName, typedEmail string, by audit.Actor) error {
	name, err := displayName(typedName)
	if err != nil {
		return err
	}
	email, err := emailAddress(typedEmail)
	if err != nil {
		return err
	}
	return s.edit(ctx, username, by, func(_ context.Context, _ *db.Tx, a *Account) error {
		a.EmailConfirmed = a.EmailConfirmed && a.Email == email
		a.Name, a.Email = name, email
		return nil
	})
}

// SetRole makes the account an owner or a member. Errors: ErrRole, ErrLastOwner,
// ErrName, ErrUnknown, db.ErrUnavailable.
func (s *Store) SetRole(ctx context.Context, username, role string, by audit.Actor) error {
	if role != Owner && role != Member {
		return ErrRole
	}
	return s.edit(ctx, username, by, func(ctx context.Context, tx *db.Tx, a *Account) error {
		if role == Member {
			if err := keepsOwner(ctx, tx, *a); err != nil {
				return err
			}
		}
		a.Role = role
		return nil
	})
}

// edit lets change modify the account that the transaction reads, writes the result,
// and writes an audit entry for each field that differs. The account's sessions show
// the new values at once on this server, and within a second on others.
func (s *Store) edit(ctx context.Context, username string, by audit.Actor, change func(context.Context, *db.Tx, *Account) error) error {
	c, err := s.find(ctx, s.DB, username)
	if err != nil {
		return err
	}
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		if err := session.LockAccount(ctx, tx, c.ID); err != nil {
			return err
		}
		now, err := one(ctx, tx, `id = ?`, c.ID)
		if err != nil {
			return err
		}
		before := now.Account
		if err := change(ctx, tx, &now.Account); err != nil || now.Account == before {
			return err
		}
		if err := s.emailChanges(ctx, tx, before, now.Account, by); err != nil {
			return err
		}
		if err := s.update(ctx, tx, now.Account); err != nil {
			return err
		}
		for _, e := range edits(before, now.Account) {
			if err := s.record(ctx, tx, by, e.kind, now.Account, e.detail); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("changing the account %q: %w", c.Username, err)
	}
	s.Sessions.InvalidateAccount(c.ID)
	return nil
}

// emailChanges refuses a changed email address while the account is locked. It sends
// a notice to the previous address and a confirmation link to the new one. Errors:
// ErrLocked.
func (s *Store) emailChanges(ctx context.Context, tx *db.Tx, before, now Account, by audit.Actor) error {
	if before.Email == now.Email && before.EmailConfirmed == now.EmailConfirmed {
		return nil
	}
	if before.Locked(s.Now()) {
		return ErrLocked
	}
	if before.Email == now.Email {
		return nil
	}
	detail := "removed"
	if now.Email != "" {
		detail = "changed to " + now.Email
	}
	if err := s.addNotice(ctx, tx, mail.EmailChanged, before, detail, by); err != nil {
		return err
	}
	return s.askConfirm(ctx, tx, now, by)
}

// factEvent is the audit event of a changed field; detail is its new value.
type factEvent struct{ kind, detail string }

// edits returns the events of the fields that differ, at most five.
func edits(before, now Account) (all []factEvent) {
	if before.Name != now.Name {
		all = append(all, factEvent{"account.name", now.Name})
	}
	if before.Email != now.Email || before.EmailConfirmed && !now.EmailConfirmed {
		all = append(all, factEvent{"account.email", now.Email})
	}
	if now.EmailConfirmed && (!before.EmailConfirmed || before.Email != now.Email) {
		all = append(all, factEvent{"account.confirmed", now.Email})
	}
	if before.Role != now.Role {
		all = append(all, factEvent{"account.role", now.Role})
	}
	if before.Groups != now.Groups {
		all = append(all, factEvent{"account.groups", now.Groups})
	}
	return all
}

// update writes the account's identity, and marks its sessions as changed, so that
// every server reads them again.
func (s *Store) update(ctx context.Context, tx *db.Tx, a Account) error {
	if err := writePerson(ctx, tx, a); err != nil {
		return err
	}
	return session.AccountChanged(ctx, tx, s.Now(), a.ID)
}

// writePerson writes the account's identity and its search index. Errors:
// ErrEmailTaken.
func writePerson(ctx context.Context, tx *db.Tx, a Account) error {
	_, err := tx.Exec(ctx, `UPDATE accounts SET name = ?, role = ?, group_names = ?, email = ?, email_confirmed = ? WHERE id = ?`,
		a.Name, a.Role, a.Groups, a.Email, db.Flag(a.EmailConfirmed), a.ID)
	if errors.Is(err, db.ErrConflict) {
		return ErrEmailTaken
	}
	if err == nil {
		err = indexPerson(ctx, tx, a)
	}
	return err
}

// displayName returns the name as it is stored: trimmed, in Unicode normalization
// form C (NFC). Errors: ErrDisplayName.
func displayName(typed string) (string, error) {
	name := norm.NFC.String(Trim(typed))
	bad := func(c rune) bool { return !unicode.IsPrint(c) || unicode.In(c, unicode.Cf, unicode.Bidi_Control) }
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName || strings.ContainsFunc(name, bad) {
		return "", ErrDisplayName
	}
	return name, nil
}

// emailAddress returns the address as it is stored: trimmed, in lower case. Errors:
// ErrEmail.
func emailAddress(typed string) (string, error) {
	email := strings.ToLower(Trim(typed))
	if email != "" && (len(email) > maxEmail || !hosts.IsMail(email)) {
		return "", ErrEmail
	}
	return email, nil
}

// SameEmail reports whether the typed email address equals the stored one.
func SameEmail(typed, stored string) bool { return strings.ToLower(Trim(typed)) == stored }
