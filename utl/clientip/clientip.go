// Package clientip finds the address that a request came from. It believes
// X-Forwarded-For only from trusted peers, from right to left, and ignores
// whatever stands left of the first address that is not trusted.
package clientip

import (
	"net/netip"
	"slices"
	"strings"
)

const maxHops = 32 // elements of X-Forwarded-For that are looked at

// From returns the client's address, and whether the peer is in one of the
// trusted networks. remote is the peer, as in http.Request.RemoteAddr;
// forwarded holds the values of X-Forwarded-For.
// When every address is trusted, or an element cannot be read, it is the last
// one that could. IPv4-mapped addresses come back as IPv4, and without zones.
// A remote that holds no address gives the zero Addr.
func From(remote string, forwarded []string, trusted []netip.Prefix) (client netip.Addr, proxied bool) {
	client = parse(remote)
	proxied = contains(trusted, client)
	left := strings.Join(forwarded, ",")
	for hop, through := 0, proxied; hop < maxHops && left != "" && through; hop++ {
		comma := strings.LastIndexByte(left, ',')
		next := parse(left[comma+1:])
		if !next.IsValid() {
			break
		}
		client, left, through = next, left[:max(comma, 0)], contains(trusted, next)
	}
	return client, proxied
}

func contains(trusted []netip.Prefix, ip netip.Addr) bool {
	return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// parse reads an address, with or without a port: 192.0.2.1, 192.0.2.1:80,
// 2001:db8::1, [2001:db8::1]:80. Anything else is the zero Addr, which no
// network contains.
func parse(s string) netip.Addr {
	s = strings.Trim(s, " \t")
	var ip netip.Addr
	if strings.HasPrefix(s, "[") || strings.Count(s, ":") == 1 {
		peer, _ := netip.ParseAddrPort(s) // else the zero Addr
		ip = peer.Addr()
	} else {
		ip, _ = netip.ParseAddr(s)
	}
	return ip.Unmap().WithZone("")
}
