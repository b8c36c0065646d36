package config

import (
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
