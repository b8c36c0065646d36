package mail_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/mail"
	"glassjar/utl/mail/mailtest"
)

// Mails of this server are sent at once, those of another server within 5 s; the end of ctx
// ends Run.
func TestRun(t *testing.T) {
	dbtest.OnlySQLite(t, "goroutines of the driver for PostgreSQL outlive the test's bubble")
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	other := w.queue(t)
	synctest.Test(t, func(t *testing.T) {
		sender := w.sender(t, s.URL("smtp", "localhost"))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { sender.Run(ctx); close(done) }()
		synctest.Wait()
		w.put(t, sender.Queue, message(mail.Reset, "a@b"))
		time.Sleep(time.Second)
		came(t, s, "a@b")
		w.put(t, other, message(mail.Reset, "c@d"))
		time.Sleep(time.Second)
		came(t, s, "a@b")
		time.Sleep(5 * time.Second)
		came(t, s, "a@b", "c@d")
		cancel()
		<-done
	})
}

// When the program stops while sending, the mail server gets a few seconds to answer; then
// the mail returns to the queue at once.
func TestStopWhileSending(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	s.Data = func(mailtest.Mail) error { cancel(); <-release; return refusal(450) }
	w.put(t, sender.Queue, message(mail.Reset, "a@b"), message(mail.Reset, "c@d"))
	if err := sender.Send(ctx); err == nil || !strings.Contains(err.Error(), "use of closed network connection") {
		t.Errorf("got error %v", err)
	}
	close(release)
	s.Data = nil
	mustSend(t, w.sender(t, s.URL("smtp", "localhost")))
	came(t, s, "c@d", "a@b")
}

// The stop waits for the answer to the mail that is being sent.
func TestStopLetsAMailFinish(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	ctx, cancel := context.WithCancel(t.Context())
	s.Data = func(mailtest.Mail) error { cancel(); return nil }
	w.put(t, sender.Queue, message(mail.Reset, "a@b"), message(mail.Reset, "c@d"))
	if err := sender.Send(ctx); err != nil {
		t.Error(err)
	}
	came(t, s, "a@b")
	mustSend(t, w.sender(t, s.URL("smtp", "localhost")))
	came(t, s, "a@b", "c@d")
}

func TestTest(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtps")
	if err := server(s.URL("smtps", "localhost"), w.Now).Test(t.Context(), "a@b"); err != nil {
		t.Fatal(err)
	}
	came(t, s, "a@b")
	m := s.Mails()[0]
	if text, html := m.Parts(t); m.Subject(t) != "Mail from Ada's jar works" || !strings.Contains(text, "Mail from Ada's jar arrives") || strings.Contains(html, "href") {
		t.Errorf("the mail is %q\n%s\n%s", m.Subject(t), text, html)
	}
	s.Rcpt = refuse(550, "a@b")
	if err := server(s.URL("smtps", "localhost"), w.Now).Test(t.Context(), "a@b"); err == nil || !strings.Contains(err.Error(), "550 ") || strings.Contains(err.Error(), "affected") {
		t.Errorf("got error %v", err)
	}
	if err := server(down(t).URL("smtp", "localhost"), w.Now).Test(t.Context(), "a@b"); err == nil {
		t.Error("got no error")
	}
}
