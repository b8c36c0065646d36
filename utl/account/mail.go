package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/mail"
)

// message returns a mail about what by did to the account. Its recipient is the
// account's confirmed address, or empty if there is none.
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

// mail queues the mail in the transaction, if it has a recipient.
func (s *Store) mail(ctx context.Context, tx *db.Tx, m mail.Message) error {
	_, err := s.Mail.Enqueue(ctx, tx, m)
	return err
}

// Mailed reports whether the queue has taken a mail of the kind to the typed address since
// the time: it drops some (mail.MaxDaily, mail.MaxWaiting). Errors: db.ErrUnavailable.
func (s *Store) Mailed(ctx context.Context, kind mail.Kind, email string, since time.Time) (bool, error) {
	return s.Mail.Took(ctx, kind, strings.ToLower(Trim(email)), since)
}

// mailed is the actor in the audit log of the links that mails contain.
var mailed = audit.Actor{Name: "mail"}

// MailLink creates the link of a mail that is about to be sent, and returns its kind,
// code and expiry. The code is empty for a sign-up whose address an account has
// confirmed already. Errors: mail.ErrNotDue when the mail has no purpose any more,
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

// Forgot returns the password reset mail for the account that the typed username or
// email address names. MailLink later checks whether it may be sent. Errors:
// mail.ErrNotDue when there is no such account, db.ErrUnavailable.
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

// mailLink returns the link of a mail about an account, if the mail still has a
// purpose: a reset goes only to the account's confirmed address, a confirmation only
// to its unconfirmed one. A lock link goes to the address that was confirmed when the
// change happened. Errors: mail.ErrNotDue.
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

// mailInvitation stores a second code, the one to mail, with the unused invitation.
// Errors: mail.ErrNotDue.
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
