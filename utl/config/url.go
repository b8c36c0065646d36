package config

import (
	"errors"
	"net"
	"net/url"
)

// URL returns PUBLIC_URL or, if it is not set, http://localhost with the port of
// listening: the address of the listener, or ADDR.
func (c Config) URL(listening string) *url.URL {
	if c.PublicURL != nil {
		return c.PublicURL
	}
	_, port, err := net.SplitHostPort(listening)
	if err != nil {
		panic(err) // Load has checked ADDR
	}
	return &url.URL{Scheme: "http", Host: "localhost:" + port}
}

var errReached = errors.New("PUBLIC_URL must be set, like https://jar.example: the socket that systemd handed over is no loopback address")

// URLAt is URL for a server that listens at this address, which differs from ADDR if
// systemd passed the socket. It returns an error if other machines can reach the address
// and PUBLIC_URL is not set.
func (c Config) URLAt(listening net.Addr) (*url.URL, error) {
	if _, loopback := isAddr(listening.String()); c.PublicURL == nil && !loopback {
		return nil, errReached
	}
	return c.URL(listening.String()), nil
}
