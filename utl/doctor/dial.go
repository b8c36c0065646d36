package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"
)

// pinned connects to the one host of a run. It resolves the host once, and uses only the
// first address that accepts a connection: so a name server that answers differently the
// next time (DNS rebinding) cannot redirect attacks to another machine.
type pinned struct {
	lookup func(ctx context.Context, host string) ([]netip.Addr, error)

	mu        sync.Mutex
	addresses []netip.Addr
}

// dial connects to the pinned host, at the port of the address.
func (p *pinned) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.addresses == nil {
		if p.addresses, err = p.lookup(ctx, host); err != nil {
			return nil, err
		}
	}
	dialer := net.Dialer{Timeout: timeout / 3} // leaves time for other addresses if one never answers
	var refused error
	for _, ip := range p.addresses {
		c, err := dialer.DialContext(ctx, network, net.JoinHostPort(ip.Unmap().String(), port))
		if err == nil {
			p.addresses = []netip.Addr{ip}
			return c, nil
		}
		refused = cmp.Or(refused, err)
	}
	return nil, refused
}

// lookup resolves the host as browsers do: localhost and names below it are this machine,
// without a DNS query (RFC 6761, section 6.3).
func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	if strings.HasSuffix("."+strings.ToLower(strings.TrimSuffix(host, ".")), ".localhost") {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// faultOf says why there was no response, without anything that the other side sent: the
// error about a malformed response quotes it.
func faultOf(err error) string {
	if whole, ok := errors.AsType[*url.Error](err); ok {
		err = whole.Err // without the URL, which the operator knows
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Sprintf("this machine does not trust the page's certificate (%v)", bad.Err)
	}
	if slow, ok := errors.AsType[net.Error](err); ok && slow.Timeout() {
		return fmt.Sprintf("nothing came within %d s", timeout/time.Second)
	}
	_, wire := errors.AsType[*net.OpError](err)
	_, name := errors.AsType[*net.DNSError](err)
	if wire || name || errors.Is(err, http.ErrSchemeMismatch) {
		return err.Error()
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the connection was closed"
	}
	return "what came is malformed, too large, or no HTTP"
}
