package webtest

import (
	"testing"

	"glassjar/utl/config"
	"glassjar/utl/mail"
	"glassjar/utl/mail/mailtest"
	"glassjar/utl/stores"
)

// Mailbox is a mail server that receives the site's mails.
type Mailbox struct {
	*mailtest.Server

	Sender *mail.Sender
	seen   int
}

// WithMail sets up mail. Mails wait until Deliver.
func (s *Site) WithMail(tb testing.TB) *Mailbox {
	tb.Helper()
	server := mailtest.Start(tb, "smtp")
	s.Accounts.Mail = mail.NewQueue(s.DB, true, s.Clock.Now, s.Settings.Log)
	st := stores.Stores{Accounts: s.Accounts, Mail: s.Accounts.Mail, Config: config.Config{
		SMTPURL: (*config.MailURL)(server.URL("smtp", "localhost")), MailFrom: "jar@jar.example", SiteName: "Ada's jar",
	}}
	return &Mailbox{Server: server, Sender: st.Sender(s.Settings.PublicURL)}
}

// Deliver sends the queued mails, and returns the mails that arrived since the last call.
func (m *Mailbox) Deliver(tb testing.TB) []mailtest.Mail {
	tb.Helper()
	if err := m.Sender.Send(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	all := m.Mails()[m.seen:]
	m.seen += len(all)
	return all
}

// One calls Deliver and returns the one mail that arrived. It fails the test unless that
// is to the address and has the subject.
func (m *Mailbox) One(tb testing.TB, to, subject string) mailtest.Mail {
	tb.Helper()
	all := m.Deliver(tb)
	if len(all) != 1 || all[0].To != to || all[0].Subject(tb) != subject {
		for _, one := range all {
			tb.Logf("to %s: %s", one.To, one.Subject(tb))
		}
		tb.Fatalf("%d mails came, want one to %s: %s", len(all), to, subject)
	}
	return all[0]
}
