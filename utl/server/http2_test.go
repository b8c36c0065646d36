package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"glassjar/utl/server"
	"glassjar/utl/tlscert/certtest"
)

// noted is a connection that tells when it is closed.
type noted struct {
	net.Conn

	once   sync.Once
	closed chan struct{}
}

// Close implements net.Conn.
func (n *noted) Close() error {
	n.once.Do(func() { close(n.closed) })
	return n.Conn.Close()
}

// client is a client's connection that speaks HTTP/2 frame by frame.
type client struct {
	*http2.Framer

	t    *testing.T
	over *tls.Conn
	ends *noted // the server's end
	next uint32
}

// overTLS starts a server that speaks HTTP/2 over TLS, and returns a function that stops it.
func overTLS(t *testing.T, site http.HandlerFunc, w *wire) (stop func()) {
	t.Helper()
	folder := t.TempDir()
	cert, key := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	certtest.Write(t, cert, key)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	ended, s := make(chan error, 1), server.Server{Site: site, Log: quiet}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		ended <- s.Run(ctx, tls.NewListener(w, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS13}))
	}()
	return func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// frames connects to the server and sends the settings.
func (w *wire) frames(t *testing.T, settings ...http2.Setting) *client {
	t.Helper()
	ours, theirs := net.Pipe()
	ends := &noted{Conn: theirs, closed: make(chan struct{})}
	w.conns <- ends
	over := tls.Client(ours, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS13})
	if err := over.Handshake(); err != nil {
		t.Fatal(err)
	}
	c := &client{http2.NewFramer(over, over), t, over, ends, 1}
	sent := make(chan error, 1)
	go func() { // the server sends its settings first, and the connection buffers nothing
		_, err := io.WriteString(over, http2.ClientPreface)
		sent <- errors.Join(err, c.WriteSettings(settings...))
	}()
	first := c.read()
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	if got, ok := first.(*http2.SettingsFrame); !ok {
		t.Fatalf("the server begins with %v", first)
	} else if most, _ := got.Value(http2.SettingMaxConcurrentStreams); most != 100 {
		t.Errorf("it allows %d streams at once, want 100", most)
	}
	return c
}

// read returns the next frame.
func (c *client) read() http2.Frame {
	c.t.Helper()
	frame, err := c.ReadFrame()
	if err != nil {
		c.t.Fatal(err)
	}
	return frame
}

// get requests / on a new stream; somebody else must read the frames.
func (c *client) get() error {
	var block bytes.Buffer
	headers := hpack.NewEncoder(&block)
	for _, f := range []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "jar.example"}, {Name: ":path", Value: "/"}} {
		if err := headers.WriteField(f); err != nil {
			return err
		}
	}
	c.next += 2
	return c.WriteHeaders(http2.HeadersFrameParam{StreamID: c.next - 2, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true})
}

// resets reads until n streams are reset, and returns how many with each code.
func (c *client) resets(n int) map[http2.ErrCode]int {
	c.t.Helper()
	found := map[http2.ErrCode]int{}
	for range n {
		for {
			if f, ok := c.read().(*http2.RSTStreamFrame); ok {
				found[f.ErrCode]++
				break
			}
		}
	}
	return found
}

// Attack http/streams: a connection has at most 100 streams, and a stream whose response the
// client does not read (its window is 0) ends after 30 s.
func TestHTTP2StreamsThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		stop := overTLS(t, hello, w)
		c, began := w.frames(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}), time.Now()
		go func() {
			err := c.WriteSettingsAck()
			for range 101 {
				err = errors.Join(err, c.get())
			}
			if err != nil {
				t.Error(err)
			}
		}()
		if got := c.resets(1); got[http2.ErrCodeProtocol] != 1 || time.Since(began) != 0 {
			t.Errorf("101 streams: got %v, want one refused at once", got)
		}
		if got := c.resets(100); got[http2.ErrCodeInternal] != 100 {
			t.Errorf("got %v, want 100 that were cut off", got)
		}
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("they were cut off after %v, want 30 s", took)
		}
		_ = c.over.NetConn().Close()
		stop()
	})
}

// Attack http/streams: a connection is closed if its client reads nothing for 30 s, whatever
// the state of its streams.
func TestHTTP2ConnectionsThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		ended := make(chan struct{})
		stop := overTLS(t, func(w http.ResponseWriter, _ *http.Request) {
			defer close(ended)
			_, _ = io.WriteString(w, strings.Repeat("a", 1<<20))
		}, w)
		c := w.frames(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
		go func() { // the server accepts these; from here on nobody reads
			if err := c.get(); err != nil {
				t.Error(err)
			}
		}()
		<-time.After(2 * time.Minute)
		synctest.Wait()
		for what, end := range map[string]chan struct{}{"the connection": c.ends.closed, "the handler": ended} {
			select {
			case <-end:
			default:
				t.Errorf("%s goes on after two minutes", what)
			}
		}
		_ = c.over.NetConn().Close()
		stop()
	})
}
