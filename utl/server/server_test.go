package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/server"
	"glassjar/utl/tlscert/certtest"
)

// running starts the server in a synctest bubble. The returned function stops it and waits.
func running(t *testing.T, s server.Server, w *wire) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, w) }()
	return func() error {
		cancel()
		return <-ended
	}
}

var quiet = slog.New(slog.DiscardHandler)

const get = "GET / HTTP/1.1\r\nHost: jar.example\r\n\r\n"

func hello(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

// nginx keeps idle connections for 60 s: the server must not close one before.
func TestConnectionsOutliveNginx(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		stop := running(t, server.Server{Site: http.HandlerFunc(hello), Log: quiet}, w)
		c := w.dial(t)
		for range 3 {
			c.ask(get)
			<-time.After(75 * time.Second) // synctest's fake clock
		}
		c.ask(get)
		<-time.After(2 * time.Minute)
		if !c.closed() {
			t.Error("it stays open for ever")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A client that sends its headers or its form byte by byte is disconnected.
func TestSlowClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		read := func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				panic(http.ErrAbortHandler)
			}
		}
		stop := running(t, server.Server{Site: http.HandlerFunc(read), Log: quiet}, w)
		for begun, most := range map[string]time.Duration{
			"GET / HTTP/1.1\r\nHost: a":                                  10 * time.Second,
			"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\na": 20 * time.Second,
		} {
			c, began := w.dial(t), time.Now()
			if _, err := io.WriteString(c, begun); err != nil {
				t.Fatal(err)
			}
			if !c.closed() {
				t.Errorf("%q was answered", begun)
			}
			if took := time.Since(began); took > most+time.Second {
				t.Errorf("%q was waited for for %v", begun, took)
			}
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Attack http/smuggling: after a chunked request the connection is closed.
func TestChunkedRequestsCloseTheirConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		stop := running(t, server.Server{Site: http.HandlerFunc(hello), Log: quiet}, w)
		c := w.dial(t)
		if res := c.ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"); !res.Close || !c.closed() {
			t.Error("the connection stays open")
		}
		if res := w.dial(t).ask(get); res.Close {
			t.Error("after a plain request it is closed too")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Requests in progress at the stop get their response, and the jobs end after that.
func TestStopLetsRequestsFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		var order []string
		slow := func(http.ResponseWriter, *http.Request) {
			<-time.After(9 * time.Second)
			order = append(order, "answered")
		}
		job := func(ctx context.Context) {
			<-ctx.Done()
			order = append(order, "job ended")
		}
		stop := running(t, server.Server{Site: http.HandlerFunc(slow), Log: quiet, Jobs: []server.Job{job}}, w)
		c := w.dial(t)
		answered := make(chan int)
		go func() { answered <- c.ask(get).StatusCode }()
		synctest.Wait()
		ended := make(chan error)
		go func() { ended <- stop() }()
		if got := <-answered; got != http.StatusOK {
			t.Errorf("got %d", got)
		}
		if err := <-ended; err != nil || strings.Join(order, ", ") != "answered, job ended" {
			t.Errorf("error %v, in order %q", err, order)
		}
	})
}

// A connection that was accepted before the stop gets a response, even if its request comes
// later, and is then closed. A connection that sends nothing does not delay the stop.
func TestStopAnswersWhoeverWasLetIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		stop := running(t, server.Server{Site: http.HandlerFunc(hello), Log: quiet}, w)
		late, kept, silent := w.dial(t), w.dial(t), w.dial(t)
		if res := kept.ask(get); res.StatusCode != http.StatusOK || res.Close {
			t.Errorf("before the stop: got %+v", res)
		}
		synctest.Wait()
		ended, began := make(chan error), time.Now()
		go func() { ended <- stop() }()
		synctest.Wait()
		<-time.After(time.Second) // synctest's fake clock
		for name, c := range map[string]*conn{"late": late, "kept alive": kept} {
			if res := c.ask(get); res.StatusCode != http.StatusOK || !res.Close {
				t.Errorf("%s: got %+v", name, res)
			}
		}
		if err := <-ended; err != nil || !silent.closed() {
			t.Errorf("error %v", err)
		}
		if took := time.Since(began); took > 7*time.Second { // net/http itself waits 5 s
			t.Errorf("the stop took %v", took)
		}
	})
}

