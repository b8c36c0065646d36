// Package tlscert keeps the certificate that the server shows: it reads it from
// two PEM files, again when they change, and keeps the last good pair. It
// refuses a key that everybody on the machine can read, or that somebody else owns.
package tlscert

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"

	"glassjar/utl/files"
)

// Pair is a certificate, with those that vouch for it, and its key.
type Pair struct {
	certFile, keyFile string
	seen              string // what was read last, good or not
	good              atomic.Pointer[tls.Certificate]
}

// Load reads the pair from the files. It returns an error when one cannot be
// read, when they do not fit, or when others can read the key. Without names it
// returns a pair for plain http.
func Load(certFile, keyFile string) (*Pair, error) {
	p := &Pair{certFile: certFile, keyFile: keyFile}
	if certFile == "" {
		return p, nil
	}
	_, err := p.Reload()
	return p, err
}

// Config returns what a server over TLS needs: it shows the pair as it is then,
// speaks TLS 1.2 or newer, and HTTP/2 with those who can. It is nil for plain
// http.
func (p *Pair) Config() *tls.Config {
	if p.certFile == "" {
		return nil
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.good.Load(), nil },
	}
}

// ReloadIfChanged takes up a change of the files, if there are any, and logs it. One caller
// at a time.
func (p *Pair) ReloadIfChanged(ctx context.Context, log *slog.Logger) {
	if p.certFile == "" {
		return
	}
	changed, err := p.Reload()
	if err != nil {
		log.WarnContext(ctx, "the certificate stays the old one", "error", err)
	} else if changed {
		log.InfoContext(ctx, "certificate changed")
	}
}

// Reload takes up what the files hold and reports whether that differs from the
// time before. On an error, Load's, the last good pair stays; an error comes
// once for each change. One caller at a time.
func (p *Pair) Reload() (changed bool, err error) {
	cert, key, err := p.read()
	seen := fmt.Sprintf("%q %q %v", cert, key, err)
	if seen == p.seen {
		return false, nil
	}
	p.seen = seen
	var pair tls.Certificate
	if err == nil {
		pair, err = tls.X509KeyPair(cert, key)
	}
	if err != nil {
		return true, fmt.Errorf("reading TLS_CERT and TLS_KEY: %w", err)
	}
	p.good.Store(&pair)
	return true, nil
}

func (p *Pair) read() (cert, key []byte, err error) {
	if err := files.SharedSecret(p.keyFile); err != nil {
		return nil, nil, err
	}
	if key, err = os.ReadFile(p.keyFile); err != nil {
		return nil, nil, err
	}
	cert, err = os.ReadFile(p.certFile)
	return cert, key, err
}
