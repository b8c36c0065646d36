package doctor

import (
	"context"
	"net"
	"net/netip"
)

// String returns the page's URL.
func (p Page) String() string { return p.root() + p.uri }

// Pinned returns the dial function of a pinned host that lookup resolves.
func Pinned(lookup func(context.Context, string) ([]netip.Addr, error)) func(ctx context.Context, network, address string) (net.Conn, error) {
	return (&pinned{lookup: lookup}).dial
}
