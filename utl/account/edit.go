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
	// ErrDisplayName means that the display name is not of the form of one.
	ErrDisplayName = errors.New("a name is at most 64 characters on one line")
	// ErrEmail means that the email address is not of the form of one.
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

// SetEmail sets the email address; "" removes it. One that is not confirmed is
// told to no app, signs nobody in and keeps nobody else from it; a link that
// confirms it is mailed there. Errors: ErrEmail, ErrEmailTaken, ErrLocked, ErrName,
// ErrUnknown, db.ErrUnavailable.
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

// SetProfile sets the display name and the email address, both or neither. The
// address that the account has already stays confirmed if it was; to one that is
// not confirmed a link is mailed. Errors: SetName's and SetEmail's.
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

// edit changes who the account is, as change makes it, and has its sessions know
// at once, on other servers within a second. Each fact that is another then is
// recorded.
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

// emailChanges refuses another email address while the account is locked, and
// tells the one before of it; to the new one it mails a link that confirms it.
// Errors: ErrLocked.
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

// factEvent is the event of a fact that was changed, and what it is now.
type factEvent struct{ kind, detail string }

// edits returns the events of the facts that differ: at most five.
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

// update writes who the account is, and has its sessions know.
func (s *Store) update(ctx context.Context, tx *db.Tx, a Account) error {
	if err := writePerson(ctx, tx, a); err != nil {
		return err
	}
	return session.AccountChanged(ctx, tx, s.Now(), a.ID)
}

// writePerson writes who the account is, and what it is found by. Errors:
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

// displayName returns the name as it is kept: in Unicode's NFC, trimmed.
// Errors: ErrDisplayName.
func displayName(typed string) (string, error) {
	name := norm.NFC.String(Trim(typed))
	bad := func(c rune) bool { return !unicode.IsPrint(c) || unicode.In(c, unicode.Cf, unicode.Bidi_Control) }
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > maxName || strings.ContainsFunc(name, bad) {
		return "", ErrDisplayName
	}
	return name, nil
}

// emailAddress returns the address as it is kept: trimmed, in lower case.
// Errors: ErrEmail.
func emailAddress(typed string) (string, error) {
	email := strings.ToLower(Trim(typed))
	if email != "" && (len(email) > maxEmail || !hosts.IsMail(email)) {
		return "", ErrEmail
	}
	return email, nil
}

// SameEmail reports whether the typed email address is the one that is kept.
func SameEmail(typed, kept string) bool { return strings.ToLower(Trim(typed)) == kept }
