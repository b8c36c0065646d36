package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Manager is the service manager that started the process, such as systemd. The
// zero value is none. It hands a socket over (sd_listen_fds(3)), is told when the
// server is ready and when it stops, and as long as it runs (sd_notify(3)).
type Manager struct {
	socket   string        // NOTIFY_SOCKET; empty: it wants to hear nothing
	watchdog time.Duration // how long it waits for a sign of life; 0: it does not
	handed   bool          // a socket is at handedFD
}

// handedFD is the first file descriptor that a Manager hands over.
const handedFD = 3

var errSockets = errors.New("systemd handed over several sockets: glassjar takes one (ListenStream= once)")

// ManagerOf returns the manager that the environment of the process pid tells of.
// What is meant for another process, such as the one that started this one, does
// not count. Error: more than one socket is handed over.
func ManagerOf(getenv func(string) string, pid int) (Manager, error) {
	m := Manager{socket: getenv("NOTIFY_SOCKET")}
	me := strconv.Itoa(pid)
	if whose := getenv("WATCHDOG_PID"); whose == me || whose == "" {
		micros, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
		if err == nil && micros > 0 {
			m.watchdog = time.Duration(micros) * time.Microsecond
		}
	}
	if n, err := strconv.Atoi(getenv("LISTEN_FDS")); err == nil && n > 0 && getenv("LISTEN_PID") == me {
		m.handed = true
		if n > 1 {
			return Manager{}, errSockets
		}
	}
	return m, nil
}

// listener returns the socket that was handed over. Closing it leaves the
// manager's own open, where new connections wait for the next server.
func (Manager) listener() (net.Listener, error) {
	syscall.CloseOnExec(handedFD)
	f := os.NewFile(handedFD, "systemd's socket")
	ln, err := net.FileListener(f) // over a copy of it
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("at the socket that systemd handed over, which must be a ListenStream= with Accept=no: %w", err)
	}
	if at, ok := ln.(*net.UnixListener); ok {
		return unixListener{UnixListener: at}, nil
	}
	return ln, nil
}

// notify tells the manager the state, if it wants to hear of it.
func (m Manager) notify(ctx context.Context, state string) error {
	if m.socket == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second) // a manager that is stuck stops no server
	defer cancel()
	c, err := (&net.Dialer{}).DialContext(ctx, "unixgram", m.socket)
	if err != nil {
		return fmt.Errorf("telling systemd: %w", err)
	}
	until, _ := ctx.Deadline()
	err = c.SetWriteDeadline(until)
	if err == nil {
		_, err = c.Write([]byte(state))
	}
	return errors.Join(err, c.Close())
}

// pingWatchdog tells the manager again and again that the process runs, twice as often as
// it wants to hear it.
func (m Manager) pingWatchdog(ctx context.Context) {
	if m.watchdog > 0 {
		Every(m.watchdog/2, func(ctx context.Context) { _ = m.notify(ctx, "WATCHDOG=1") })(ctx) // what is not heard counts as not said
	}
}
