package mail_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/mail"
	"glassjar/utl/mail/mailtest"
)

func ask(typed, address string) mail.Asked {
	return mail.Asked{Typed: typed, Address: netip.MustParseAddr(address), Agent: "a browser\r\nof two lines"}
}

// Of several servers one answers each request for a new password, once. It does so also
// while the mail server is down, so that what was typed is erased.
func TestOneServerAnswers(t *testing.T) { // Attack mail/twice
	w, s := newWorld(t), mailtest.Start(t, "smtp")
	one := w.sender(t, s.URL("smtp", "localhost"))
	for _, typed := range []string{"ada", "nobody"} {
		if err := one.Queue.Ask(t.Context(), ask(typed, "192.0.2.7")); err != nil {
			t.Fatal(err)
		}
	}
	s.Stop()
	if err := one.Send(t.Context()); err == nil {
		t.Error("the mail server is away, and there is no error")
	}
	if rows := strings.Join(dbtest.Dump(t, w.db), "\n"); strings.Contains(rows, "nobody") || strings.Count(rows, "mails ") != 1 {
		t.Errorf("the database has\n%s", rows)
	}
	s = mailtest.Start(t, "smtp")
	one = w.sender(t, s.URL("smtp", "localhost"))
	other := w.sender(t, s.URL("smtp", "localhost"))
	done := make(chan error)
	for range 5 {
		w.pass(time.Hour)
		if err := one.Queue.Ask(t.Context(), ask("ada", "192.0.2.7")); err != nil {
			t.Fatal(err)
		}
		for _, sender := range []*mail.Sender{one, other} {
			go func() { done <- sender.Send(t.Context()) }()
		}
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
	}
	came(t, s, "a@b", "a@b", "a@b", "a@b", "a@b", "a@b")
	if text, _ := s.Mails()[5].Parts(t); !strings.Contains(text, "Address: 192.0.2.7\n") {
		t.Errorf("the mail says\n%s", text)
	}
}

// Attack mail/flood: at most ten requests an hour from an IPv4 address or a /64, and a
// limited number from all addresses.
func TestTooManyAsk(t *testing.T) {
	w := newWorld(t)
	q := w.queue(t)
	for _, of := range [][2]string{{"192.0.2.7", "::ffff:192.0.2.7"}, {"2001:db8::1", "2001:db8::ffff:1"}, {"fe80::1%eth0", "fe80::2"}} {
		for range mail.MaxAsks {
			if err := q.Ask(t.Context(), ask("ada", of[0])); err != nil {
				t.Fatal(err)
			}
		}
		if err := q.Ask(t.Context(), ask("ada", of[1])); !errors.Is(err, mail.ErrAsks) {
			t.Errorf("%s after %s: %v, want ErrAsks", of[1], of[0], err)
		}
	}
	if err := w.db.Tx(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < 9970)
			INSERT INTO forgotten (id, typed, network, address, agent, created_at, done_at) SELECT 'f' || i, '', 'n' || i, '', '', (SELECT MAX(created_at) FROM forgotten), 1 FROM n`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := q.Ask(t.Context(), ask("ada", "192.0.2.8")); !errors.Is(err, mail.ErrAsks) {
		t.Errorf("after 10,000: %v, want ErrAsks", err)
	}
	w.pass(-365 * 24 * time.Hour) // the clock was a year ahead
	if err := q.Ask(t.Context(), ask("ada", "192.0.2.7")); err != nil {
		t.Errorf("a year before: %v", err)
	}
	w.pass(365*24*time.Hour + time.Hour)
	if err := q.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := q.Ask(t.Context(), ask("ada", "192.0.2.7")); err != nil {
		t.Errorf("an hour later: %v", err)
	}
	if n := strings.Count(strings.Join(dbtest.Dump(t, w.db), "\n"), "forgotten "); n != 1 {
		t.Errorf("%d rows are left, want 1", n)
	}
}
