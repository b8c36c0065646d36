package gate

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Target is an http or https URL on some host.
type Target struct {
	Scheme string // http or https
	Host   string // lower case, with the port unless that is the scheme's own
	Name   string // Host without the port
	URI    string // path and query, byte for byte
	port   string
}

// ownPort is the port that a scheme's URLs leave out.
var ownPort = map[string]string{"http": "80", "https": "443"}

// String returns the URL.
func (t Target) String() string { return t.Scheme + "://" + t.Host + t.URI }

// Root returns the host's first page.
func (t Target) Root() Target {
	t.URI = "/"
	return t
}

// Secure reports whether the target is reached over https.
func (t Target) Secure() bool { return t.Scheme == "https" }

// On reports whether host, as in http.Request.Host, names the target's host.
// Proxies differ in whether they pass on the port.
func (t Target) On(host string) bool {
	name, _, ok := splitHost(host)
	return ok && name == t.Name
}

// ParseURL reads an absolute http or https URL. It refuses user names,
// fragments, and all but visible ASCII. Errors: ErrBad.
func ParseURL(raw string) (Target, error) {
	scheme, rest, _ := strings.Cut(raw, "://")
	host, uri := rest, "/"
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, uri = rest[:i], rest[i:]
	}
	return newTarget(scheme, host, uri)
}

func newTarget(scheme, host, uri string) (Target, error) {
	name, port, ok := splitHost(host)
	own, known := ownPort[scheme]
	if !ok || !known || !isURI(uri) {
		return Target{}, fmt.Errorf("%w: its target is no URL", ErrBad)
	}
	t := Target{Scheme: scheme, Host: name, Name: name, URI: uri, port: port}
	if port == "" {
		t.port = own
	} else if port != own {
		t.Host += ":" + port
	}
	return t, nil
}

// isURI reports whether the text is a path and perhaps a query: what a browser
// sends and gets back byte for byte.
func isURI(text string) bool {
	if text == "" || text[0] != '/' {
		return false
	}
	path := true
	for i := range len(text) {
		switch c := text[i]; {
		case c <= ' ' || c >= 0x7f || c == '#':
			return false
		case c == '?':
			path = false
		case path && c == '%' && (i+2 >= len(text) || !isHex(text[i+1]) || !isHex(text[i+2])):
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// splitHost returns the name of a host, in lower case and without a last dot,
// and its port, or "".
func splitHost(host string) (name, port string, ok bool) {
	rest, bracket := strings.CutPrefix(host, "[")
	if bracket {
		text, after, closed := strings.Cut(rest, "]")
		ip, err := netip.ParseAddr(text)
		if err != nil || !closed || !ip.Is6() || ip.Zone() != "" || after != "" && after[0] != ':' {
			return "", "", false
		}
		name, host = "["+ip.String()+"]", after
	}
	before, port, hasPort := strings.Cut(host, ":")
	if !bracket {
		if name = strings.TrimSuffix(before, "."); !isName(name) {
			return "", "", false
		}
		name = strings.ToLower(name)
	}
	if !hasPort {
		return name, "", true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return name, strconv.FormatUint(n, 10), err == nil && n != 0
}

// isName reports whether the text is a host's name or an IPv4 address: parts
// of letters, digits, - and _ with single dots between them. All is ASCII: some
// other letters have one of these as their lower case.
func isName(text string) bool {
	if len(text) > 253 {
		return false
	}
	for part := range strings.SplitSeq(text, ".") {
		if part == "" || part[0] == '-' || part[len(part)-1] == '-' {
			return false
		}
		for _, c := range []byte(part) {
			switch {
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
			default:
				return false
			}
		}
	}
	return true
}

// pattern is one of GATE_HOSTS.
type pattern struct {
	name string // with a dot in front it stands for all that lies below
	port string // empty: every port
}

func parsePattern(text string) (pattern, error) {
	rest, below := strings.CutPrefix(text, "*.")
	name, port, ok := splitHost(rest)
	if !ok {
		return pattern{}, fmt.Errorf("GATE_HOSTS: %q is no host", text)
	}
	if below {
		name = "." + name
	}
	return pattern{name, port}, nil
}

func (p pattern) matches(t Target) bool {
	return (p.port == "" || p.port == t.port) && p.names(t.Name)
}

// names reports whether the host of the name is one of the pattern's.
func (p pattern) names(name string) bool {
	return name == p.name || p.name[0] == '.' && strings.HasSuffix(name, p.name)
}
