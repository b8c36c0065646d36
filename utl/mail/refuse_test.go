package mail_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"glassjar/utl/mail"
	"glassjar/utl/mail/mailtest"
)

func refusal(code int) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCodeNotSet, Message: "not this\u202eone"}
}

// refuse answers the address with the code, and all others with 250.
func refuse(code int, address string) func(string) error {
	return func(to string) error {
		if to == address {
			return refusal(code)
		}
		return nil
	}
}

// The refusal of one mail does not affect others.
func TestRefused(t *testing.T) { // Attack mail/server
	w, s := newWorld(t), mailtest.Start(t, "starttls")
	sender := w.sender(t, s.URL("smtp", "0.0.0.0"))
	greylisted := true
	s.Rcpt = func(to string) error {
		if to == "later@b" && greylisted {
			return refusal(450)
		}
		return refuse(550, "unknown@b")(to)
	}
	s.Data = func(m mailtest.Mail) error { return refuse(554, "spam@b")(m.To) }
	w.put(t, sender.Queue, message(mail.Reset, "unknown@b"), message(mail.Reset, "later@b"), message(mail.Reset, "spam@b"), message(mail.Reset, "a@b"))
	mustSend(t, sender)
	came(t, s, "a@b")
	all, err := sender.Queue.Failed(t.Context(), 10)
	if err != nil || len(all) != 2 || !strings.Contains(all[0].Why, "554 ") || strings.Contains(all[0].Why+all[1].Why, "affected") {
		t.Errorf("given up: %+v, error %v", all, err)
	}
	greylisted = false
	mustSend(t, sender)
	came(t, s, "a@b")
	w.pass(time.Minute)
	mustSend(t, sender)
	came(t, s, "a@b", "later@b")
}

// Attack mail/server: a mail server that closes the connection (421) counts as down.
func TestTheMailServerClosesDown(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	s.Rcpt = func(string) error { return refusal(421) }
	w.put(t, sender.Queue, message(mail.Reset, "a@b"), message(mail.Reset, "c@d"))
	if err := sender.Send(t.Context()); err == nil || !strings.Contains(err.Error(), "421 ") || s.Attempts() != 1 {
		t.Errorf("got error %v after %d mails", err, s.Attempts())
	}
	mustSend(t, sender) // the sender pauses
	if s.Attempts() != 1 {
		t.Errorf("%d mails were tried", s.Attempts())
	}
}

// A mail server that refuses every mail of ours counts as down: somebody may correct the
// settings.
func TestTheMailServerWantsUsNot(t *testing.T) { // Attack mail/server
	for name, spoil := range map[string]func(*mailtest.Server, *mail.Sender){
		"the sender": func(s *mailtest.Server, _ *mail.Sender) { s.MailFrom = refuse(550, "jar@site.example") },
		"the user":   func(_ *mailtest.Server, sender *mail.Sender) { sender.Server.URL.User = nil },
		"the password": func(_ *mailtest.Server, sender *mail.Sender) {
			sender.Server.URL.User = url.UserPassword(mailtest.User, "wrong")
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, s := newWorld(t), mailtest.Start(t, "starttls")
			sender := w.sender(t, s.URL("smtp", "0.0.0.0"))
			good := *sender.Server.URL
			spoil(s, sender)
			w.put(t, sender.Queue, message(mail.Reset, "a@b"), message(mail.Reset, "c@d"))
			err := sender.Send(t.Context())
			if err == nil || strings.Contains(err.Error()+w.log.String()+w.rows(t), mailtest.Password) {
				t.Errorf("got error %v", err)
			}
			s.MailFrom, sender.Server.URL = nil, &good
			w.pass(time.Minute)
			mustSend(t, sender)
			if n := len(s.Mails()); n != 2 {
				t.Errorf("%d mails came, want 2", n)
			}
		})
	}
}

// Attack mail/in-the-clear: no password and no mail is sent to another machine without TLS,
// or to one whose certificate is not trusted.
func TestInTheClear(t *testing.T) {
	for _, tt := range []struct{ name, kind, scheme, host, want string }{
		{"no STARTTLS", "smtp", "smtp", "0.0.0.0", "does not support STARTTLS"},
		{"a certificate of nobody", "stranger", "smtp", "0.0.0.0", "x509: certificate signed by unknown authority"},
		{"another's certificate", "smtps", "smtps", "127.0.0.1", "x509: certificate is valid for 0.0.0.0, not 127.0.0.1"},
		{"plain where TLS is due", "smtp", "smtps", "localhost", "first record does not look like a TLS handshake"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, s := newWorld(t), mailtest.Start(t, tt.kind)
			sender := w.sender(t, s.URL(tt.scheme, tt.host))
			sender.Server.URL.User = url.UserPassword(mailtest.User, mailtest.Password)
			w.put(t, sender.Queue, message(mail.Reset, "a@b"))
			if err := sender.Send(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) || s.Attempts() > 0 || s.Asked() > 0 {
				t.Errorf("got error %v, %d senders, %d passwords", err, s.Attempts(), s.Asked())
			}
		})
	}
}

func TestTLSFromTheStart(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtps")
	sender := w.sender(t, s.URL("smtps", "localhost"))
	w.put(t, sender.Queue, message(mail.Reset, "a@b"))
	mustSend(t, sender)
	came(t, s, "a@b")
}

// A mail server on this machine may have any certificate, or none.
func TestLoopback(t *testing.T) {
	for _, kind := range []string{"stranger", "smtp"} {
		for _, host := range []string{"localhost", "127.0.0.1", "::ffff:127.0.0.1"} {
			w, s := newWorld(t), mailtest.Start(t, kind)
			sender := w.sender(t, s.URL("smtp", host))
			w.put(t, sender.Queue, message(mail.Reset, "a@b"))
			mustSend(t, sender)
			came(t, s, "a@b")
		}
	}
}
