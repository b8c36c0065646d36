package gate

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"glassjar/utl/hosts"
)

// Target is an http or https URL on some host.
type Target struct {
	Scheme string // http or https
	Host   string // in lower case, with the port unless that is the scheme's default
	Name   string // Host without the port
	URI    string // path and query: printable ASCII, unchanged
	port   string
}

// String returns the URL.
func (t Target) String() string { return t.Scheme + "://" + t.Host + t.URI }

// Root returns the host's first page.
func (t Target) Root() Target {
	t.URI = "/"
	return t
}

// Secure reports whether the target is reached over https.
func (t Target) Secure() bool { return t.Scheme == "https" }

// SameHost reports whether host, as in http.Request.Host, has the target's host name. It
// ignores the port, because some proxies do not pass it on.
func (t Target) SameHost(host string) bool {
	name, _, ok := hosts.Split(host)
	return ok && name == t.Name
}

// ParseURL parses an absolute http or https URL. It refuses user names, fragments, spaces
// and control bytes, and percent-encodes non-ASCII bytes (RFC 3986, section 2.1). Errors:
// ErrBad.
func ParseURL(raw string) (Target, error) {
	scheme, rest, _ := strings.Cut(raw, "://")
	host, uri := rest, "/"
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, uri = rest[:i], rest[i:]
	}
	return newTarget(scheme, host, uri)
}

func newTarget(scheme, host, uri string) (Target, error) {
	name, port, ok := hosts.Split(host)
	own, known := hosts.OwnPort(scheme)
	if !ok || !known || !isURI(uri) {
		return Target{}, fmt.Errorf("%w: its target is not a URL", ErrBad)
	}
	t := Target{Scheme: scheme, Host: name, Name: name, URI: asciiOnly(uri), port: port}
	if port == "" {
		t.port = own
	} else if port != own {
		t.Host += ":" + port
	}
	return t, nil
}

// isURI reports whether the text is a path with or without a query, which browsers send
// and receive unchanged.
func isURI(text string) bool {
	if text == "" || text[0] != '/' {
		return false
	}
	path := true
	for i := range len(text) {
		switch c := text[i]; {
		case c <= ' ' || c == 0x7f || c == '#':
			return false
		case c == '?':
			path = false
		case path && c == '%' && (i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2])):
			return false
		}
	}
	return true
}

// asciiOnly percent-encodes each non-ASCII byte of the text.
func asciiOnly(text string) string {
	if !strings.ContainsFunc(text, func(c rune) bool { return c >= utf8.RuneSelf }) {
		return text
	}
	var b strings.Builder
	for _, c := range []byte(text) {
		if c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
