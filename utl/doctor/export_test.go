package doctor

import (
	"context"
	"net"
	"net/netip"
)

// String returns the URL that a gate comes back to.
func (p Page) String() string { return p.root() + p.uri }

// Pinned returns what connects to the host that lookup finds.
func Pinned(lookup func(context.Context, string) ([]netip.Addr, error)) func(ctx context.Context, network, address string) (net.Conn, error) {
	return (&pinned{lookup: lookup}).dial
}
