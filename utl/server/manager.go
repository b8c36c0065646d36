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

// Manager is the service manager that started the process, such as systemd; the zero
// value is none. It may pass a socket to the process (sd_listen_fds(3)), and is notified
// when the server is ready, regularly while it runs, and when it stops (sd_notify(3)).
type Manager struct {
	socket   string        // NOTIFY_SOCKET; empty: no notifications
	watchdog time.Duration // the longest time between notifications; 0: no watchdog
	handed   int           // how many sockets it passed, from handedFD on
}

// handedFD is the first file descriptor that a Manager passes.
const handedFD = 3

var errSockets = errors.New("systemd handed over several sockets: glassjar takes one (ListenStream= once)")

// ManagerOf returns the manager that the environment describes for the process pid. It
// ignores variables that are meant for another process, such as the parent.
func ManagerOf(getenv func(string) string, pid int) Manager {
	m := Manager{socket: getenv("NOTIFY_SOCKET")}
	me := strconv.Itoa(pid)
	if whose := getenv("WATCHDOG_PID"); whose == me || whose == "" {
		micros, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
		if err == nil && micros > 0 {
			m.watchdog = time.Duration(micros) * time.Microsecond
		}
	}
	if n, err := strconv.Atoi(getenv("LISTEN_FDS")); err == nil && n > 0 && getenv("LISTEN_PID") == me {
		m.handed = n
	}
	return m
}

// listener returns the socket that was passed. Closing it leaves the manager's own copy
// open, so that new connections wait there for the next server. It returns an error if
// several were passed.
func (m Manager) listener() (net.Listener, error) {
	if m.handed > 1 {
		return nil, errSockets
	}
	syscall.CloseOnExec(handedFD)
	f := os.NewFile(handedFD, "systemd's socket")
	ln, err := net.FileListener(f) // duplicates the file descriptor
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("at the socket that systemd handed over, which must be a ListenStream= with Accept=no: %w", err)
	}
	if at, ok := ln.(*net.UnixListener); ok {
		return unixListener{UnixListener: at}, nil
	}
	return ln, nil
}

// notify sends the state to the manager, if it wants notifications.
func (m Manager) notify(ctx context.Context, state string) error {
	if m.socket == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second) // a blocked manager must not block the server
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

// pingWatchdog notifies the manager regularly that the process runs, twice as often as its
// watchdog requires.
func (m Manager) pingWatchdog(ctx context.Context) {
	if m.watchdog > 0 {
		Every(m.watchdog/2, func(ctx context.Context) { _ = m.notify(ctx, "WATCHDOG=1") })(ctx) // without notifications the manager restarts the process
	}
}
