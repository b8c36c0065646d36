// Package clientip finds the address that a request came from. It believes
// X-Forwarded-For only from trusted peers, from right to left, and ignores
// whatever stands left of the first address that is not trusted. It does not
// look at Forwarded: nginx, Caddy and Traefik do not write it, and pass on what
// the client wrote.
package clientip

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Socket is the peer of a connection through the server's Unix socket, in
// http.Request.RemoteAddr's place. No peer over TCP is called so.
const Socket = "unix"

const (
	maxHops    = 32 // elements of X-Forwarded-For that are looked at
	hiddenPort = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
)

// From returns the client's address, and whether the peer is in one of the
// trusted networks. remote is the peer, as in http.Request.RemoteAddr;
// forwarded holds the values of X-Forwarded-For, whose lines are one list. Empty
// elements of it do not count (RFC 9110, section 5.6.1.2).
// When every address is trusted, or an element cannot be read, it is the last
// one that could. IPv4-mapped addresses come back as IPv4, and without zones.
// A remote that holds no address gives the zero Addr, but for Socket: whoever may
// connect to that file is trusted, and is this machine.
func From(remote string, forwarded []string, trusted []netip.Prefix) (client netip.Addr, proxied bool) {
	client = parse(remote)
	proxied = contains(trusted, client)
	if remote == Socket {
		client, proxied = netip.AddrFrom4([4]byte{127, 0, 0, 1}), true
	}
	left := strings.Join(forwarded, ",")
	for hop, through := 0, proxied; hop < maxHops && left != "" && through; hop++ {
		comma := strings.LastIndexByte(left, ',')
		element := strings.Trim(left[comma+1:], " \t")
		left = left[:max(comma, 0)]
		if element == "" {
			continue
		}
		next := parse(element)
		if !next.IsValid() {
			break
		}
		client, through = next, contains(trusted, next)
	}
	return client, proxied
}

func contains(trusted []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// parse reads an address, with or without a port, as RFC 7239, section 6, and
// proxies write a node: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1],
// [2001:db8::1]:80, each also in quotes. Anything else, such as unknown or
// _hidden, is the zero Addr, which no network contains.
func parse(node string) netip.Addr {
	if n := len(node); n > 1 && node[0] == '"' && node[n-1] == '"' {
		node = node[1 : n-1]
	}
	name, port, bracket := node, "", strings.HasPrefix(node, "[")
	if end := strings.IndexByte(node, ']'); bracket && end > 0 {
		name, port = node[1:end], node[end+1:]
	} else if strings.Count(node, ":") == 1 {
		colon := strings.IndexByte(node, ':')
		name, port = node[:colon], node[colon:]
	}
	ip, err := netip.ParseAddr(name)
	if err != nil || !isPort(port) || bracket && !ip.Is6() {
		return netip.Addr{}
	}
	return ip.Unmap().WithZone("")
}

// isPort reports whether the text is empty, or a colon and a port, which may be
// hidden behind a word (RFC 7239, section 6.3).
func isPort(text string) bool {
	port, found := strings.CutPrefix(text, ":")
	if !found {
		return text == ""
	}
	if word, hidden := strings.CutPrefix(port, "_"); hidden {
		return word != "" && strings.Trim(word, hiddenPort) == ""
	}
	_, err := strconv.ParseUint(port, 10, 16)
	return err == nil
}
