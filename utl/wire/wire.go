// Package wire sends bytes through a real TLS 1.3 connection between a client
// and a server in memory, and records what a listener on the network would see.
// It stores nothing and uses no key but the connection's own.
package wire

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"regexp"
	"time"
)

const (
	// MaxRequest limits a request of [Sender.Send], in bytes.
	MaxRequest = 16 << 10

	maxAtOnce = 4               // concurrent handshakes
	maxTime   = 3 * time.Second // limits the wait for a slot and the connection together
)

var (
	// ErrBusy means that too many requests are being sent at the same time.
	ErrBusy = errors.New("too many connections at once")
	// ErrSize means that a request has more than [MaxRequest] bytes.
	ErrSize = errors.New("the request is too large")
)

// host is a host's name or address, of a length that DNS allows (RFC 1035,
// section 2.3.4).
var host = regexp.MustCompile(`^[0-9A-Za-z_.:-]{1,253}$`)

// Sender sends requests, at most four at the same time.
type Sender struct{ slots chan struct{} }

// New returns a Sender.
func New() *Sender { return &Sender{make(chan struct{}, maxAtOnce)} }

// Send sends the request to a server of the name, and returns the records of
// both directions in the order in which they were sent. Each call makes its own
// connection and certificate. A name that is not valid for a host is left out
// of the handshake. Send takes at most three seconds. Errors: [ErrSize],
// [ErrBusy], and those of crypto/tls.
func (s *Sender) Send(ctx context.Context, name string, request []byte) ([]Record, error) {
	if len(request) > MaxRequest {
		return nil, ErrSize
	}
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return nil, ErrBusy
	}
	if !host.MatchString(name) {
		name = ""
	}
	return send(ctx, name, request, nil)
}

// send is Send without its limits. If keys is not nil, the connection's keys are
// written to it.
func send(ctx context.Context, name string, request []byte, keys io.Writer) ([]Record, error) {
	cert, err := certificate(name)
	if err != nil {
		return nil, err
	}
	var t recorder
	clientEnd, serverEnd := net.Pipe()
	defer clientEnd.Close()
	defer serverEnd.Close()
	defer context.AfterFunc(ctx, func() { _, _ = clientEnd.Close(), serverEnd.Close() })()

	client := tls.Client(recordedConn{clientEnd, &t, true}, &tls.Config{
		ServerName: name, MinVersion: tls.VersionTLS13, KeyLogWriter: keys,
		CurvePreferences: []tls.CurveID{tls.X25519}, DynamicRecordSizingDisabled: true,
		InsecureSkipVerify: true, //nolint:gosec // both ends are in this function
	})
	server := tls.Server(recordedConn{serverEnd, &t, false}, &tls.Config{
		Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true,
	})
	served := make(chan error, 1)
	go func() {
		defer serverEnd.Close() // so that a client that still writes does not wait
		served <- receive(ctx, server, request)
	}()
	if _, err := client.Write(request); err != nil { // includes the handshake
		return nil, fmt.Errorf("sending over TLS: %w", errors.Join(err, ctx.Err()))
	}
	if err := <-served; err != nil {
		return nil, fmt.Errorf("receiving over TLS: %w", errors.Join(err, ctx.Err()))
	}
	return t.records, nil
}

// receive is the server's side. It fails unless exactly the request arrives.
func receive(ctx context.Context, server *tls.Conn, request []byte) error {
	if err := server.HandshakeContext(ctx); err != nil {
		return err
	}
	got := make([]byte, len(request))
	if _, err := io.ReadFull(server, got); err != nil {
		return err
	}
	if !bytes.Equal(got, request) {
		return errors.New("the received bytes differ from the sent ones")
	}
	return nil
}

// certificate returns a new key and its self-signed certificate. Over TLS 1.3 a
// listener sees neither.
func certificate(name string) (tls.Certificate, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a key: %w", err)
	}
	made, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<32, 0),
	}, &x509.Certificate{Subject: pkix.Name{CommonName: name}}, public, private)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("making a certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{made}, PrivateKey: private}, nil
}
