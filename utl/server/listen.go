package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"

	"glassjar/utl/tlscert"
)

// Place is where a server listens, and how.
type Place struct {
	Addr            string  // host:port, or unix: and the path of a socket
	TLSCert, TLSKey string  // files; empty, both: plain http
	Manager         Manager // its socket is taken instead of Addr, where it hands one over
}

// Listen listens at the place. The pair is the certificate and its key, or one for
// plain http. Errors: those of the files; of a Manager whose sockets cannot be
// used; *net.OpError with the Op "listen".
func Listen(ctx context.Context, p Place) (net.Listener, *tlscert.Pair, error) {
	pair, err := tlscert.Load(p.TLSCert, p.TLSKey)
	if err != nil {
		return nil, nil, err
	}
	ln, err := p.listen(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("listening: %w", err)
	}
	if config := pair.Config(); config != nil {
		ln = tls.NewListener(ln, config)
	}
	return ln, pair, nil
}

func (p Place) listen(ctx context.Context) (net.Listener, error) {
	if p.Manager.handed {
		return p.Manager.listener()
	}
	if path, ok := strings.CutPrefix(p.Addr, "unix:"); ok {
		return listenUnix(path)
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", p.Addr)
}
