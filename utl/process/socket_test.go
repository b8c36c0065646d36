package process

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"glassjar/utl/proxytest"
	"glassjar/utl/recipe"
)

var requests = flag.Int("requests", 1000, "how many requests TestRestartsUnderLoad sends at least")

// manager simulates systemd: it has a socket, starts the server with it, and receives its
// notifications.
type manager struct {
	t      *testing.T
	socket *os.File
	told   *net.UnixConn
	where  string // NOTIFY_SOCKET
}

func manages(t *testing.T, ln interface{ File() (*os.File, error) }) *manager {
	t.Helper()
	m := &manager{t: t, where: filepath.Join(t.TempDir(), "notify")}
	var err error
	if m.socket, err = ln.File(); err != nil {
		t.Fatal(err)
	}
	if m.told, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.where, Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = m.socket.Close(), m.told.Close() })
	return m
}

// start starts the server and waits until it notifies that it is ready.
func (m *manager) start(folder string, settings ...string) *program {
	m.t.Helper()
	as := []string{"sh", "-c", `LISTEN_PID=$$ exec "$0"`} // LISTEN_PID is the server's own process id
	settings = append([]string{"LISTEN_FDS=1", "NOTIFY_SOCKET=" + m.where, "WATCHDOG_USEC=100000"}, settings...)
	p := spawnWith(m.t, as, []*os.File{m.socket}, folder, settings...)
	m.hears("READY=1")
	return p
}

// hears waits until the server sends the state.
func (m *manager) hears(want string) {
	m.t.Helper()
	if err := m.told.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		m.t.Fatal(err)
	}
	for state := make([]byte, 100); ; {
		n, err := m.told.Read(state)
		if err != nil {
			m.t.Fatalf("waiting for %s: %v", want, err)
		}
		if string(state[:n]) == want {
			return
		}
	}
}

// Restarts with a socket that stays open lose no request: those in progress get a
// response, and new ones wait for the next start.
func TestRestartsUnderLoad(t *testing.T) {
	ln, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	m, folder, at := manages(t, ln), t.TempDir(), "http://"+ln.Addr().String()
	if err := ln.Close(); err != nil { // the manager has a copy of the socket
		t.Fatal(err)
	}
	p := m.start(folder)
	m.hears("WATCHDOG=1")
	load, restarts := sends(t, at), 0
	for began := time.Now(); load.answered.Load() < int64(*requests) || restarts < 3; restarts++ {
		load.more(100)
		p.signal(syscall.SIGTERM)
		m.hears("STOPPING=1")
		p.wait(0)
		p = m.start(folder)
		if time.Since(began) > 5*time.Minute {
			t.Fatal("the requests take for ever")
		}
	}
	load.stop()
	t.Logf("%d restarts under load: %d of %d requests were lost", restarts, load.lost.Load(), load.answered.Load())
	p.stop()
}

// traffic is eight clients that send requests all the time, half of them on persistent
// connections.
type traffic struct {
	t              *testing.T
	answered, lost atomic.Int64
	stop           func() // stops, and waits for the last responses
}

// sends starts the traffic. A lost request fails the test.
func sends(t *testing.T, at string) *traffic {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l, clients := &traffic{t: t}, new(sync.WaitGroup)
	l.stop = func() { cancel(); clients.Wait() }
	t.Cleanup(l.stop)
	for i := range 8 {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: i%2 == 0}, Timeout: 20 * time.Second}
		clients.Go(func() {
			for ctx.Err() == nil {
				if err := fetch(client, at+"/"); err != nil {
					l.lost.Add(1)
					t.Error(err)
				}
				l.answered.Add(1)
			}
			client.CloseIdleConnections()
		})
	}
	return l
}

// more waits for n more responses.
func (l *traffic) more(n int64) {
	l.t.Helper()
	before := l.answered.Load()
	(&program{t: l.t, stderr: new(output)}).eventually("there is load", func() bool { return l.answered.Load() > before+n })
}

func fetch(client *http.Client, at string) error {
	res, err := client.Get(at)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err != nil || res.StatusCode != http.StatusOK {
		return fmt.Errorf("got %d, error %w", res.StatusCode, err)
	}
	return nil
}

