package mail

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

const (
	timeout = 30 * time.Second // for connecting, and then for each mail
	grace   = 3 * time.Second  // for the mail being sent when the program stops
)

// Server describes the mail server, and the site that the mails are from.
type Server struct {
	URL    *url.URL // SMTP_URL: scheme smtp or smtps, with a port, and a user if the server needs one
	From   string   // the sender's address
	Site   string   // the site's name
	Public *url.URL // the site's URL
	Now    func() time.Time

	timeout time.Duration // zero: the constant
}

// connection is a connection to the mail server. The zero value is not connected.
type connection struct {
	client *gomail.Client
	smtp   *smtp.Client
	wire   net.Conn
	stop   func() bool // cancels the closing at the end of ctx
}

// close ends the SMTP session with QUIT, and closes the connection.
func (c *connection) close() {
	if c.smtp != nil {
		_ = c.client.CloseWithSMTPClient(c.smtp) // an error does not matter: every mail was answered
	}
	c.drop()
}

// drop closes the connection at once.
func (c *connection) drop() {
	if c.wire != nil {
		c.stop()
		_ = c.wire.Close()
	}
	*c = connection{}
}

// connect connects c: over verified TLS unless the server is on this machine, and signed
// in if the URL has a user. When ctx ends, the connection stays open for another grace.
func (s Server) connect(ctx context.Context, c *connection) error {
	port, err := strconv.Atoi(s.URL.Port())
	if err != nil {
		return fmt.Errorf("reading the port: %w", err)
	}
	options := append(s.security(), gomail.WithPort(port), gomail.WithTimeout(cmp.Or(s.timeout, timeout)), gomail.WithoutSMTPUTF8(),
		gomail.WithHELO(s.domain()), // the default would reveal this machine's name
		gomail.WithDialContextFunc(func(dialing context.Context, network, _ string) (net.Conn, error) {
			wire, err := s.dial(dialing, network)
			if err == nil {
				c.wire, c.stop = wire, context.AfterFunc(ctx, func() { time.AfterFunc(grace, func() { _ = wire.Close() }) })
			}
			return wire, err
		}))
	if c.client, err = gomail.NewClient(s.URL.Hostname(), options...); err != nil {
		return fmt.Errorf("reading SMTP_URL: %w", err)
	}
	if c.smtp, err = c.client.DialToSMTPClientWithContext(ctx); err != nil {
		c.smtp = nil
		c.drop() // the library leaves the connection open
	}
	return err
}

// security returns the options for TLS and sign-in.
func (s Server) security() (options []gomail.Option) {
	switch {
	case s.URL.Scheme == "smtps":
		options = append(options, gomail.WithSSL())
	case isLoopback(s.URL.Hostname()): // no network is in between, and certificates do not name loopback addresses
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic), // some servers accept passwords only over TLS
			gomail.WithTLSConfig(&tls.Config{InsecureSkipVerify: true})) // #nosec G402 -- see above
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if user := s.URL.User; user != nil {
		password, _ := user.Password()
		options = append(options, gomail.WithUsername(user.Username()), gomail.WithPassword(password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return options
}

// dial opens a connection, with TLS for smtps. The library's own dialer gets an address
// without brackets around IPv6.
func (s Server) dial(ctx context.Context, network string) (net.Conn, error) {
	if s.URL.Scheme == "smtps" {
		return (&tls.Dialer{Config: &tls.Config{ServerName: s.URL.Hostname(), MinVersion: tls.VersionTLS12}}).DialContext(ctx, network, s.URL.Host)
	}
	return (&net.Dialer{}).DialContext(ctx, network, s.URL.Host)
}

// deliver sends the letter. The Message-ID is made from the id, so that a mail that is
// sent again has the same.
func (s Server) deliver(c *connection, id, to string, l letter) error {
	text, html, err := l.render()
	if err != nil {
		return err
	}
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(&netmail.Address{Name: l.Site, Address: s.From})
	m.ToMailAddress(&netmail.Address{Address: to})
	m.Subject(l.Subject)
	m.SetDateWithValue(s.Now())
	m.SetMessageIDWithValue(id + "@" + s.domain())
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834, section 5: suppresses automatic replies
	m.SetBodyString(gomail.TypeTextPlain, text)
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	err = c.client.SendWithSMTPClient(c.smtp, m)
	if m.IsDelivered() {
		return nil // an error after the delivery does not matter
	}
	c.drop() // the state of the SMTP session is unknown
	return err
}

// Test sends a test mail to the address, without the queue. Errors: why the mail server
// could not be used or refused the mail.
func (s Server) Test(ctx context.Context, to string) error {
	c := &connection{}
	defer func() { c.close() }()
	if err := s.connect(ctx, c); err != nil {
		return err
	}
	if err := s.deliver(c, strings.ToLower(rand.Text()), to, s.letter(Message{Kind: test}, Link{})); err != nil {
		return errors.New(reason(err))
	}
	return nil
}

// domain returns the domain of the sender's address, for Message-ID and HELO.
func (s Server) domain() string {
	return s.From[strings.LastIndexByte(s.From, '@')+1:]
}

// isLoopback reports whether the host is this machine.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || host == "localhost"
}

// isRefusal reports whether the mail server refused this one mail, because of its
// recipient or its content, and whether that is permanent (final). Other errors concern
// the server itself or the connection.
func isRefusal(err error) (refused, final bool) {
	sending, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return false, false
	}
	switch sending.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
	default:
		return false, false
	}
	code := sending.ErrorCode()
	return code >= 400 && code != 421, code >= 500 // RFC 5321, section 4.2.1; 421 closes the connection
}

// reason returns the error on one line, without the recipient's address that the library
// appends.
func reason(err error) string {
	text, _, _ := strings.Cut(err.Error(), ", affected ")
	return line(text, 256)
}
