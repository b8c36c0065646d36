package server_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"glassjar/utl/clientip"
	"glassjar/utl/server"
)

// at returns a Place with a Unix socket at the path.
func at(path string) server.Place { return server.Place{Addr: "unix:" + path} }

func listen(t *testing.T, p server.Place) net.Listener {
	t.Helper()
	ln, _, err := server.Listen(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

// Whoever connects is trusted, so only the owner and the folder's group may connect. The
// client's own address is ignored.
func TestUnixSocket(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "http.sock")
	if err := os.Chown(folder, -1, otherGroup(t)); err != nil {
		t.Fatal(err)
	}
	defer syscall.Umask(syscall.Umask(0))
	ln := listen(t, at(path))
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o660 {
		t.Fatalf("got %v, error %v", info.Mode(), err)
	}
	above, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := group(t, info), group(t, above); got != want {
		t.Errorf("the socket's group is %d, its folder's %d", got, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	peer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RemoteAddr) })
	go func() { ended <- server.Server{Site: peer, Log: quiet}.Run(ctx, ln) }()
	for _, own := range []*net.UnixAddr{nil, {Name: filepath.Join(folder, "192.0.2.1:80"), Net: "unix"}} {
		if got := ask(t, own, path); got != clientip.Socket {
			t.Errorf("from %v: the peer is called %q", own, got)
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the end the socket is there: %v", err)
	}
}

// otherGroup returns a group of this process other than that of its files, or that one if it
// has no other.
func otherGroup(t *testing.T) int {
	t.Helper()
	if os.Geteuid() == 0 {
		return 33
	}
	all, err := os.Getgroups()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if one != os.Getegid() {
			return one
		}
	}
	return os.Getegid()
}

func group(t *testing.T, info fs.FileInfo) uint32 {
	t.Helper()
	of, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("no group")
	}
	return of.Gid
}

// ask sends a request to the socket, from the address own, and returns the response's body.
func ask(t *testing.T, own *net.UnixAddr, path string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.DialUnix("unix", own, &net.UnixAddr{Name: path, Net: "unix"})
	}}}
	res, err := client.Get("http://jar.example/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// The socket of a killed server is replaced; that of a live server and other files are not.
func TestStaleSockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "http.sock")
	refused := func(what string, want error) {
		t.Helper()
		_, _, err := server.Listen(t.Context(), at(path))
		op, ok := errors.AsType[*net.OpError](err)
		if !ok || op.Op != "listen" || op.Addr.String() != path || !errors.Is(err, want) {
			t.Errorf("%s: got error %v, want %v", what, err, want)
		}
	}
	first := listen(t, at(path))
	refused("another of ours listens", syscall.EADDRINUSE)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	foreign, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	refused("another program listens", syscall.EADDRINUSE)
	foreign.SetUnlinkOnClose(false)
	if err := foreign.Close(); err != nil {
		t.Fatal(err)
	}
	if err := listen(t, at(path)).Close(); err != nil { // replaces the stale one
		t.Error(err)
	}

	if err := os.WriteFile(path, []byte("notes"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused("a file is there", syscall.EADDRINUSE)
	if text, err := os.ReadFile(path); err != nil || string(text) != "notes" {
		t.Errorf("the file was changed: %q, %v", text, err)
	}
	path = filepath.Join(t.TempDir(), "none", "http.sock")
	refused("the folder is missing", fs.ErrNotExist)
}

// Of many servers that start at once beside a stale socket, one listens, and can be reached.
func TestOneOfManyTakesTheSocket(t *testing.T) {
	for range 20 {
		path := filepath.Join(t.TempDir(), "http.sock")
		stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		stale.SetUnlinkOnClose(false)
		if err := stale.Close(); err != nil {
			t.Fatal(err)
		}
		got := make(chan net.Listener)
		for range 8 {
			go func() {
				ln, _, _ := server.Listen(t.Context(), at(path))
				got <- ln
			}()
		}
		listening := 0
		for range 8 {
			if ln := <-got; ln != nil {
				listening++
				defer ln.Close()
			}
		}
		c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
		if listening != 1 || err != nil {
			t.Fatalf("%d listen, and connecting says %v", listening, err)
		}
		_ = c.Close()
	}
}
