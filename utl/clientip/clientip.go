// Package clientip finds the client's address of a request. It reads X-Forwarded-For only
// from trusted peers, from right to left, and ignores everything left of the first
// address that is not trusted. It ignores the header Forwarded: nginx, Caddy and Traefik
// do not write it, and pass on what the client sent.
package clientip

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Socket stands for the peer of a connection through the server's Unix socket, in place
// of http.Request.RemoteAddr. A peer over TCP never has this address.
const Socket = "unix"

const (
	maxHops    = 32 // how many elements of X-Forwarded-For are read
	hiddenPort = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
)

// From returns the client's address, and reports whether the peer is in one of the
// trusted networks. remote is http.Request.RemoteAddr, and forwarded has the values of
// X-Forwarded-For, which are one list. Empty elements are skipped (RFC 9110, section
// 5.6.1.2). If all addresses are trusted, or an element is malformed, the client is the
// last address read before. The result has no zone, and IPv4-mapped addresses become
// IPv4. If remote is not an address, the result is the zero Addr, except for Socket:
// that is this machine, and trusted, because the file's permissions say who may connect.
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

// parse parses an address, with or without a port, in the forms that proxies and RFC
// 7239, section 6, use: 192.0.2.1, 192.0.2.1:80, 2001:db8::1, [2001:db8::1],
// [2001:db8::1]:80, each also in quotes. Anything else, such as unknown or _hidden, is
// the zero Addr, which no network contains.
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

// isPort reports whether the text is empty, or a colon followed by a port or by an
// obfuscated port such as _x (RFC 7239, section 6.3).
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
