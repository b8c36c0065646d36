package handlers_test

import (
	"bufio"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"glassjar/handlers"
	"glassjar/utl/account"
	"glassjar/utl/logs"
)

// BenchmarkGateCheck asks the gate about a live session over a kept connection,
// and in turn a bare net/http handler that answers with the same bytes. cpu/bare
// is the CPU of the one over that of the other, the client's own included.
func BenchmarkGateCheck(b *testing.B) {
	w := newWorld(b, jar, "")
	lines := logs.New(io.Discard) // as the program has it
	defer lines.Close()
	w.testSite = w.again(b, func(c *handlers.Config) { c.Log = slog.New(slog.NewTextHandler(lines, nil)) })
	w.add(b, "ada", account.Member)
	ada := w.signedIn(b, "ada")
	ada.visit(elsewhere+"/", 4).want(http.StatusOK)
	header := asked(elsewhere+"/a?b=c", "Cookie", hostCookie+"="+ada.holds(elsewhere, hostCookie))
	same := w.ask(b, "/gate/check", header).want(http.StatusOK).Header
	same.Del("Date")
	ours := httptest.NewServer(w.handler)
	defer ours.Close()
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		maps.Copy(w.Header(), same)
		w.WriteHeader(http.StatusOK)
	}))
	defer bare.Close()

	clients := [2]*rawClient{newRawClient(b, ours.Listener.Addr(), header), newRawClient(b, bare.Listener.Addr(), header)}
	const turn = 200
	var cost [2]time.Duration
	for b.Loop() {
		for i, c := range clients {
			began := cpu(b)
			for range turn {
				c.ask(b)
			}
			cost[i] += cpu(b) - began
		}
	}
	b.ReportMetric(float64(cost[0])/float64(cost[1]), "cpu/bare")
	b.ReportMetric(float64(cost[0].Nanoseconds())/float64(b.N*turn), "cpu-ns/check")
}

// cpu returns the CPU time that the process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// rawClient sends one request again and again, for as little as can be.
type rawClient struct {
	net.Conn

	request []byte
	answers *bufio.Reader
}

func newRawClient(b *testing.B, addr net.Addr, header []string) *rawClient {
	b.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	request := "GET /gate/check HTTP/1.1\r\nHost: jar\r\n"
	for ; len(header) > 0; header = header[2:] {
		request += header[0] + ": " + header[1] + "\r\n"
	}
	return &rawClient{conn, []byte(request + "\r\n"), bufio.NewReader(conn)}
}

// ask sends the request and reads the answer, which has no body.
func (c *rawClient) ask(b *testing.B) {
	b.Helper()
	if _, err := c.Write(c.request); err != nil {
		b.Fatal(err)
	}
	for first := true; ; first = false {
		line, err := c.answers.ReadSlice('\n')
		if err != nil || first && !strings.Contains(string(line), " 200 ") {
			b.Fatalf("%s, %v", line, err)
		}
		if len(line) == 2 {
			return
		}
	}
}
