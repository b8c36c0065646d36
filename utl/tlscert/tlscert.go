// Package tlscert loads the server's TLS certificate and its key from two PEM files, again
// when they change, and keeps the last valid pair. It refuses a key that everybody on the
// machine can read, or that another user owns.
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

// Pair is a certificate chain and its key.
type Pair struct {
	certFile, keyFile string
	seen              string // what was read last, valid or not
	good              atomic.Pointer[tls.Certificate]
}

// Load loads the pair from the files. It returns an error if one cannot be read, if they
// do not match, or if others can read the key. Without file names it returns a pair for
// plain http.
func Load(certFile, keyFile string) (*Pair, error) {
	p := &Pair{certFile: certFile, keyFile: keyFile}
	if certFile == "" {
		return p, nil
	}
	_, err := p.Reload()
	return p, err
}

// Config returns the configuration of a TLS server that uses the newest valid pair, with
// TLS 1.2 or newer, and HTTP/2 for clients that support it. It is nil for plain http.
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

// ReloadIfChanged calls Reload, if there are files, and logs a change. It must not be
// called concurrently.
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

// Reload loads the files, and reports whether they changed since they were last read. On
// an error the last valid pair stays in use, and the error is returned once for each
// change. Errors: Load's. It must not be called concurrently.
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
