package mail_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"glassjar/utl/db/dbtest"
	"glassjar/utl/mail"
	"glassjar/utl/mail/mailtest"
)

// While one server sends a mail, others leave it alone. If that server is killed, another
// sends the mail when the lease ends. If it was only slow, its late result changes nothing.
func TestKilledWhileSending(t *testing.T) { // Attack mail/twice
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	one, other := w.sender(t, s.URL("smtp", "localhost")), w.sender(t, s.URL("smtp", "localhost"))
	sending, release := make(chan struct{}), make(chan struct{})
	first := make(chan struct{}, 1)
	s.Data = func(mailtest.Mail) error {
		select {
		case first <- struct{}{}:
			close(sending)
			<-release
		default:
		}
		return nil
	}
	w.put(t, one.Queue, message(mail.Reset, "a@b"))
	done := make(chan error)
	go func() { done <- one.Send(t.Context()) }()
	<-sending
	for range 3 {
		w.pass(4 * time.Minute)
		mustSend(t, other)
		came(t, s)
	}
	w.pass(4 * time.Minute)
	mustSend(t, other)
	came(t, s, "a@b")
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
	w.pass(time.Hour)
	mustSend(t, one)
	came(t, s, "a@b", "a@b") // the mail of the killed sender, and the second one
}

// Two concurrent servers send each mail once.
func TestTwoSenders(t *testing.T) { // Attack mail/twice
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	senders := []*mail.Sender{w.sender(t, s.URL("smtp", "localhost")), w.sender(t, s.URL("smtp", "localhost")), w.sender(t, s.URL("smtp", "localhost"))}
	const n = 100
	for i := range n {
		m := message(mail.Reset, "a@b")
		m.To = strings.Repeat("a", i%50+1) + strings.Repeat("b", i/50) + "@b"
		w.put(t, senders[0].Queue, m)
	}
	var all sync.WaitGroup
	for _, sender := range senders {
		all.Go(func() {
			if err := sender.Send(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	seen := map[string]int{}
	for _, m := range s.Mails() {
		seen[m.Header.Get("Message-Id")]++
	}
	if len(seen) != n || len(s.Mails()) != n {
		t.Errorf("%d mails came, %d different ones; want %d", len(s.Mails()), len(seen), n)
	}
}

// A mail that was sent while the database was unavailable is not sent again.
func TestTheDatabaseIsAwayWhenItWasSent(t *testing.T) { // Attack mail/twice
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	var back func()
	s.Data = func(mailtest.Mail) error { back = dbtest.Away(t, w.at); return nil }
	w.put(t, sender.Queue, message(mail.Reset, "a@b"))
	if err := sender.Send(t.Context()); err == nil {
		t.Error("got no error")
	}
	s.Data = nil
	w.pass(time.Hour)
	if err := sender.Send(t.Context()); err == nil {
		t.Error("got no error")
	}
	back()
	mustSend(t, sender)
	came(t, s, "a@b")
}
