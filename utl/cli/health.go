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
	status, body, err := askReady(ctx, cfg)
	switch {
	case err != nil:
		return err
	case status == http.StatusServiceUnavailable:
		return fmt.Errorf("%w (status %d)", errNotReady, status)
	case status != http.StatusOK || body != "ready\n":
		return otherProgram(cfg, fmt.Sprintf("status %d", status))
	}
	fmt.Fprintln(a.Stdout, "ready")
	return nil
}

// otherProgram is the error for what answers as no glassjar with these settings does.
func otherProgram(cfg config.Config, how string) error {
	return fmt.Errorf("what answers at %s is no glassjar with these settings, but another program, or TLS_CERT is set for one of the two alone (%s)", cfg.Addr, how)
}

// askReady returns the server's answer to /readyz. Errors: errNoPort; the connection's.
func askReady(ctx context.Context, cfg config.Config) (status int, body string, err error) {
	network, address := "tcp", ownAddress(cfg.Addr)
	if path, ok := cfg.Socket(); ok {
		network, address = "unix", path
	}
	if address == "" {
		return 0, "", errNoPort
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
		return 0, "", fmt.Errorf("asking the server: %w", err)
	}
	res, err := client.Do(req)
	if err != nil && ctx.Err() != nil {
		return 0, "", fmt.Errorf("asking the server: %w", ctx.Err())
	}
	if failed, ok := errors.AsType[net.Error](errors.Unwrap(err)); ok {
		return 0, "", fmt.Errorf("nobody answers at %s: %w", cfg.Addr, failed)
	}
	if err != nil { // something answers
		return 0, "", otherProgram(cfg, errors.Unwrap(err).Error())
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10)) // a part is not "ready"
	return res.StatusCode, string(text), nil
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
