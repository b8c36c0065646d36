package process

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/mail"
	"glassjar/utl/mail/mailtest"
)

// mailed is a program that sends mails, and a queue of another process.
type mailed struct {
	*program

	t        *testing.T
	server   *mailtest.Server
	beside   *stores
	settings []string
}

func newMailed(t *testing.T) *mailed {
	t.Helper()
	m := &mailed{t: t, server: mailtest.Start(t, "stranger")}
	m.settings = []string{"LOG_LEVEL=debug", "SMTP_URL=" + m.server.URL("smtp", "127.0.0.1").String(), "MAIL_FROM=jar@site.example"}
	m.program = start(t, t.TempDir(), m.settings...)
	m.owner("ada")
	m.beside = beside(t, m.folder)
	t.Cleanup(m.beside.close)
	m.beside.accounts.Mail = mail.NewQueue(m.beside.db, true, time.Now, slog.New(slog.DiscardHandler))
	return m
}

// invites queues an invitation's mail.
func (m *mailed) invites(to string) {
	m.t.Helper()
	if _, err := m.beside.accounts.NewInvitation(context.Background(), account.Invitation{Role: account.Member, Email: to}, audit.Command()); err != nil {
		m.t.Fatal(err)
	}
}

// killedSending queues a mail, and kills the program while it sends the mail's text.
func (m *mailed) killedSending(to string) {
	m.t.Helper()
	sending, release := make(chan struct{}), make(chan struct{})
	m.server.Data = func(mailtest.Mail) error { close(sending); <-release; return nil }
	m.invites(to)
	<-sending
	m.kill()
	m.server.Data = nil
	close(release)
}

// leaseEnds makes the lease of every mail end.
func (m *mailed) leaseEnds() {
	m.t.Helper()
	if err := m.beside.db.Tx(context.Background(), func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), `UPDATE mails SET next_at = 0`)
		return err
	}); err != nil {
		m.t.Fatal(err)
	}
}

// The program sends what another process queued. A mail during whose sending it is killed
// waits for the end of its lease, and is sent after the next start. The log contains
// neither the mail server's password nor a link's code.
func TestMails(t *testing.T) { // Attack mail/twice, secrets/canaries
	m := newMailed(t)
	m.invites("a@b")
	m.eventually("the mail comes", func() bool { return len(m.server.Mails()) == 1 })
	if got := string(m.server.Mails()[0].Raw); !strings.Contains(got, m.url+"/join/") {
		t.Errorf("no link to %s in\n%s", m.url, got)
	}

	m.killedSending("c@d")
	m.program = start(t, m.folder, m.settings...)
	const leased = `SELECT COUNT(*) FROM mails WHERE recipient = 'c@d' AND tries = 1 AND sent_at = 0 AND next_at > ?`
	if n, err := db.One(context.Background(), m.beside.db, db.Int, leased, db.Micros(time.Now().Add(10*time.Minute))); n != 1 || err != nil {
		t.Errorf("%d mails are left to the killed server, error %v; want 1", n, err)
	}
	m.leaseEnds()
	m.eventually("the mail comes again", func() bool { return len(m.server.Mails()) == 3 })
	if all := m.server.Mails(); all[1].Header.Get("Message-Id") != all[2].Header.Get("Message-Id") {
		t.Errorf("two mails came: %v and %v", all[1].Header, all[2].Header)
	}
	m.stop()
	_, code, _ := strings.Cut(string(m.server.Mails()[2].Raw), "/join/")
	c := canaries{"the mail server's password": mailtest.Password, "a link's code": code[:26]}
	c.heard(t, "the log", m.stderr.String())
	if !strings.Contains(m.stderr.String(), "smtp_url=smtp://127.0.0.1:") {
		t.Errorf("the log is not at its most talkative:\n%s", m.stderr)
	}
}
