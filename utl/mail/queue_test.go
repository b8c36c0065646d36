package mail_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/mail"
	"glassjar/utl/mail/mailtest"
)

// A mail is queued if and only if the change that it is about is committed.
func TestTheChangeThatFailsTellsNothing(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	failed := errors.New("the change failed")
	err := sender.Queue.DB.Tx(t.Context(), func(tx *db.Tx) error {
		if taken, err := sender.Queue.Enqueue(t.Context(), tx, message(mail.Reset, "a@b")); !taken || err != nil {
			t.Errorf("taken %t, error %v", taken, err)
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	mustSend(t, sender)
	came(t, s)
}

func TestNothingIsQueued(t *testing.T) {
	w := newWorld(t)
	q := w.queue(t)
	off := mail.NewQueue(q.DB, false, w.Now, slog.New(slog.DiscardHandler))
	w.put(t, off, message(mail.Reset, "a@b"))
	w.put(t, q, message(mail.Reset, ""))
	if got := w.rows(t) + w.log.String(); got != "" {
		t.Errorf("queued or logged: %s", got)
	}
	w.put(t, q, message(mail.Reset, "no address"))
	if got := w.rows(t); got != "" || !strings.Contains(w.log.String(), `msg="mail dropped" kind=reset account_id="id of no address" reason="no email address"`) {
		t.Errorf("queued %q, logged %q", got, w.log)
	}
	(&mail.Sender{Queue: off}).Run(t.Context()) // returns at once
}

// Attack mail/flood: an address gets at most ten mails of a kind a day; the limits of the
// kinds are independent.
func TestTenADay(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	for range 2 {
		for range mail.MaxDaily {
			w.put(t, sender.Queue, message(mail.Reset, "a@b"))
		}
		mustSend(t, sender)
		if err := sender.Queue.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.put(t, sender.Queue, message(mail.PasswordChanged, "a@b"), message(mail.Reset, "c@d"))
	mustSend(t, sender)
	if n := len(s.Mails()); n != mail.MaxDaily+2 {
		t.Errorf("%d mails came, want %d", n, mail.MaxDaily+2)
	}
	if !strings.Contains(w.log.String(), `reason="many of this kind went to the address within a day"`) {
		t.Errorf("the log says %s", w.log)
	}
	w.pass(24 * time.Hour)
	w.put(t, sender.Queue, message(mail.Reset, "a@b"))
	mustSend(t, sender)
	if n := len(s.Mails()); n != mail.MaxDaily+3 {
		t.Errorf("a day later %d mails have come, want %d", n, mail.MaxDaily+3)
	}
	for range mail.MaxDaily {
		w.put(t, sender.Queue, message(mail.Reset, "a@b"))
	}
	full := w.rows(t)
	w.pass(-365 * 24 * time.Hour) // the clock was a year ahead
	w.put(t, sender.Queue, message(mail.Reset, "a@b"))
	if w.rows(t) == full {
		t.Error("a year before, the mail is dropped")
	}
}

// Attack mail/flood: a full queue accepts no mail, and prevents no change.
func TestAFullQueue(t *testing.T) {
	w := newWorld(t)
	q := w.queue(t)
	for from := 0; from < mail.MaxWaiting; from += 1000 {
		if err := q.DB.Tx(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `WITH RECURSIVE n(i) AS (SELECT CAST(? AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i % 1000 < 999)
				INSERT INTO mails (id, kind, account_id, recipient, params, created_at, next_at) SELECT 'm' || i, 'reset', '', 'm' || i || '@b', '{}', 0, 0 FROM n`, from)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.put(t, q, message(mail.Reset, "a@b"))
	count := func() int64 {
		n, err := db.One(t.Context(), q.DB, db.Int, `SELECT COUNT(*) FROM mails`)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(); n != mail.MaxWaiting || !strings.Contains(w.log.String(), `reason="the queue is full"`) {
		t.Errorf("%d wait, logged %q", n, w.log)
	}
	if err := q.DB.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE mails SET sent_at = 1 WHERE id = 'm7'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	w.put(t, q, message(mail.Reset, "a@b"))
	if n := count(); n != mail.MaxWaiting+1 {
		t.Errorf("%d rows, want %d", n, mail.MaxWaiting+1)
	}
}

// A sent mail is kept for a day, a failed one for a week.
func TestSweep(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	s.Rcpt = refuse(550, "no@b")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	w.put(t, sender.Queue, message(mail.Reset, "no@b"), message(mail.Reset, "a@b"))
	mustSend(t, sender)
	for _, tt := range []struct {
		pass time.Duration
		left int
	}{{23 * time.Hour, 2}, {time.Hour, 1}, {6*24*time.Hour - time.Second, 1}, {time.Second, 0}} {
		w.pass(tt.pass)
		if err := sender.Queue.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := w.rows(t); strings.Count(got, "\n") != tt.left {
			t.Errorf("%v later there are %q, want %d rows", tt.pass, got, tt.left)
		}
	}
}

// Attack secrets/at-rest: no row contains the code of a mail, neither before nor after it
// is sent.
func TestNoCodeInTheDatabase(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	s.Rcpt = refuse(450, "later@b")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	w.put(t, sender.Queue, message(mail.Reset, "a@b"), message(mail.Reset, "later@b"))
	for range 2 {
		if got := w.rows(t); strings.Contains(got, "c0de") || !strings.Contains(got, "a@b") {
			t.Errorf("the rows are\n%s", got)
		}
		mustSend(t, sender)
	}
	if text, _ := s.Mails()[0].Parts(t); !strings.Contains(text, "c0de1") || w.links != 2 {
		t.Errorf("%d links were made, and the mail is\n%s", w.links, text)
	}
}

func TestFailedIsBounded(t *testing.T) {
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	sender := w.sender(t, s.URL("smtp", "localhost"))
	s.Rcpt = func(string) error { return refusal(550) }
	for i := range 5 {
		w.put(t, sender.Queue, message(mail.Reset, fmt.Sprintf("m%d@b", i)))
		mustSend(t, sender)
		w.pass(time.Second)
	}
	all, err := sender.Queue.Failed(t.Context(), 3)
	if err != nil || len(all) != 3 || all[0].To != "m4@b" || all[2].To != "m2@b" {
		t.Errorf("got %v, error %v; want the newest 3", all, err)
	}
}
