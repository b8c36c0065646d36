package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/mail"
)

// message returns a mail about the account to its confirmed address, if it has
// one, that tells of what by did.
func (s *Store) message(kind mail.Kind, a Account, detail string, by audit.Actor) mail.Message {
	m := mail.Message{Kind: kind, AccountID: a.ID, Username: a.Username, Detail: detail, At: s.Now(), Address: by.Address, Agent: by.Agent}
	if a.EmailConfirmed {
		m.To = a.Email
	}
	if by.ID != a.ID {
		m.By = by.Name
	}
	if by == audit.Command() {
		m.By = ""
	}
	return m
}

// mail queues the mail in the transaction, if it has an address.
func (s *Store) mail(ctx context.Context, tx *db.Tx, m mail.Message) error {
	_, err := s.Mail.Enqueue(ctx, tx, m)
	return err
}

// mailed is who makes the links that mails have.
var mailed = audit.Actor{Name: "mail"}

// MailLink makes the link of a mail that is being sent: what it is for, its code
// and until when it is good. A sign-up's has no code when an account has the
// address already. Errors: mail.ErrNotDue when it has become pointless meanwhile,
// db.ErrUnavailable.
func (s *Store) MailLink(ctx context.Context, m mail.Message) (kind, code string, expires time.Time, err error) {
	if m.Kind == mail.Invitation {
		code, expires, err = s.mailInvitation(ctx, m.LinkID)
		return Join, code, expires, err
	}
	if m.Kind == mail.SignUp {
		code, expires, err = s.mailSignUp(ctx, m)
		return SignUpLink, code, expires, err
	}
	l, err := s.mailLink(ctx, m)
	if err != nil {
		return "", "", expires, err
	}
	code, err = s.newLink(ctx, l, mailed, nil)
	return l.Kind, code, s.Now().Add(l.life), err
}

// Forgot returns the mail with a link that sets a new password, for whoever the
// typed name is: MailLink says whether it is due. Errors: mail.ErrNotDue when there is
// nobody, db.ErrUnavailable.
func (s *Store) Forgot(ctx context.Context, a mail.Asked) (mail.Message, error) {
	found, err := s.Named(ctx, a.Typed)
	if err != nil {
		return mail.Message{}, err
	}
	if found.ID == "" {
		return mail.Message{}, mail.ErrNotDue
	}
	m := s.message(mail.Reset, found, "", audit.Actor{ID: found.ID, Address: a.Address.String(), Agent: a.Agent})
	m.At = a.At
	return m, nil
}

// mailLink returns the link of a mail about an account, if it is due still: a reset
// goes to the confirmed address alone, a confirmation to one that is the
// account's, a lock to whichever was when it happened. Errors: mail.ErrNotDue.
func (s *Store) mailLink(ctx context.Context, m mail.Message) (Link, error) {
	c, err := one(ctx, s.DB, `id = ?`, m.AccountID)
	if errors.Is(err, ErrUnknown) || err == nil && c.Disabled {
		return Link{}, mail.ErrNotDue
	}
	l := Link{Kind: Lock, AccountID: c.ID, Username: c.Username, life: LinkLife}
	switch m.Kind {
	case mail.Reset:
		if !c.EmailConfirmed || c.Email != m.To || c.Locked(s.Now()) {
			return l, mail.ErrNotDue
		}
		l.Kind = Reset
	case mail.Confirm:
		if c.EmailConfirmed || c.Email != m.To {
			return l, mail.ErrNotDue
		}
		l.Kind, l.Email = Confirm, c.Email
	}
	return l, err
}

// mailInvitation gives the open invitation its second code. Errors:
// mail.ErrNotDue.
func (s *Store) mailInvitation(ctx context.Context, id string) (code string, expires time.Time, err error) {
	code = rand.Text()
	err = s.DB.Tx(ctx, func(tx *db.Tx) error {
		until, err := db.One(ctx, tx, db.Int, `UPDATE links SET mail_hash = ? WHERE `+open+` AND id = ? AND expires_at > ? RETURNING expires_at`,
			hashCode(code), id, db.Micros(s.Now()))
		if errors.Is(err, db.ErrNone) {
			return mail.ErrNotDue
		}
		if err != nil {
			return fmt.Errorf("making an invitation's mailed link: %w", err)
		}
		expires = db.Time(until)
		return s.record(ctx, tx, mailed, "link.made", Account{}, Join)
	})
	return code, expires, err
}
