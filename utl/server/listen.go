package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"time"

	"glassjar/utl/tlscert"
)

// Place is an address to listen on, with or without TLS.
type Place struct {
	Addr            string // host:port, or unix: and the path of a socket
	TLSCert, TLSKey string // PEM files; both empty: plain http
	Now             func() time.Time
	Manager         Manager // if it passed a socket, that is used instead of Addr
}

// Listen listens on the place. It also returns the certificate and its key, or a Pair for
// plain http. Errors: tlscert.Load's; those of a socket, or several, from the Manager; *net.OpError
// with Op "listen".
func Listen(ctx context.Context, p Place) (net.Listener, *tlscert.Pair, error) {
	pair, err := tlscert.Load(p.TLSCert, p.TLSKey, p.Now)
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
	if p.Manager.handed > 0 {
		return p.Manager.listener()
	}
	if path, ok := strings.CutPrefix(p.Addr, "unix:"); ok {
		return listenUnix(path)
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", p.Addr)
}
