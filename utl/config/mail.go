package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"glassjar/utl/hosts"
)

// mailPorts are the default ports of SMTP_URL by scheme.
var mailPorts = map[string]string{"smtp": "587", "smtps": "465"}

// MailURL is the URL of the mail server: smtp or smtps, with a port. Its user part has a
// password, so String leaves it out.
type MailURL url.URL

// URL returns it as a *url.URL.
func (m *MailURL) URL() *url.URL { return (*url.URL)(m) }

// String returns the scheme, the host and the port.
func (m *MailURL) String() string {
	if m == nil {
		return ""
	}
	return m.Scheme + "://" + m.Host
}

// checkMail records what is wrong with SMTP_URL, MAIL_FROM and SITE_NAME.
func (c Config) checkMail(f faults) {
	f.require(c.MailFrom == "" || hosts.IsMail(c.MailFrom), "MAIL_FROM")
	f.require(c.MailFrom != "" || c.SMTPURL == nil, "MAIL_FROM", "must be set when SMTP_URL is, like jar@site.example")
	f.require(c.SMTPURL != nil || c.MailFrom == "", "SMTP_URL", "must be set when MAIL_FROM is, like smtp://user:password@mail.example:587")
	f.require(isTitle(c.SiteName), "SITE_NAME")
}

// parseMailURL parses the mail server's URL, and adds the scheme's default port.
func parseMailURL(v string) (any, error) {
	u, err := url.Parse(v)
	if err != nil || strings.ContainsAny(v, "?#") || u.Path != "" && u.Path != "/" {
		return nil, errNotAllowed
	}
	port, known := mailPorts[u.Scheme]
	if u.Port() != "" {
		port = u.Port()
	}
	host := strings.ToLower(u.Hostname())
	ip, err := netip.ParseAddr(host)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if !known || portErr != nil || n == 0 || !isHost(host) && (err != nil || ip.Zone() != "") {
		return nil, errNotAllowed
	}
	if password, given := u.User.Password(); u.User != nil && (u.User.Username() == "" || !given || password == "") {
		return nil, errNotAllowed
	}
	return MailURL{Scheme: u.Scheme, User: u.User, Host: net.JoinHostPort(host, strconv.FormatUint(n, 10))}, nil
}

// isTitle reports whether the text is one line of 1 to 64 printable characters without
// white space at its ends.
func isTitle(text string) bool {
	return text != "" && utf8.ValidString(text) && utf8.RuneCountInString(text) <= 64 && text == strings.TrimSpace(text) &&
		!strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) })
}
