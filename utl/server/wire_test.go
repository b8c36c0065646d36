package server_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
)

// wire is a network in memory that uses synctest's fake clock.
type wire struct {
	conns chan net.Conn
	ended chan struct{}
	err   error // returned by Accept, once
}

func newWire() *wire { return &wire{conns: make(chan net.Conn), ended: make(chan struct{})} }

// Accept implements net.Listener.
func (w *wire) Accept() (net.Conn, error) {
	if err := w.err; err != nil {
		w.err = nil
		return nil, err
	}
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.ended:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (w *wire) Close() error {
	select {
	case <-w.ended:
	default:
		close(w.ended)
	}
	return nil
}

// Addr implements net.Listener.
func (w *wire) Addr() net.Addr { return &net.TCPAddr{} }

// conn is a client's connection.
type conn struct {
	net.Conn

	t    *testing.T
	read *bufio.Reader
}

func (w *wire) dial(t *testing.T) *conn {
	t.Helper()
	ours, theirs := net.Pipe()
	w.conns <- theirs
	return &conn{ours, t, bufio.NewReader(ours)}
}

// answer is a response that was read completely.
type answer struct {
	StatusCode int
	Close      bool
}

// ask sends the text and returns the response.
func (c *conn) ask(text string) answer {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
	return c.answer()
}

func (c *conn) answer() answer {
	c.t.Helper()
	res, err := http.ReadResponse(c.read, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.ReadAll(res.Body); err != nil {
		c.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Close}
}

// closed reports whether the server closed the connection without sending more.
func (c *conn) closed() bool {
	_, err := c.read.ReadByte()
	return errors.Is(err, io.EOF)
}
