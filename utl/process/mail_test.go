package process

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/audit"
	"glassjar/utl/db"
	"glassjar/utl/mail"
	"glassjar/utl/mail/mailtest"
)

// The program sends what another process queued. A mail on whose way it is killed
// is left alone for its lease, and then sent by the next start.
// Neither the mail server's password nor a link's code is in the log.
func TestMails(t *testing.T) { // Attack mail/twice, secrets/canaries
	server := mailtest.Start(t, "stranger")
	folder := t.TempDir()
	settings := []string{"LOG_LEVEL=debug", "SMTP_URL=" + server.URL("smtp", "127.0.0.1").String(), "MAIL_FROM=jar@site.example"}
	p := start(t, folder, settings...)
	p.owner("ada")
	st := beside(t, folder)
	defer st.close()
	st.accounts.Mail = mail.NewQueue(st.db, true, time.Now, slog.New(slog.DiscardHandler))
	invite := func(to string) {
		t.Helper()
		if _, err := st.accounts.NewInvitation(context.Background(), account.Invitation{Role: account.Member, Email: to}, audit.Command()); err != nil {
			t.Fatal(err)
		}
	}
	invite("a@b")
	p.eventually("the mail comes", func() bool { return len(server.Mails()) == 1 })
	if got := string(server.Mails()[0].Raw); !strings.Contains(got, p.url+"/join/") {
		t.Errorf("no link to %s in\n%s", p.url, got)
	}

	sending, release := make(chan struct{}), make(chan struct{})
	server.Data = func(net.Conn, mailtest.Mail) error { close(sending); <-release; return nil }
	invite("c@d")
	<-sending
	p.kill()
	server.Data = nil
	close(release)
	p = start(t, folder, settings...)
	const leased = `SELECT COUNT(*) FROM mails WHERE recipient = 'c@d' AND tries = 1 AND sent_at = 0 AND next_at > ?`
	if n, err := db.One(context.Background(), st.db, db.Int, leased, db.Micros(time.Now().Add(10*time.Minute))); n != 1 || err != nil {
		t.Errorf("%d mails are left to the killed server, error %v; want 1", n, err)
	}
	if err := st.db.Tx(context.Background(), func(tx *db.Tx) error { // as if the lease had ended
		_, err := tx.Exec(context.Background(), `UPDATE mails SET next_at = 0`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	p.eventually("the mail comes again", func() bool { return len(server.Mails()) == 3 })
	if all := server.Mails(); all[1].Header.Get("Message-Id") != all[2].Header.Get("Message-Id") {
		t.Errorf("two mails came: %v and %v", all[1].Header, all[2].Header)
	}
	p.stop()
	_, code, _ := strings.Cut(string(server.Mails()[2].Raw), "/join/")
	c := canaries{"the mail server's password": mailtest.Password, "a link's code": code[:26]}
	c.heard(t, "the log", p.stderr.String())
	if !strings.Contains(p.stderr.String(), "smtp_url=smtp://127.0.0.1:") {
		t.Errorf("the log is not at its most talkative:\n%s", p.stderr)
	}
}
