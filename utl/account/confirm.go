package account

import (
	"context"
	"errors"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/mail"
)

// maxEmails is how many email addresses of an account are mailed a link within a
// day: whoever has an account could mail the whole world else.
const maxEmails = 10

// askConfirm mails a link to the account's email address, unless it has none or
// that is confirmed. One that waits, or is disabled, is mailed nothing.
func (s *Store) askConfirm(ctx context.Context, tx *db.Tx, a Account, by audit.Actor) error {
	if a.Email == "" || a.EmailConfirmed || a.Disabled {
		return nil
	}
	oldest, err := db.One(ctx, tx, db.Int, `SELECT at FROM audit WHERE account_id = ? AND event = 'account.email' ORDER BY id DESC LIMIT 1 OFFSET ?`,
		a.ID, maxEmails-1)
	if err == nil && s.Now().Sub(db.Time(oldest)) < LinkLife {
		return nil
	}
	if err != nil && !errors.Is(err, db.ErrNone) {
		return err
	}
	m := s.message(mail.Confirm, a, "", by)
	m.To = a.Email
	return s.mail(ctx, tx, m)
}

// AskConfirm mails a link to the account's email address once more, unless it has
// none or that is confirmed. Errors: ErrName, ErrUnknown, db.ErrUnavailable.
func (s *Store) AskConfirm(ctx context.Context, username string, by audit.Actor) error {
	c, err := s.find(ctx, s.DB, username)
	if err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(tx *db.Tx) error { return s.askConfirm(ctx, tx, c.Account, by) })
}

// Confirm uses the link: its account's email address is confirmed. Errors:
// ErrLink, also when the account has another address by now, ErrEmailTaken,
// ErrLocked, db.ErrUnavailable.
func (s *Store) Confirm(ctx context.Context, code string, by audit.Actor) (Link, error) {
	l, err := s.Link(ctx, Confirm, code)
	if err != nil {
		return l, err
	}
	by.ID, by.Name = l.AccountID, l.Username
	return l, s.edit(ctx, l.Username, by, func(ctx context.Context, tx *db.Tx, a *Account) error {
		if a.ID != l.AccountID || a.Email != l.Email {
			return ErrLink
		}
		a.EmailConfirmed = true
		return s.use(ctx, tx, Confirm, code, *a, by)
	})
}
