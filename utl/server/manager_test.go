package server_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"glassjar/utl/server"
)

// environ returns a getenv for NAME=value pairs.
func environ(all ...string) func(string) string {
	return func(name string) string {
		for _, one := range all {
			if value, ok := strings.CutPrefix(one, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

// heard is the manager's socket. Its name is the NOTIFY_SOCKET.
type heard struct {
	*net.UnixConn

	t *testing.T
}

func ear(t *testing.T, name string) heard {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return heard{c, t}
}

// hear returns the next state that the manager receives, or "" if none comes within the time.
func (h heard) hear(within time.Duration) string {
	h.t.Helper()
	if err := h.SetReadDeadline(time.Now().Add(within)); err != nil {
		h.t.Fatal(err)
	}
	state := make([]byte, 100)
	n, err := h.Read(state)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		h.t.Fatal(err)
	}
	return string(state[:n])
}

// wants fails the test unless the manager receives these states next.
func (h heard) wants(states ...string) {
	h.t.Helper()
	for _, want := range states {
		if got := h.hear(10 * time.Second); got != want {
			h.t.Fatalf("it heard %q, want %q", got, want)
		}
	}
}

// The manager is notified that the server is ready, regularly that it runs, and that it
// stops.
func TestTheManagerIsTold(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "notify"), "@glassjar-test-" + filepath.Base(t.TempDir()) + t.Name()} {
		synctest.Test(t, func(t *testing.T) {
			h := ear(t, name)
			m := server.ManagerOf(environ("NOTIFY_SOCKET="+name, "WATCHDOG_USEC=20000"), 7)
			stop := running(t, server.Server{Site: http.HandlerFunc(hello), Log: quiet, Manager: m}, newWire())
			h.wants("READY=1")
			<-time.After(25 * time.Millisecond) // of the fake clock: it stands still while a socket is read
			h.wants("WATCHDOG=1", "WATCHDOG=1")
			if err := stop(); err != nil {
				t.Error(err)
			}
			h.wants("STOPPING=1")
		})
	}
}

// The watchdog is notified if WATCHDOG_PID is this process or not set. The environment may be
// inherited from a parent for which it is meant.
func TestWhoseWatchdog(t *testing.T) {
	for whose, want := range map[string]string{"7": "WATCHDOG=1", "": "WATCHDOG=1", "8": "STOPPING=1", "07": "STOPPING=1", "x": "STOPPING=1"} {
		synctest.Test(t, func(t *testing.T) {
			h := ear(t, filepath.Join(t.TempDir(), "notify"))
			m := server.ManagerOf(environ("NOTIFY_SOCKET="+h.LocalAddr().String(), "WATCHDOG_USEC=20000", "WATCHDOG_PID="+whose), 7)
			stop := running(t, server.Server{Site: http.HandlerFunc(hello), Log: quiet, Manager: m}, newWire())
			h.wants("READY=1")
			<-time.After(50 * time.Millisecond) // of the fake clock: five notifications, which every socket can hold unread
			if err := stop(); err != nil {
				t.Error(err)
			}
			if got := h.hear(10 * time.Second); got != want {
				t.Errorf("WATCHDOG_PID=%s: it heard %q, want %q", whose, got, want)
			}
		})
	}
}

// Without a manager there are no notifications; variables for another process are ignored; a
// manager that is gone does not stop the server.
func TestOtherManagers(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	h := ear(t, name)
	run := func(m server.Manager) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := (server.Server{Site: http.HandlerFunc(hello), Log: quiet, Manager: m}).Run(ctx, listen(t, server.Place{Addr: "127.0.0.1:0"})); err != nil {
			t.Error(err)
		}
	}
	for _, env := range [][]string{
		nil,
		{"NOTIFY_SOCKET=" + filepath.Join(t.TempDir(), "gone")},
		{"LISTEN_FDS=2", "LISTEN_PID=8"},
		{"LISTEN_FDS=1"},
		{"LISTEN_FDS=x", "LISTEN_PID=7"},
		{"WATCHDOG_USEC=-1"},
	} {
		m := server.ManagerOf(environ(env...), 7)
		run(m) // else it would listen on file descriptor 3, or fail
	}
	if got := h.hear(time.Millisecond); got != "" {
		t.Errorf("somebody else was told %q", got)
	}
	two := server.ManagerOf(environ("LISTEN_FDS=2", "LISTEN_PID=7"), 7)
	if _, _, err := server.Listen(t.Context(), server.Place{Manager: two}); err == nil || !strings.Contains(err.Error(), "several sockets") {
		t.Errorf("of two sockets: got error %v", err)
	}
}
