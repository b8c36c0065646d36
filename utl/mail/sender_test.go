package mail_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/mail"
	"glassjar/utl/mail/mailtest"
)

// down returns the URL of a mail server that is not running.
func down(t *testing.T) *mailtest.Server {
	t.Helper()
	s := mailtest.Start(t, "smtp")
	s.Stop()
	return s
}

// A mail server that is down delays mails. Other servers, and a restarted one, send them
// later, each once.
func TestTheMailServerIsDown(t *testing.T) { // Attack mail/server
	w := newWorld(t)
	sender := w.sender(t, down(t).URL("smtp", "localhost"))
	w.put(t, sender.Queue, message(mail.Reset, "a@b"), message(mail.Reset, "c@d"))
	if err := sender.Send(t.Context()); err == nil || !strings.Contains(err.Error(), "connecting to the mail server: ") {
		t.Fatalf("got error %v", err)
	}
	if w.links != 0 {
		t.Error("a link was made that nobody got")
	}
	up := mailtest.Start(t, "smtp")
	sender.Server.URL = up.URL("smtp", "localhost")
	mustSend(t, sender) // the sender pauses
	came(t, up)
	w.pass(15 * time.Second)
	mustSend(t, sender)
	came(t, up, "c@d") // this mail was not tried
	w.pass(time.Minute)
	again := w.sender(t, sender.Server.URL)
	mustSend(t, again)
	came(t, up, "c@d", "a@b")
	w.pass(time.Hour)
	mustSend(t, again)
	mustSend(t, sender)
	came(t, up, "c@d", "a@b")
}

// A mail server that is down is tried rarely, however many mails wait. After a day they are
// given up, with the reason.
func TestGivenUpAfterADay(t *testing.T) { // Attack mail/server
	w := newWorld(t)
	sender := w.sender(t, down(t).URL("smtp", "localhost"))
	for _, to := range []string{"a@b", "c@d", "e@f"} {
		w.put(t, sender.Queue, message(mail.Reset, to))
	}
	tries, start := 0, w.Now()
	for w.Now().Sub(start) < 26*time.Hour {
		if err := sender.Send(t.Context()); err != nil {
			tries++
		}
		if err := sender.Queue.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Minute)
	}
	if tries < 50 || tries > 300 {
		t.Errorf("%d tries in a day, want about one in 5 minutes", tries)
	}
	all, err := sender.Queue.Failed(t.Context(), 10)
	if err != nil || len(all) != 3 {
		t.Fatalf("given up: %v, error %v; want 3", all, err)
	}
	for _, f := range all {
		if f.Kind != mail.Reset || f.AccountID != "id of "+f.To || f.GaveUp.Sub(f.CreatedAt) < 24*time.Hour || !strings.Contains(f.Why, "connection refused") {
			t.Errorf("given up: %+v", f)
		}
	}
}

// If the connection breaks after the mail and before its answer, the mail is sent again with
// the same Message-ID.
func TestTheAnswerIsLost(t *testing.T) { // Attack mail/server
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	cut := true
	s.Data = func(mailtest.Mail) error {
		if cut {
			cut = false
			return mailtest.ErrCut
		}
		return nil
	}
	w.put(t, sender.Queue, message(mail.Reset, "a@b"))
	if err := sender.Send(t.Context()); err == nil {
		t.Error("got no error")
	}
	w.pass(time.Minute)
	mustSend(t, sender)
	came(t, s, "a@b", "a@b")
	all := s.Mails()
	if a, b := all[0].Header.Get("Message-Id"), all[1].Header.Get("Message-Id"); a != b || a == "" {
		t.Errorf("the mails are %s and %s", a, b)
	}
}

// If the connection breaks after the answer, the mail counts as sent.
func TestTheLineIsCutAfterTheAnswer(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	s.Answered = func(c net.Conn) { _ = c.Close() }
	w.put(t, sender.Queue, message(mail.Reset, "a@b"))
	if err := sender.Send(t.Context()); err != nil {
		t.Error(err)
	}
	w.pass(time.Hour)
	mustSend(t, sender)
	came(t, s, "a@b")
}

// Mails of a kind that only a newer version knows stay in the queue; others are sent.
func TestUnknownMails(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	for kind, params := range map[mail.Kind]string{"of-the-future": "{}", mail.Reset: "{"} {
		if err := w.db.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO mails (id, kind, account_id, recipient, params, created_at, next_at) VALUES (?, ?, '', 'a@b', ?, ?, 0)`,
				string(kind), string(kind), params, db.Micros(w.Now()))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.put(t, sender.Queue, message(mail.Reset, "c@d"))
	mustSend(t, sender)
	came(t, s, "c@d")
	if got := w.rows(t); !strings.Contains(got, `a mail of kind \"of-the-future\", which this program does not know`) || !strings.Contains(got, "reading a mail's parameters: ") {
		t.Errorf("the rows are\n%s", got)
	}
}

// A slow mail server delays the sender by the timeout at most.
func TestSlow(t *testing.T) { // Attack mail/server
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	mail.SetTimeout(sender, 50*time.Millisecond)
	release := make(chan struct{})
	s.Data = func(mailtest.Mail) error { <-release; return nil }
	w.put(t, sender.Queue, message(mail.Reset, "a@b"), message(mail.Reset, "c@d"))
	if err := sender.Send(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) && (err == nil || !strings.Contains(err.Error(), "i/o timeout")) {
		t.Errorf("got error %v", err)
	}
	close(release)
}

// A mail whose account is gone is deleted; a mail whose link cannot be created yet waits.
func TestNotDue(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	fail := mail.ErrNotDue
	sender.Link = func(ctx context.Context, m mail.Message) (mail.Link, error) {
		if m.To == "a@b" {
			return mail.Link{}, fail
		}
		return w.link(ctx, m)
	}
	w.put(t, sender.Queue, message(mail.Reset, "a@b"), message(mail.Reset, "c@d"))
	mustSend(t, sender)
	came(t, s, "c@d")
	if strings.Contains(w.rows(t), "a@b") {
		t.Errorf("kept: %s", w.rows(t))
	}
	fail = errors.New("not now")
	w.put(t, sender.Queue, message(mail.Reset, "a@b"), message(mail.Reset, "e@f"))
	mustSend(t, sender)
	came(t, s, "c@d", "e@f")
	fail = nil
	w.pass(time.Minute)
	mustSend(t, sender)
	came(t, s, "c@d", "e@f", "a@b")
}
