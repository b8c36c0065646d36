package config

import (
	"errors"
	"net"
	"net/url"
)

// URL returns PUBLIC_URL or, where that is not set, localhost at the port of
// listening: ADDR, or the address that a listener at ADDR got.
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

// URLAt is URL for a server that listens there, which is not ADDR where systemd
// handed the socket over. It returns an error when others than this machine reach
// it, and PUBLIC_URL does not say how.
func (c Config) URLAt(listening net.Addr) (*url.URL, error) {
	if _, loopback := isAddr(listening.String()); c.PublicURL == nil && !loopback {
		return nil, errReached
	}
	return c.URL(listening.String()), nil
}
