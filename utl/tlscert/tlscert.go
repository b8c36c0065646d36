// Package tlscert loads the server's TLS certificate and its key from two PEM files, again
// when they change, and keeps the last valid pair. It refuses a key that everybody on the
// machine can read, or that another user owns.
package tlscert

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"glassjar/utl/files"
)

// Pair is a certificate chain and its key.
type Pair struct {
	certFile, keyFile string
	now               func() time.Time
	seen              string // what was read last, valid or not
	good              atomic.Pointer[tls.Certificate]
}

// Load loads the pair from the files. It returns an error if one cannot be read, if they
// do not match, or if others can read the key. Without file names it returns a pair for
// plain http. now is the clock that Problem asks.
func Load(certFile, keyFile string, now func() time.Time) (*Pair, error) {
	p := &Pair{certFile: certFile, keyFile: keyFile, now: now}
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

// Problem returns why browsers refuse the certificate now for the site's host, or "". It is
// not certain where the name is another, which does not matter behind a proxy that has a
// certificate of its own. Whether browsers know who signed it is not looked at.
func (p *Pair) Problem(host string) (problem string, certain bool) {
	if p.certFile == "" {
		return "", true
	}
	leaf, now := p.good.Load().Leaf, p.now()
	if now.After(leaf.NotAfter) {
		return "the certificate of TLS_CERT expired on " + leaf.NotAfter.Format(time.DateOnly), true
	}
	if now.Before(leaf.NotBefore) {
		return "the certificate of TLS_CERT is not valid before " + leaf.NotBefore.Format(time.RFC3339), true
	}
	if err := leaf.VerifyHostname(host); err != nil {
		return fmt.Sprintf("the certificate of TLS_CERT is not for %s, the host of PUBLIC_URL, so it is good only behind a proxy: %v", host, err), false
	}
	return "", true
}

// Warn logs why browsers refuse the certificate for the site's host, if they may.
func (p *Pair) Warn(ctx context.Context, log *slog.Logger, host string) {
	if problem, _ := p.Problem(host); problem != "" {
		log.WarnContext(ctx, "browsers may refuse the certificate", "problem", problem)
	}
}

// ReloadIfChanged calls Reload, if there are files, and logs a change and what is wrong with
// the new certificate for the site's host. It must not be called concurrently.
func (p *Pair) ReloadIfChanged(ctx context.Context, log *slog.Logger, host string) {
	if p.certFile == "" {
		return
	}
	changed, err := p.Reload()
	if err != nil {
		log.WarnContext(ctx, "the certificate stays the old one", "error", err)
	} else if changed {
		log.InfoContext(ctx, "certificate changed")
		p.Warn(ctx, log, host)
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
	if err != nil && bytes.Contains(key, []byte("ENCRYPTED")) { // in both PEM forms
		err = fmt.Errorf("%s has a passphrase and must be without one: openssl pkey -in %s -out KEY2, and set TLS_KEY to KEY2", p.keyFile, p.keyFile)
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
