package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"glassjar/utl/config"
)

const healthTimeout = 5 * time.Second

var errNotReady = errors.New("the server answers, and is not ready: it does not know which sessions are live, or cannot read the database")

type healthCommand struct{}

// Run asks the running server of these settings, directly at its address, whether it is
// ready.
func (healthCommand) Run(ctx context.Context, a *app) error {
	cfg, err := a.Config()
	if err != nil {
		return err
	}
	status, err := askReady(ctx, cfg)
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("%w (status %d)", errNotReady, status)
	}
	fmt.Fprintln(a.Stdout, "ready")
	return nil
}

// askReady returns the status of the server's /readyz. Errors: errNoPort; the connection's.
func askReady(ctx context.Context, cfg config.Config) (status int, err error) {
	network, address := "tcp", ownAddress(cfg.Addr)
	if path, ok := cfg.Socket(); ok {
		network, address = "unix", path
	}
	if address == "" {
		return 0, errNoPort
	}
	client := &http.Client{Timeout: healthTimeout, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		// #nosec G402 -- the connection is to this machine, and sends no secret
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	scheme := "http"
	if cfg.TLSCert != "" {
		scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://localhost/readyz", http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("asking the server: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("nobody answers at %s: %w", cfg.Addr, errors.Unwrap(err))
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 1<<16)) // only the status matters
	return res.StatusCode, nil
}

// ownAddress returns the address on this machine of a server that listens on addr, or "" if
// the port is not known.
func ownAddress(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "0" {
		return ""
	}
	switch host { // every address; an address, because a container may not resolve localhost
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
