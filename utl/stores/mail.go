package stores

import (
	"context"
	"net/url"
	"time"

	"glassjar/utl/config"
	"glassjar/utl/mail"
)

// MailServer returns the mail server in the settings, for a site at the URL public. ok is
// false if mail is not set up.
func MailServer(c config.Config, public *url.URL, now func() time.Time) (s mail.Server, ok bool) {
	return mail.Server{URL: c.SMTPURL.URL(), From: c.MailFrom, Site: c.SiteName, Public: public, Now: now}, c.SMTPURL != nil
}

// Sender returns the sender of the queue's mails, for a site at the URL public.
func (s *Stores) Sender(public *url.URL) *mail.Sender {
	server, _ := MailServer(s.Config, public, s.Accounts.Now)
	return &mail.Sender{Queue: s.Mail, Server: server, Asked: s.Accounts.Forgot, Link: func(ctx context.Context, m mail.Message) (mail.Link, error) {
		kind, code, expires, err := s.Accounts.MailLink(ctx, m)
		if err == nil && code == "" { // a sign-up with the address of an existing account
			return mail.Link{URL: public.JoinPath("auth").String(), Known: true}, nil
		}
		return mail.Link{URL: public.JoinPath(kind, code).String(), Expires: expires}, err
	}}
}
