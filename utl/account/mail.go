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
// and until when it is good. Errors: mail.ErrNotDue when it has become pointless
// meanwhile, db.ErrUnavailable.
func (s *Store) MailLink(ctx context.Context, m mail.Message) (kind, code string, expires time.Time, err error) {
	switch m.Kind {
	case mail.Invitation:
		code, expires, err = s.mailInvitation(ctx, m.LinkID)
		return Join, code, expires, err
	case mail.Reset:
		a, err := s.reachable(ctx, m)
		if err != nil {
			return "", "", expires, err
		}
		code, err = s.newLink(ctx, resetLink(a), mailed, nil)
		return Reset, code, s.Now().Add(LinkLife), err
	}
	return "", "", expires, fmt.Errorf("no link goes with a mail of kind %q", m.Kind)
}

// reachable returns the account that the mail is about, if the mail's address is
// still its confirmed one. Errors: mail.ErrNotDue.
func (s *Store) reachable(ctx context.Context, m mail.Message) (Account, error) {
	c, err := one(ctx, s.DB, `id = ?`, m.AccountID)
	if errors.Is(err, ErrUnknown) || err == nil && (c.Disabled || !c.EmailConfirmed || c.Email != m.To) {
		err = mail.ErrNotDue
	}
	return c.Account, err
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
