package config_test

import (
	"net"
	"net/url"
	"testing"

	"glassjar/utl/config"
)

func TestURL(t *testing.T) {
	unset := config.Config{}
	for listening, want := range map[string]string{
		"127.0.0.1:8080": "http://localhost:8080", "[::1]:1": "http://localhost:1", ":8080": "http://localhost:8080",
	} {
		if got := unset.URL(listening).String(); got != want {
			t.Errorf("%s: got %s, want %s", listening, got, want)
		}
	}
}

// The address of a socket that systemd passed is checked as ADDR is.
func TestURLAt(t *testing.T) {
	unset, set := config.Config{}, config.Config{PublicURL: &url.URL{Scheme: "https", Host: "jar.example"}}
	for _, tt := range []struct {
		at net.Addr
		ok bool
	}{
		{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}, true},
		{&net.TCPAddr{IP: net.IPv6loopback, Port: 80}, true},
		{&net.TCPAddr{IP: net.IPv6zero, Port: 80}, false},
		{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}, false},
		{&net.UnixAddr{Name: "/run/jar.sock", Net: "unix"}, false},
	} {
		if _, err := unset.URLAt(tt.at); (err == nil) != tt.ok {
			t.Errorf("%v: got error %v", tt.at, err)
		}
		if at, err := set.URLAt(tt.at); err != nil || at.Host != "jar.example" {
			t.Errorf("%v: got %v, error %v with PUBLIC_URL", tt.at, at, err)
		}
	}
}
