package server

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"glassjar/utl/clientip"
)

// socketMode lets only the owner and the group connect, because whoever connects is
// trusted as a proxy.
const socketMode = 0o660

// unixListener listens on a Unix socket. The peer of each connection is clientip.Socket,
// whatever address the client has.
type unixListener struct {
	*net.UnixListener

	lock *os.File // held while listening; nil: a Manager created the socket
}

// Accept implements net.Listener.
func (l unixListener) Accept() (net.Conn, error) {
	c, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return unixConn{c}, nil
}

// Close implements net.Listener. It removes a socket that listenUnix created.
func (l unixListener) Close() error {
	err := l.UnixListener.Close()
	if l.lock != nil {
		err = errors.Join(err, l.lock.Close())
	}
	return err
}

type unixConn struct{ *net.UnixConn }

// RemoteAddr implements net.Conn.
func (unixConn) RemoteAddr() net.Addr { return &net.UnixAddr{Name: clientip.Socket, Net: "unix"} }

// listenUnix creates the socket at path, with the group of its folder if this user may set
// that. It replaces the socket of a killed server. It fails if another server listens
// there, or if the file is not a socket. The lock file beside it is never removed.
func listenUnix(path string) (_ net.Listener, err error) {
	at := &net.UnixAddr{Name: path, Net: "unix"}
	lock, err := lockSocket(path)
	if err == nil {
		err = removeStale(at)
	}
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: "unix", Addr: at, Err: errors.Join(err, closed(lock))}
	}
	mask := syscall.Umask(0o777 &^ socketMode)
	ln, err := net.ListenUnix("unix", at)
	syscall.Umask(mask)
	if err != nil {
		return nil, errors.Join(err, closed(lock))
	}
	l := unixListener{ln, lock}
	if err := giveToFolder(path); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func closed(f *os.File) error {
	if f == nil {
		return nil
	}
	return f.Close()
}

// lockSocket takes the lock that a server holds while it listens. Without it, two servers
// that start at once could each remove the other's socket.
func lockSocket(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600) // #nosec G304 -- the operator's setting
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) // #nosec G115 -- a file descriptor
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = syscall.EADDRINUSE
	}
	return f, err
}

// removeStale removes a socket on which nobody listens. Errors: EADDRINUSE if a server
// listens there, or if the file is not a socket.
func removeStale(at *net.UnixAddr) error {
	info, err := os.Lstat(at.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return syscall.EADDRINUSE
	}
	c, err := net.DialUnix("unix", nil, at)
	if err == nil {
		_ = c.Close()
		return syscall.EADDRINUSE
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(at.Name)
}

// giveToFolder gives the socket the group of its folder, so that a proxy that runs as
// another user can connect. Without permission the socket keeps the user's own group.
func giveToFolder(path string) error {
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	of, ok := folder.Sys().(*syscall.Stat_t)
	if !ok { // not reached on the systems that the program is built for
		return nil
	}
	err = os.Chown(path, -1, int(of.Gid))
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}
