package process

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"glassjar/utl/identity"
	"glassjar/utl/programtest"
	"glassjar/utl/session"
)

// pinned starts the shell command on the servers' core, with GOMAXPROCS=1 (glassjar would
// use 2) and its log in a file. It must print its URL as glassjar does, and ends with
// this test, also if that is killed.
func pinned(b *testing.B, folder, command string, settings ...string) *program {
	b.Helper()
	servers, _ := cores()
	line := "exec setpriv --pdeathsig KILL " + strings.Join(servers, " ") + " " + command + " 2>>log"
	p := spawnUnder(b, []string{"sh", "-c", line}, folder, append(settings, "GOMAXPROCS=1")...)
	if <-p.ready; p.port == "" {
		log, err := os.ReadFile(filepath.Join(folder, "log"))
		b.Fatalf("the server ended before it said where it is: error %v\n%s", err, log)
	}
	return p
}

// bare starts a minimal net/http server that gives the response at the path.
func bare(b *testing.B, path string, a answer) *program {
	b.Helper()
	folder := b.TempDir()
	if err := programtest.BuildPackage(filepath.Join(folder, "bare"), "./testdata/bare"); err != nil {
		b.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{path: map[string]any{"Status": a.status, "Header": a.header, "Body": []byte(a.body)}})
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "answers"), text, 0o600); err != nil {
		b.Fatal(err)
	}
	return pinned(b, folder, "./bare answers")
}

// The headers that net/http adds after the given ones.
var (
	date   = regexp.MustCompile(`\r\nDate: [^\r]*`)
	length = regexp.MustCompile(`\r\nContent-Length: \d+\r\n\r\n`)
)

// exchange sends the request. It returns the response as it was given to net/http, and
// its bytes without the date.
func exchange(b *testing.B, p *program, request string) (answer, string) {
	b.Helper()
	var came bytes.Buffer
	c := dial(b, p)
	c.read = bufio.NewReader(io.TeeReader(c.tcp, &came))
	c.send(request)
	a, err := c.answer()
	if err != nil {
		b.Fatal(err)
	}
	raw := date.ReplaceAllString(came.String(), "")
	a.header.Del("Date")
	if length.MatchString(raw) {
		a.header.Del("Content-Length")
	}
	return a, raw
}

// populated is a server on which people are signed in. The i-th person signed in an hour
// and i seconds before since.
type populated struct {
	*program
	*stores

	since time.Time
}

// newPopulated starts such a server with default settings, an app behind its gate and a
// page.
func newPopulated(b *testing.B, people int, settings ...string) *populated {
	b.Helper()
	folder := b.TempDir()
	start(b, folder).stop() // creates the key and an empty database
	page := filepath.Join(folder, "pages", "a.html")
	if err := errors.Join(os.Mkdir(filepath.Dir(page), 0o700), os.WriteFile(page, []byte("<!doctype html>\n<title>a</title>\n<p>A page.\n"), 0o600)); err != nil {
		b.Fatal(err)
	}
	h := &populated{since: time.Now()}
	h.insertPeople(b, filepath.Join(folder, "glassjar.db"), people)
	h.stores = beside(b, folder)
	b.Cleanup(h.close)
	h.program = pinned(b, folder, `"$0"`, append(settings, "LOG_LEVEL=info", "GATE_HOSTS=app.example", "PAGES_DIR=pages")...)
	return h
}

// insertPeople inserts the people's accounts and sessions into the database file.
func (h *populated) insertPeople(b *testing.B, file string, people int) {
	b.Helper()
	hash, err := goodHash()
	if err != nil {
		b.Fatal(err)
	}
	data, err := sql.Open("sqlite", file)
	if err != nil {
		b.Fatal(err)
	}
	defer data.Close()
	tx, err := data.Begin()
	if err != nil {
		b.Fatal(err)
	}
	numbers := fmt.Sprintf(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) `, people-1)
	if _, err := tx.Exec(`INSERT INTO accounts (id, username, role, password, created_at) `+numbers+
		`SELECT 'id-person-' || i, 'person-' || i, 'member', ?, 1 FROM n`, hash); err != nil {
		b.Fatal(err)
	}
	if _, err := tx.Exec(`INSERT INTO sessions (sid, id, account_id, started_at, seen_at, remember, address, agent) `+numbers+
		`SELECT printf('%026d', i), printf('%026d', i), 'id-person-' || i, ? - i * 1000000, ?, 0, '192.0.2.1', 'Mozilla/5.0' FROM n`,
		h.started(0).UnixMicro(), h.since.UnixMicro()); err != nil {
		b.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

func (h *populated) started(i int) time.Time {
	return h.since.Add(-time.Hour - time.Duration(i)*time.Second)
}

// passes returns the i-th person's gate cookie for the app.
func (h *populated) passes(i int) string {
	w := httptest.NewRecorder()
	who := session.Session{SID: fmt.Sprintf("%026d", i), Identity: identity.Identity{Username: fmt.Sprintf("person-%d", i)}, Started: h.started(i)}
	if err := h.sessions.SendGate(w, &http.Request{}, who, session.CookieScope{Host: "app.example"}); err != nil {
		h.stores.t.Fatal(err)
	}
	cookie, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	return cookie
}

// forged returns the cookie with another signature.
func forged(cookie string) string {
	n := len(cookie)
	return cookie[:n-20] + "AAAAAAAA" + cookie[n-12:]
}

// check returns a request that asks the gate about the i-th person.
func (h *populated) check(i int) string {
	return "GET /gate/check HTTP/1.1\r\n" + host + forwarded + "Cookie: " + h.passes(i) + "\r\n\r\n"
}

// wake sends the first people's cookies, each once, and waits until the server is idle:
// then their sessions are cached, and their last use is written.
func (h *populated) wake(b *testing.B, people int) {
	b.Helper()
	const askers = 16
	var asking sync.WaitGroup
	for from := range askers {
		c := dial(b, h.program)
		_ = c.tcp.SetDeadline(time.Now().Add(5 * time.Minute))
		asking.Go(func() {
			for i := from; i < people; i += askers {
				c.send(h.check(i))
				if a, err := c.answer(); err != nil || a.status != http.StatusOK {
					b.Errorf("person %d: got status %d, error %v; want 200", i, a.status, err)
					return
				}
			}
		})
	}
	asking.Wait()
	spent, since := h.spent(), time.Now()
	h.within(2*time.Minute, "the server rests", func() bool {
		if now := h.spent(); now-spent > 50*time.Millisecond {
			spent, since = now, time.Now()
		}
		return time.Since(since) > 6*time.Second // the server writes every 5 s
	})
}
