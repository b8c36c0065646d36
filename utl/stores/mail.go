package stores

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/config"
	"glassjar/utl/mail"
)

// MailServer returns the mail server that the settings name, for a site at the
// URL public, and reports whether they name one.
func MailServer(c config.Config, public *url.URL, now func() time.Time) (s mail.Server, ok bool) {
	return mail.Server{URL: c.SMTPURL.URL(), From: c.MailFrom, Site: c.SiteName, Public: public, Now: now}, c.SMTPURL != nil
}

// Sender returns what sends the queue's mails for a site at the URL public.
func (s *Stores) Sender(public *url.URL) *mail.Sender {
	server, _ := MailServer(s.Config, public, s.Accounts.Now)
	return &mail.Sender{Queue: s.Mail, Server: server, Link: func(ctx context.Context, m mail.Message) (mail.Link, error) {
		kind, code, err := s.link(ctx, m)
		if errors.Is(err, account.ErrUnknown) || errors.Is(err, account.ErrDisabled) || errors.Is(err, account.ErrEmailTaken) {
			err = mail.ErrNotDue
		}
		return mail.Link{URL: public.JoinPath(kind, code).String(), Expires: s.Accounts.Now().Add(account.LinkLife)}, err
	}}
}

// link makes the link of a mail that is being sent. Errors: account.ErrUnknown
// where the account is another by now, and those of NewInvitation and NewReset.
func (s *Stores) link(ctx context.Context, m mail.Message) (kind, code string, err error) {
	by := audit.Actor{Name: "mail"}
	switch m.Kind {
	case mail.Invitation:
		code, err = s.Accounts.NewInvitation(ctx, account.Invitation{Role: m.Detail, Email: m.To}, by)
		return account.Join, code, err
	case mail.Reset:
		a, err := s.Accounts.Find(ctx, m.Username)
		if err != nil || a.ID != m.AccountID {
			return "", "", errors.Join(err, account.ErrUnknown)
		}
		code, err = s.Accounts.NewReset(ctx, m.Username, by)
		return account.Reset, code, err
	}
	return "", "", fmt.Errorf("no link goes with a mail of kind %q", m.Kind)
}
