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

// socketMode lets the owner and the group connect, and nobody else: whoever
// connects is believed what it says of its clients.
const socketMode = 0o660

// unixListener listens at a path in the file system. Its connections' peers are
// called clientip.Socket, whatever name they gave themselves.
type unixListener struct {
	*net.UnixListener

	lock *os.File // held while it is ours; nil: a Manager made the socket
}

// Accept is net.Listener's.
func (l unixListener) Accept() (net.Conn, error) {
	c, err := l.AcceptUnix()
	if err != nil {
		return nil, err
	}
	return unixConn{c}, nil
}

// Close is net.Listener's. A socket that listenUnix made is taken away.
func (l unixListener) Close() error {
	err := l.UnixListener.Close()
	if l.lock != nil {
		err = errors.Join(err, l.lock.Close())
	}
	return err
}

type unixConn struct{ *net.UnixConn }

// RemoteAddr is net.Conn's.
func (unixConn) RemoteAddr() net.Addr { return &net.UnixAddr{Name: clientip.Socket, Net: "unix"} }

// listenUnix makes the socket at path, with its folder's group where this user is
// in that. What a killed server left is replaced; where somebody listens, or
// something else is, it fails. The lock's file, beside it, stays.
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

// lockSocket takes the lock of the socket, which a server holds as long as it
// listens: two that start at once would each take away what the other made.
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

// removeStale takes away a socket on which nobody listens. Errors: EADDRINUSE
// where somebody does, or where the file is no socket.
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

// giveToFolder gives the socket its folder's group: that is how a proxy of another
// user is let in. A user who is not in the group cannot, and keeps its own.
func giveToFolder(path string) error {
	folder, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	of, ok := folder.Sys().(*syscall.Stat_t)
	if !ok { // no system that the program is built for
		return nil
	}
	err = os.Chown(path, -1, int(of.Gid))
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	return err
}