// The manager is notified that the server is ready when the site is. A watchdog for another
// process is not notified.
func TestReady(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	h := ear(t, name)
	m := server.ManagerOf(environ("NOTIFY_SOCKET="+name, "WATCHDOG_USEC=1000", "WATCHDOG_PID=8"), 7)
	asked := 0
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	ln := listen(t, server.Place{Addr: "127.0.0.1:0"})
	s := server.Server{Site: http.HandlerFunc(hello), Log: quiet, Manager: m, Ready: func() bool { asked++; return asked == 30 }}
	go func() { ended <- s.Run(ctx, ln) }()
	if got := h.hear(10 * time.Second); got != "READY=1" || asked != 30 {
		t.Errorf("asked %d times, it heard %q", asked, got)
	}
	cancel()
	if got := h.hear(10 * time.Second); got != "STOPPING=1" {
		t.Errorf("at the end it heard %q", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A request that does not end is cut off after 10 s. That is logged, and is not an error.
func TestStopCutsOffAfter10Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, never := newWire(), make(chan struct{})
		var log bytes.Buffer
		s := server.Server{Log: slog.New(slog.NewTextHandler(&log, nil)), Site: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-never })}
		stop := running(t, s, w)
		c := w.dial(t)
		if _, err := io.WriteString(c, get); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		began := time.Now()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("the stop took %v, want 10 s", took)
		}
		if !strings.Contains(log.String(), `level=WARN msg="connections cut off"`) {
			t.Errorf("the log says %q", &log)
		}
		close(never)
	})
}

// A failing listener ends the server with an error, and ends the jobs.
func TestAListenerThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ended := newWire(), false
		w.err = syscall.EBADF
		job := func(ctx context.Context) { <-ctx.Done(); ended = true }
		err := server.Server{Site: http.HandlerFunc(hello), Log: quiet, Jobs: []server.Job{job}}.Run(t.Context(), w)
		if !errors.Is(err, syscall.EBADF) || !strings.HasPrefix(err.Error(), "serving: ") || !ended {
			t.Errorf("got error %v, the job ended: %t", err, ended)
		}
	})
}

// Too many open files cause a warning, and do not end the server.
func TestTooManyOpenFilesAreAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		w.err = &net.OpError{Op: "accept", Err: syscall.EMFILE}
		var log bytes.Buffer
		stop := running(t, server.Server{Site: http.HandlerFunc(hello), Log: slog.New(slog.NewTextHandler(&log, nil))}, w)
		if got := w.dial(t).ask(get).StatusCode; got != http.StatusOK {
			t.Errorf("got %d", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "too many open files") {
			t.Errorf("the log says %q", &log)
		}
	})
}

// Messages that any client can cause are logged at debug only.
func TestClientsFaultsAreNoWarnings(t *testing.T) {
	for message, want := range map[string]string{
		"http: Accept error: accept tcp: too many open files; retrying in 5ms": "WARN",
		"http: panic serving 192.0.2.1:1: oops":                                "WARN",
		"http2: panic serving 192.0.2.1:1: oops":                               "WARN",
		"http: superfluous response.WriteHeader call from a (b.go:1)":          "WARN",
		"something that a later Go says":                                       "WARN",
		"http: TLS handshake error from 192.0.2.1:1: EOF":                      "DEBUG",
		"http2: server connection error from 192.0.2.1:1: PROTOCOL_ERROR":      "DEBUG",
		"http2: server: error reading preface from client 192.0.2.1:1: EOF":    "DEBUG",
	} {
		for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo} {
			var log bytes.Buffer
			to := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level})
			slog.NewLogLogger(server.ErrorLog(to), slog.LevelWarn).Print(message)
			if got := strings.Contains(log.String(), "level="+want); got != (want == "WARN" || level == slog.LevelDebug) {
				t.Errorf("%s: at %v the log says %q", message, level, &log)
			}
		}
	}
}

func TestListen(t *testing.T) {
	folder := t.TempDir()
	cert, key := folder+"/cert.pem", folder+"/key.pem"
	certtest.Write(t, cert, key)
	for _, row := range []struct{ addr, cert, key, fault string }{
		{"127.0.0.1:0", "", "", ""},
		{"127.0.0.1:0", cert, key, ""},
		{"127.0.0.1:0", cert, folder + "/none", "reading TLS_CERT and TLS_KEY: "},
		{"192.0.2.1:0", "", "", "listening: "},
	} {
		ln, pair, err := server.Listen(t.Context(), server.Place{Addr: row.addr, TLSCert: row.cert, TLSKey: row.key})
		if err != nil {
			if row.fault == "" || !strings.HasPrefix(err.Error(), row.fault) {
				t.Errorf("%v: %v", row, err)
			}
			continue
		}
		if _, plain := ln.(*net.TCPListener); row.fault != "" || plain != (row.cert == "") || (pair.Config() == nil) != plain {
			t.Errorf("%v: got %T", row, ln)
		}
		_ = ln.Close()
	}
}
