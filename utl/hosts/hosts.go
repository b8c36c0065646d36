// Package hosts reads the names of hosts, as settings, requests and people spell
// them, by one grammar. It refuses what can be read in two ways.
package hosts

import (
	"net/netip"
	"strconv"
	"strings"
)

// Split returns the name of a host, in lower case and without a last dot,
// and its port, or "".
func Split(host string) (name, port string, ok bool) {
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
		if name = strings.TrimSuffix(before, "."); !IsName(name) {
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

// OwnPort returns the port that the scheme's URLs leave out, and reports whether
// the scheme is http or https.
func OwnPort(scheme string) (port string, ok bool) {
	switch scheme {
	case "http":
		return "80", true
	case "https":
		return "443", true
	}
	return "", false
}

// IsName reports whether the text is a host's name or an IPv4 address: parts
// of letters, digits, - and _ with single dots between them. All is ASCII: some
// other letters have one of these as their lower case.
func IsName(text string) bool {
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

// Pattern is a host, or all hosts below one, on a port or on every port.
type Pattern struct {
	name string // with a dot in front it stands for all that lies below
	port string // empty: every port
}

// ParsePattern reads app.example, *.apps.example, [::1], each perhaps with a
// port, and reports whether text is one of that form.
func ParsePattern(text string) (p Pattern, ok bool) {
	rest, below := strings.CutPrefix(text, "*.")
	name, port, ok := Split(rest)
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil && below { // nothing lies below an address
		return Pattern{}, false
	}
	if below {
		name = "." + name
	}
	return Pattern{name, port}, ok
}

// String returns the pattern as ParsePattern reads it, in its one spelling.
func (p Pattern) String() string {
	text := p.name
	if strings.HasPrefix(text, ".") {
		text = "*" + text
	}
	if p.port != "" {
		text += ":" + p.port
	}
	return text
}

// Name returns the name of the pattern's one host, or that below which its hosts
// are.
func (p Pattern) Name() string { return strings.TrimPrefix(p.name, ".") }

// Parent returns the name below which all hosts are the pattern's, or "".
func (p Pattern) Parent() string {
	parent, below := strings.CutPrefix(p.name, ".")
	if !below {
		return ""
	}
	return parent
}

// Matches reports whether the host of the name is one of the pattern's on the
// port. Both are as Split returns them.
func (p Pattern) Matches(name, port string) bool {
	return (p.port == "" || p.port == port) && p.Names(name)
}

// Names reports whether the host of the name is one of the pattern's.
func (p Pattern) Names(name string) bool {
	return name == p.name || strings.HasPrefix(p.name, ".") && strings.HasSuffix(name, p.name)
}
