package mail_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"glassjar/utl/db"
	"glassjar/utl/db/dbtest"
	"glassjar/utl/mail"
	"glassjar/utl/mail/mailtest"
)

func TestMain(m *testing.M) { os.Exit(mailtest.Main(func() int { return dbtest.Main(m) })) }

// world is a queue, the servers that send its mails, and their common clock.
type world struct {
	at  string // the database's URL or path
	db  *db.DB
	log *bytes.Buffer

	mu  sync.Mutex
	now time.Time
	// links counts the links that were created.
	links int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	at := dbtest.New(t)
	return &world{at: at, db: dbtest.OpenAt(t, at), log: &bytes.Buffer{}, now: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
}

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// queue returns the queue as another server sees it.
func (w *world) queue(t *testing.T) *mail.Queue {
	t.Helper()
	return mail.NewQueue(dbtest.OpenAt(t, w.at), true, w.Now, slog.New(slog.NewTextHandler(w.log, nil)))
}

// sender returns a server's sender, which uses the mail server at the URL.
func (w *world) sender(t *testing.T, at *url.URL) *mail.Sender {
	t.Helper()
	return &mail.Sender{Queue: w.queue(t), Server: server(at, w.Now), Link: w.link, Asked: w.asked}
}

func server(at *url.URL, now func() time.Time) mail.Server {
	return mail.Server{URL: at, From: "jar@site.example", Site: "Ada's jar", Public: &url.URL{Scheme: "https", Host: "jar.example"}, Now: now}
}

// asked knows one name, ada, and her address.
func (w *world) asked(_ context.Context, a mail.Asked) (mail.Message, error) {
	if a.Typed != "ada" {
		return mail.Message{}, mail.ErrNotDue
	}
	m := message(mail.Reset, "a@b")
	m.At, m.Address, m.Agent = a.At, a.Address.String(), a.Agent
	return m, nil
}

// link creates a link with a code of its own.
func (w *world) link(_ context.Context, m mail.Message) (mail.Link, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.links++
	return mail.Link{URL: fmt.Sprintf("https://jar.example/%s/c0de%d", m.Kind, w.links), Expires: w.now.Add(24 * time.Hour)}, nil
}

// message returns a mail of the kind to the address.
func message(kind mail.Kind, to string) mail.Message {
	return mail.Message{
		Kind: kind, AccountID: "id of " + to, To: to, Username: "ada", Detail: "new@site.example", At: time.Date(2026, 11, 26, 11, 58, 0, 0, time.UTC),
		Address: "192.0.2.7", Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	}
}

// put queues the mails one after the other, so that they are sent in this order.
func (w *world) put(t *testing.T, q *mail.Queue, all ...mail.Message) {
	t.Helper()
	for _, m := range all {
		if err := q.DB.Tx(t.Context(), func(tx *db.Tx) error { _, err := q.Enqueue(t.Context(), tx, m); return err }); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Millisecond)
	}
}

func mustSend(t *testing.T, s *mail.Sender) {
	t.Helper()
	if err := s.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// came fails the test unless the server received mails to exactly these addresses, in this
// order.
func came(t *testing.T, s *mailtest.Server, want ...string) {
	t.Helper()
	var got []string
	for _, m := range s.Mails() {
		got = append(got, m.To)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("mails came to %v, want %v", got, want)
	}
}

// rows returns the table of mails as text: every column, one line per row.
func (w *world) rows(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, row := range dbtest.Dump(t, w.db) {
		if strings.HasPrefix(row, "mails ") {
			all.WriteString(row + "\n")
		}
	}
	return all.String()
}
