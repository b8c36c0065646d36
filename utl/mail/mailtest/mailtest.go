// Package mailtest is a mail server for tests: it speaks SMTP over TCP, with TLS and
// sign-in, and can be told to fail.
package mailtest

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"glassjar/utl/tlscert/certtest"
)

// The user and the password that a server with TLS asks for.
const (
	// The user and the password that a server with TLS requires.
	User     = "jar@site.example"
	Password = "c4nary/of the:mail@server"
)

// ErrCut makes the server, if Data returns it, take the mail and close the connection in
// place of an answer.
var ErrCut = errors.New("the connection is cut")

// Main runs the tests of a package that sends mail, with a certificate for localhost that
// its mail servers use and the tests trust. It returns the exit code.
func Main(run func() int) int {
	folder, err := os.MkdirTemp("", "mailtest")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	certificate, err = newCertificate(folder)
	if err := errors.Join(err, os.Setenv("SSL_CERT_FILE", filepath.Join(folder, "cert.pem"))); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return run()
}

var certificate *tls.Config // the trusted one

// newCertificate makes a certificate for localhost, as cert.pem and key.pem in the folder.
func newCertificate(folder string) (*tls.Config, error) {
	certFile, keyFile := filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	if _, err := certtest.Make(certFile, keyFile); err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	return &tls.Config{Certificates: []tls.Certificate{pair}}, err
}

// stranger returns a certificate that nobody trusts.
func stranger(tb testing.TB) *tls.Config {
	tb.Helper()
	config, err := newCertificate(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	return config
}

// Mail is a mail that the server received, at least in part.
type Mail struct {
	Helo     string // the name in the sender's HELO
	From, To string
	Raw      []byte
	*mail.Message
}

// Server is a running mail server.
type Server struct {
	// MailFrom, Rcpt and Data, if not nil, decide how the server answers these commands.
	// Data may delay the answer, or return ErrCut. Answered is called after the answer to a
	// mail. Set them before the first mail.
	MailFrom, Rcpt func(address string) error
	Data           func(Mail) error
	Answered       func(net.Conn)

	ln  net.Listener
	tls bool

	mu       sync.Mutex
	all      []Mail
	attempts int
	asked    int
	stop     func() error
}

// Start starts a server on this machine. kind is smtp (without TLS), starttls, smtps
// (TLS from the start) or stranger (STARTTLS with a certificate that nobody trusts). Those
// with TLS require User and Password. It stops at the end of the test.
func Start(tb testing.TB, kind string) *Server {
	tb.Helper()
	ln, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &Server{ln: ln, tls: kind != "smtp"}
	serves := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{server: s, conn: c}, nil }))
	serves.Domain, serves.ErrorLog = "localhost", silent{}
	switch kind {
	case "starttls":
		serves.TLSConfig = certificate
	case "stranger":
		serves.TLSConfig = stranger(tb)
	case "smtps":
		ln = tls.NewListener(ln, certificate)
	}
	go func() { _ = serves.Serve(ln) }()
	s.stop = func() error { return errors.Join(serves.Close(), ln.Close()) } // both: Serve may not have started yet
	tb.Cleanup(s.Stop)
	return s
}

// Stop stops the server.
func (s *Server) Stop() { _ = s.stop() }

// URL returns the SMTP_URL of the server, with this scheme and host.
func (s *Server) URL(scheme, host string) *url.URL {
	_, port, err := net.SplitHostPort(s.ln.Addr().String())
	if err != nil {
		panic(err) // a TCP listener has a port
	}
	u := &url.URL{Scheme: scheme, Host: net.JoinHostPort(host, port)}
	if s.tls {
		u.User = url.UserPassword(User, Password)
	}
	return u
}

// Mails returns the mails that the server accepted.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.all...)
}

// Attempts returns how many MAIL commands the server received.
func (s *Server) Attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts
}

// Asked returns how many passwords the server received.
func (s *Server) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *Server) count(n *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n++
}

// session is one connection of a client, as go-smtp calls it.
type session struct {
	server *Server
	conn   *smtp.Conn
	signed bool
	mail   Mail
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		s.server.count(&s.server.asked)
		if user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		s.signed = true
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.server.count(&s.server.attempts)
	if s.server.tls && !s.signed {
		return smtp.ErrAuthRequired
	}
	s.mail.Helo, s.mail.From = s.conn.Hostname(), from
	return ask(s.server.MailFrom, from)
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mail.To = to
	return ask(s.server.Rcpt, to)
}

func ask(hook func(string) error, address string) error {
	if hook == nil {
		return nil
	}
	return hook(address)
}

func (s *session) Data(r io.Reader) (err error) {
	m := s.mail
	if m.Raw, err = io.ReadAll(r); err != nil {
		return err
	}
	if m.Message, err = mail.ReadMessage(bytes.NewReader(m.Raw)); err != nil {
		return err
	}
	s.mail.Message = m.Message
	if s.server.Data != nil {
		err = s.server.Data(m)
	}
	if err == nil || errors.Is(err, ErrCut) {
		s.server.mu.Lock()
		s.server.all = append(s.server.all, m)
		s.server.mu.Unlock()
	}
	if errors.Is(err, ErrCut) { // when the mail is in the list, because the test goes on at once
		return s.conn.Conn().Close()
	}
	return err
}

func (s *session) Reset() {
	if s.mail.Message != nil && s.server.Answered != nil {
		s.server.Answered(s.conn.Conn())
	}
	s.mail = Mail{}
}

func (s *session) Logout() error { return nil }

// silent discards the server's log.
type silent struct{}

func (silent) Printf(string, ...any) {}

func (silent) Println(...any) {}