// A socket that systemd passes and other machines can reach needs PUBLIC_URL, as such an
// ADDR does.
func TestASocketThatOthersReach(t *testing.T) {
	path := filepath.Join(t.TempDir(), "http.sock")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	m := manages(t, ln)
	as := []string{"sh", "-c", `LISTEN_PID=$$ exec "$0"`}
	p := spawnWith(t, as, []*os.File{m.socket}, t.TempDir(), "LISTEN_FDS=1")
	p.wait(1)
	if want := "glassjar: PUBLIC_URL must be set"; !strings.HasPrefix(p.stderr.String(), want) {
		t.Errorf("got %q, want %q", p.stderr, want)
	}
	p = m.start(t.TempDir(), "PUBLIC_URL=https://jar.example")
	over(t, path).status(http.StatusOK, "/readyz", "")
	p.stop()
	if _, err := os.Stat(path); err != nil {
		t.Errorf("systemd's socket is gone: %v", err)
	}
}

// socket sends requests to the server's Unix socket, as a proxy does.
type socket struct {
	t      *testing.T
	client *http.Client
}

func over(t *testing.T, path string) socket {
	t.Helper()
	return socket{t, &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		}},
	}}
}

// status requests the path for this client, and fails the test unless the response has
// the status.
func (s socket) status(want int, path, client string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://jar.example"+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("X-Forwarded-For", client)
	r.Header.Set("X-Original-Method", http.MethodGet)
	r.Header.Set("X-Original-URL", "https://app.example/")
	res, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != want {
		s.t.Errorf("%s: got %d, want %d", path, res.StatusCode, want)
	}
}

// At a Unix socket every peer is a trusted proxy, whatever TRUSTED_PROXIES says. The
// socket is removed with the server, and that of a killed server is replaced.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	settings := []string{"ADDR=unix:http.sock", "PUBLIC_URL=https://jar.example", "GATE_HOSTS=app.example", "TRUSTED_PROXIES=192.0.2.77", "LOG_LEVEL=info"}
	p := start(t, folder, settings...)
	p.kill()
	p = start(t, folder, settings...)
	path := filepath.Join(folder, "http.sock")
	s := over(t, path)
	s.status(http.StatusOK, "/", "198.51.100.7")
	s.status(http.StatusUnauthorized, "/gate/check", "198.51.100.7")
	p.eventually("the client's address is logged", func() bool {
		return strings.Contains(p.stderr.String(), `route="GET /gate/check" status=401`) && strings.Contains(p.stderr.String(), "ip=198.51.100.7")
	})
	p.stop()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is there after the end: %v", err)
	}
}

// nginx and Caddy use the Unix socket, as in their recipes.
func TestProxiesOverASocket(t *testing.T) {
	t.Parallel()
	for _, proxy := range proxytest.All {
		if proxy.Program != "nginx" && proxy.Program != "caddy" {
			continue // their recipes refuse a socket
		}
		t.Run(proxy.Program, func(t *testing.T) {
			t.Parallel()
			app := httptest.NewServer(http.NotFoundHandler())
			defer app.Close()
			path := filepath.Join(t.TempDir(), "http.sock")
			p := start(t, t.TempDir(), "ADDR=unix:"+path, "PUBLIC_URL=http://jar.example", "GATE_HOSTS=app.example", "LOG_LEVEL=info")
			at := proxy.Start(t, recipe.Site{
				PublicURL: &url.URL{Scheme: "http", Host: "jar.example"}, Address: "unix:" + path,
				Apps: []recipe.App{{Host: "app.example", Address: app.Listener.Addr().String()}},
			})
			for host, want := range map[string]int{"jar.example": http.StatusOK, "app.example": http.StatusUnauthorized} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at+"/", nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Host = host
				res, err := wire.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if res.StatusCode != want {
					t.Errorf("%s: got %d, want %d", host, res.StatusCode, want)
				}
			}
			p.eventually("the client's address is logged", func() bool { return strings.Contains(p.stderr.String(), "ip=127.0.0.1") })
		})
	}
}
