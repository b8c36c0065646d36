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
	patience = 30 * time.Second // for connecting, and then for each mail
	grace    = 3 * time.Second  // after the stop, for the mail that is on its way
)

// Server is the mail server, and what it gives mails of: the site.
type Server struct {
	URL    *url.URL // smtp or smtps, with a port, and a user where the server asks for one
	From   string   // the sender's address
	Site   string   // what the site is called
	Public *url.URL // the site's address
	Now    func() time.Time

	patience time.Duration // 0: the constant
}

// connection is one to the mail server; the zero value is none yet.
type connection struct {
	client *gomail.Client
	smtp   *smtp.Client
	wire   net.Conn
	stop   func() bool // takes back what the end of ctx does
}

// close says good-bye where somebody listens.
func (c *connection) close() {
	if c.smtp != nil {
		_ = c.client.CloseWithSMTPClient(c.smtp) // the mails' answers have come
	}
	c.drop()
}

// drop cuts the connection off.
func (c *connection) drop() {
	if c.wire != nil {
		c.stop()
		_ = c.wire.Close()
	}
	*c = connection{}
}

// connect connects c: over TLS that is verified, unless the server is on this
// machine, and signed in where the URL has a user. When ctx ends, what is on its
// way has a moment.
func (s Server) connect(ctx context.Context, c *connection) error {
	port, err := strconv.Atoi(s.URL.Port())
	if err != nil {
		return fmt.Errorf("reading the port: %w", err)
	}
	options := append(s.security(), gomail.WithPort(port), gomail.WithTimeout(cmp.Or(s.patience, patience)), gomail.WithoutSMTPUTF8(),
		gomail.WithHELO(s.domain()), // else it is this machine's name
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
		c.drop() // which the library leaves open
	}
	return err
}

// security returns how the connection is encrypted, and who signs in.
func (s Server) security() (options []gomail.Option) {
	switch {
	case s.URL.Scheme == "smtps":
		options = append(options, gomail.WithSSL())
	case isLoopback(s.URL.Hostname()): // nobody is in between, and its certificate names no loopback address
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic), // some take passwords over TLS alone
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

// dial opens a connection, over TLS where that comes first. The library's own
// address has no brackets around IPv6.
func (s Server) dial(ctx context.Context, network string) (net.Conn, error) {
	if s.URL.Scheme == "smtps" {
		return (&tls.Dialer{Config: &tls.Config{ServerName: s.URL.Hostname(), MinVersion: tls.VersionTLS12}}).DialContext(ctx, network, s.URL.Host)
	}
	return (&net.Dialer{}).DialContext(ctx, network, s.URL.Host)
}

// deliver hands the letter to the mail server. The id makes its Message-ID: a
// mail that is sent again has the same.
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
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no "I am on holiday" comes back
	m.SetBodyString(gomail.TypeTextPlain, text)
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	err = c.client.SendWithSMTPClient(c.smtp, m)
	if m.IsDelivered() {
		return nil // what failed after that does not matter
	}
	c.drop() // who knows what the server waits for now
	return err
}

// Test sends a mail to the address that says that mail works, past the queue.
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

// domain returns the sender's domain, by which the mails and their sender are
// called.
func (s Server) domain() string {
	return s.From[strings.LastIndexByte(s.From, '@')+1:]
}

// isLoopback reports whether the host is this machine.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || host == "localhost"
}

// isRefusal reports whether the mail server refused this one mail, by its answer
// to its address or its content, and whether for good. Other errors are about the
// server itself, or the connection.
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

// reason returns the error on one line, without the address that the library adds
// to it.
func reason(err error) string {
	text, _, _ := strings.Cut(err.Error(), ", affected ")
	return line(text, 256)
}
