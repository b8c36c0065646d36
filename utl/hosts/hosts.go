// Package hosts parses host names in settings, requests and input, by one grammar. It
// refuses what different programs could read differently.
package hosts

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// Split splits a host into its name, in lower case and without a trailing dot, and its
// port, or "" if it has none. ok is false if the host is malformed.
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

// OwnPort returns the default port of the scheme; ok is false unless that is http or
// https.
func OwnPort(scheme string) (port string, ok bool) {
	switch scheme {
	case "http":
		return "80", true
	case "https":
		return "443", true
	}
	return "", false
}

// IsName reports whether the text is a host name or an IPv4 address: labels of ASCII
// letters, digits, - and _, separated by dots, at most 63 bytes each and 253 together (RFC
// 1035, section 2.3.4). Other letters are refused, because some of them become ASCII in
// lower case. A name whose last label is a number is refused too, unless it is an IPv4 address:
// browsers make one of it, as of 127.1 (WHATWG URL, "ends in a number").
func IsName(text string) bool {
	if len(text) > 253 {
		return false
	}
	for part := range strings.SplitSeq(text, ".") {
		if part == "" || len(part) > 63 || part[0] == '-' || part[len(part)-1] == '-' {
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
	if endsInNumber(text) {
		_, err := netip.ParseAddr(text)
		return err == nil
	}
	return true
}

func endsInNumber(name string) bool {
	label := strings.ToLower(name[strings.LastIndexByte(name, '.')+1:])
	digits := "0123456789"
	if rest, hex := strings.CutPrefix(label, "0x"); hex {
		label, digits = rest, "0123456789abcdef"
	}
	return strings.Trim(label, digits) == ""
}

// IsAddress reports whether the text is host:port, where the host is a name, an IPv4
// address or an IPv6 address in brackets, in a form that all proxies with a recipe read
// alike: nginx takes unix: for the path of a socket.
func IsAddress(text string) bool {
	host, port, err := net.SplitHostPort(text)
	n, notPort := strconv.ParseUint(port, 10, 16)
	if err != nil || notPort != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return false
	}
	if strings.HasPrefix(text, "[") {
		ip, err := netip.ParseAddr(host)
		return err == nil && ip.Is6() && ip.Zone() == ""
	}
	return IsName(host) && !strings.EqualFold(host, "unix")
}

// Pattern is a host, or all hosts below one, on one port or on every port.
type Pattern struct {
	name string // with a leading dot: all hosts below it
	port string // empty: every port
}

// ParsePattern parses app.example, *.apps.example or [::1], each with or without a port.
// ok is false if the text is malformed.
func ParsePattern(text string) (p Pattern, ok bool) {
	rest, below := strings.CutPrefix(text, "*.")
	name, port, ok := Split(rest)
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil && below { // an IP address has no hosts below it
		return Pattern{}, false
	}
	if below {
		name = "." + name
	}
	return Pattern{name, port}, ok
}

// String returns the pattern in its canonical spelling, which ParsePattern parses.
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

// Name returns the pattern's name without "*.": its one host, or the parent of its hosts.
func (p Pattern) Name() string { return strings.TrimPrefix(p.name, ".") }

// Parent returns the name below which all hosts match, or "" if the pattern is one host.
func (p Pattern) Parent() string {
	parent, below := strings.CutPrefix(p.name, ".")
	if !below {
		return ""
	}
	return parent
}

// Matches reports whether the pattern includes the host with this name and port, both as
// Split returns them.
func (p Pattern) Matches(name, port string) bool {
	return (p.port == "" || p.port == port) && p.Names(name)
}

// Names reports whether the pattern includes the host with this name, on any port.
func (p Pattern) Names(name string) bool {
	return name == p.name || strings.HasPrefix(p.name, ".") && strings.HasSuffix(name, p.name)
}
