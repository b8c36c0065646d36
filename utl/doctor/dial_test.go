package doctor_test

import (
	"context"
	"net"
	"net/netip"
	"testing"

	"glassjar/utl/doctor"
)

// listen has a server on the address send the byte to whoever connects, and returns
// its port.
func listen(t *testing.T, says byte, address string) (port string) {
	t.Helper()
	at := accepts(t, address, func(c net.Conn) {
		_, _ = c.Write([]byte{says})
		c.Close()
	})
	_, port, _ = net.SplitHostPort(at)
	return port
}

// Attack apps/test-elsewhere: a name server that returns another address the second time
// (DNS rebinding).
func TestAddressesAreLookedUpOnce(t *testing.T) {
	var asked [2]int
	port := listen(t, 0, "127.0.0.1:0")
	listen(t, 1, "127.0.0.2:"+port)
	looked := 0
	dial := doctor.Pinned(func(context.Context, string) ([]netip.Addr, error) {
		looked++
		if looked == 1 { // nobody listens at the first address, which is not tried again
			return []netip.Addr{netip.MustParseAddr("127.0.0.3"), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("127.0.0.2")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.2")}, nil
	})
	for range 3 {
		c, err := dial(t.Context(), "tcp", "app.example:"+port)
		if err != nil {
			t.Fatal(err)
		}
		var b [1]byte
		if _, err := c.Read(b[:]); err != nil {
			t.Fatal(err)
		}
		asked[b[0]]++
		c.Close()
	}
	if looked != 1 || asked != [2]int{3, 0} {
		t.Errorf("looked up %d times; the servers were asked %v times", looked, asked)
	}
}
