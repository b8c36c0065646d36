package account

import (
	"context"
	"errors"

	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/mail"
)

// maxEmails is how many of an account's email addresses are mailed a link within a
// day (LinkLife). Without the limit, anybody with an account could have the site mail
// any number of strangers.
const maxEmails = 10

// askConfirm mails a confirmation link to the account's email address. It sends
// nothing if the account has no address, the address is confirmed, or the account is
// disabled or waits for approval.
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

// AskConfirm mails one more confirmation link to the account's email address. It
// sends nothing if the account has no address, the address is confirmed, or
// maxEmails is reached. Errors: ErrName, ErrUnknown, db.ErrUnavailable.
func (s *Store) AskConfirm(ctx context.Context, username string, by audit.Actor) error {
	c, err := s.find(ctx, s.DB, username)
	if err != nil {
		return err
	}
	return s.DB.Tx(ctx, func(tx *db.Tx) error { return s.askConfirm(ctx, tx, c.Account, by) })
}

// Confirm uses the link with the code to confirm its account's email address. Errors:
// ErrLink, also when the account now has another address, ErrEmailTaken, ErrLocked,
// db.ErrUnavailable.
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
