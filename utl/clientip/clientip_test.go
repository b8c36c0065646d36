package clientip_test

import (
	"net/netip"
	"strings"
	"testing"

	"glassjar/utl/clientip"
)

var trusted = []netip.Prefix{
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("::1/128"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("fe80::/10"),
}

// proxy is a trusted peer in fromRows, and stranger is not.
const proxy, stranger = "127.0.0.1:4711", "192.0.2.9:4711"

// fromRows are peers, their X-Forwarded-For, and the client's address.
var fromRows = []struct {
	row       string
	remote    string
	forwarded []string
	want      string // empty: no address
}{
	{"no proxy", stranger, nil, "192.0.2.9"},
	{"a stranger forges it", stranger, []string{"198.51.100.1"}, "192.0.2.9"},
	{"a stranger claims to be a proxy", stranger, []string{"127.0.0.1", "10.0.0.1"}, "192.0.2.9"},
	{"a proxy says nothing", proxy, nil, "127.0.0.1"},
	{"a proxy says nothing much", proxy, []string{""}, "127.0.0.1"},
	{"a proxy's client", proxy, []string{"198.51.100.1"}, "198.51.100.1"},
	{"the client forged what is left of it", proxy, []string{"203.0.113.7, 198.51.100.1"}, "198.51.100.1"},
	{"the client claims to be a proxy", proxy, []string{"203.0.113.7, 10.0.0.1, 198.51.100.1"}, "198.51.100.1"},
	{"through two proxies", proxy, []string{"203.0.113.7,198.51.100.1,10.0.0.2"}, "198.51.100.1"},
	{"several headers are one list", proxy, []string{"203.0.113.7", "198.51.100.1, 10.0.0.2", "10.0.0.1"}, "198.51.100.1"},
	{"all are trusted", proxy, []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
	{"garbage", proxy, []string{"unknown"}, "127.0.0.1"},
	{"garbage stops at the last good one", proxy, []string{"198.51.100.1, _x, 10.0.0.2"}, "10.0.0.2"},
	{"empty elements do not count", proxy, []string{"203.0.113.7,, 198.51.100.1,\t, ,,10.0.0.2,"}, "198.51.100.1"},
	{"an empty element is last", proxy, []string{"198.51.100.1, "}, "198.51.100.1"},
	{"an empty element is first", proxy, []string{",198.51.100.1"}, "198.51.100.1"},
	{"an empty header is last", proxy, []string{"203.0.113.7", "198.51.100.1", ""}, "198.51.100.1"},
	{"nothing but empty elements", proxy, []string{" ,,\t", ","}, "127.0.0.1"},
	{"empty elements are looked at too", proxy, []string{"198.51.100.1" + strings.Repeat(",", 32)}, "127.0.0.1"},
	{"garbage left of the client", proxy, []string{"\x00\xff<script>, 198.51.100.1"}, "198.51.100.1"},
	{"white space", proxy, []string{"\t198.51.100.1 \t,\t10.0.0.2 "}, "198.51.100.1"},
	{"with a port", proxy, []string{"198.51.100.1:80"}, "198.51.100.1"},
	{"IPv6", proxy, []string{"2001:db8::1"}, "2001:db8::1"},
	{"IPv6 with a port", proxy, []string{"[2001:db8::1]:80"}, "2001:db8::1"},
	{"IPv6 in brackets", proxy, []string{"[2001:db8::9]"}, "2001:db8::9"},
	{"IPv6 in brackets, through two proxies", proxy, []string{"[2001:db8::8], [2001:DB8:0::9] , [::ffff:10.0.0.2]"}, "2001:db8::9"},
	{"IPv6 in quotes", proxy, []string{`"[2001:db8::9]"`}, "2001:db8::9"},
	{"IPv6 with a port, in quotes", proxy, []string{`"[2001:db8::9]:47011"`}, "2001:db8::9"},
	{"IPv6 in brackets with a zone", proxy, []string{"[2001:db8::9%25eth0]:80"}, "2001:db8::9"},
	{"IPv4 in quotes", proxy, []string{`"192.0.2.1"`}, "192.0.2.1"},
	{"IPv4 with a port, in quotes", proxy, []string{`203.0.113.7, "192.0.2.1:80" `}, "192.0.2.1"},
	{"a hidden port", proxy, []string{"192.0.2.1:_k-1.B"}, "192.0.2.1"},
	{"IPv6 with a hidden port", proxy, []string{`"[2001:db8::9]:_80"`}, "2001:db8::9"},
	{"IPv6 with a zone", proxy, []string{"2001:db8::1%eth0"}, "2001:db8::1"},
	{"mapped", proxy, []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
	{"mapped in another spelling", proxy, []string{"[::FFFF:c633:6401]:80"}, "198.51.100.1"},
	{"a mapped proxy in the list", proxy, []string{"198.51.100.1, ::ffff:10.0.0.2"}, "198.51.100.1"},
	{"a mapped proxy", "[::ffff:127.0.0.1]:80", []string{"198.51.100.1"}, "198.51.100.1"},
	{"a proxy with a zone", "[fe80::1%eth0]:80", []string{"198.51.100.1"}, "198.51.100.1"},
	{"a peer with a zone", "[2001:db8::1%eth0]:80", nil, "2001:db8::1"},
	{"a peer without a port", "192.0.2.9", nil, "192.0.2.9"},
	{"a peer without an address", "@", []string{"198.51.100.1"}, ""},
	{"through the socket", clientip.Socket, []string{"203.0.113.7, 198.51.100.1"}, "198.51.100.1"},
	{"through the socket and a proxy", clientip.Socket, []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
	{"the socket's peer says nothing", clientip.Socket, nil, "127.0.0.1"},
	{"the socket's peer says garbage", clientip.Socket, []string{"unknown"}, "127.0.0.1"},
	{"a name like the socket's", "unix:80", []string{"198.51.100.1"}, ""},
	{"no peer", "", []string{"198.51.100.1"}, ""},
	{"what names nobody", proxy, []string{"198.51.100.1, unknown, 10.0.0.2"}, "10.0.0.2"},
	{"a socket of nginx's", proxy, []string{"198.51.100.1, unix:"}, "127.0.0.1"},
	{"a quote alone", proxy, []string{`198.51.100.1, "`}, "127.0.0.1"},
	{"half a quote", proxy, []string{`"198.51.100.1`}, "127.0.0.1"},
	{"a comma in quotes", proxy, []string{`"198.51.100.1,203.0.113.7"`}, "127.0.0.1"},
	{"half a bracket", proxy, []string{"[2001:db8::9"}, "127.0.0.1"},
	{"the other half", proxy, []string{"2001:db8::9]"}, "127.0.0.1"},
	{"IPv4 in brackets", proxy, []string{"[192.0.2.1]:80"}, "127.0.0.1"},
	{"words behind the bracket", proxy, []string{"[2001:db8::9]80"}, "127.0.0.1"},
	{"no port behind the colon", proxy, []string{"192.0.2.1:"}, "127.0.0.1"},
	{"no hidden port", proxy, []string{"192.0.2.1:_"}, "127.0.0.1"},
	{"a port that is none", proxy, []string{"192.0.2.1:65536"}, "127.0.0.1"},
	{"a port of words", proxy, []string{"[2001:db8::9]:http"}, "127.0.0.1"},
	{"a hidden port that is none", proxy, []string{"192.0.2.1:_<b>"}, "127.0.0.1"},
	{"an address and a word", proxy, []string{"192.0.2.1 evil"}, "127.0.0.1"},
	{"RFC 7239's pair", proxy, []string{"for=192.0.2.1"}, "127.0.0.1"},
	{"octal", proxy, []string{"0127.0.0.1"}, "127.0.0.1"},
	{"32 are looked at", proxy, []string{"198.51.100.1" + strings.Repeat(",10.0.0.1", 31)}, "198.51.100.1"},
	{"33 are not", proxy, []string{"198.51.100.1" + strings.Repeat(",10.0.0.1", 32)}, "10.0.0.1"},
}

func TestFrom(t *testing.T) { // Attack guessing/addresses
	for _, tt := range fromRows {
		t.Run(tt.row, func(t *testing.T) {
			var want netip.Addr
			if tt.want != "" {
				want = netip.MustParseAddr(tt.want)
			}
			if got, _ := clientip.From(tt.remote, tt.forwarded, trusted); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

func TestNobodyIsTrusted(t *testing.T) {
	got, proxied := clientip.From("127.0.0.1:80", []string{"198.51.100.1"}, nil)
	if want := netip.MustParseAddr("127.0.0.1"); got != want || proxied {
		t.Errorf("got %v, trusted %t; want %v, false", got, proxied, want)
	}
}

func TestFromTellsOfATrustedPeer(t *testing.T) { // Attack gate/untrusted-peer
	for remote, want := range map[string]bool{
		"127.0.0.1:80":          true,
		"127.255.0.1":           true,
		"[::1]:80":              true,
		"[::ffff:10.1.2.3]:80":  true,
		"[fe80::1%eth0]:80":     true,
		"128.0.0.1:80":          false,
		"[::2]:80":              false,
		"[::ffff:192.0.2.1]:80": false,
		"localhost:80":          false,
		clientip.Socket:         true,
		"unix:80":               false,
		"@":                     false,
		"":                      false,
	} {
		if _, got := clientip.From(remote, []string{"198.51.100.1"}, trusted); got != want {
			t.Errorf("%q is trusted: %t, want %t", remote, got, want)
		}
	}
}

// FuzzFrom checks that the client of an untrusted peer is the peer itself, and that the
// result is never an IPv4-mapped address.
func FuzzFrom(f *testing.F) {
	f.Add("192.0.2.9:1", "198.51.100.1, 10.0.0.1")
	f.Add("127.0.0.1:1", "[::ffff:1.2.3.4]:5, ::1%x,,")
	f.Add(clientip.Socket, "198.51.100.1")
	f.Fuzz(func(t *testing.T, remote, forwarded string) {
		peer, proxied := clientip.From(remote, nil, trusted)
		got, _ := clientip.From(remote, []string{forwarded}, trusted)
		if !proxied && got != peer {
			t.Errorf("got %v, want the peer %v", got, peer)
		}
		if got.IsValid() != peer.IsValid() || got.Is4In6() || got.Zone() != "" {
			t.Errorf("got %v from the peer %v", got, peer)
		}
	})
}

func BenchmarkFrom(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		clientip.From("192.0.2.9:4711", nil, trusted)
	}
}
