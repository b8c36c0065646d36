package config_test

import (
	"slices"
	"strings"
	"testing"

	"glassjar/utl/config"
)

func TestGateHosts(t *testing.T) {
	c := load(t, "none", "GATE_HOSTS", "App.example, *.apps.example:8443,127.0.0.1:81,[::1], *.localhost,wiki.example.")
	want := []string{"app.example", "*.apps.example:8443", "127.0.0.1:81", "[::1]", "*.localhost", "wiki.example."}
	if !slices.Equal(c.GateHosts, want) {
		t.Errorf("got %q, want %q", c.GateHosts, want)
	}
}

func TestCookieDomain(t *testing.T) {
	for _, tt := range []struct {
		row, public, domain string
		ok                  bool
	}{
		{"the parent", "https://jar.site.example", "site.example", true},
		{"the host itself", "https://jar.site.example:8443", "jar.site.example", true},
		{"under a suffix of two parts", "https://jar.me.co.uk", "me.co.uk", true},
		{"over http", "http://jar.site.example", "site.example", false},
		{"a public suffix", "https://jar.site.example", "example", false},
		{"a public suffix of two parts", "https://me.co.uk", "co.uk", false},
		{"where strangers have hosts", "https://me.github.io", "github.io", false},
		{"localhost", "https://jar.localhost", "localhost", false},
		{"another's", "https://jar.site.example", "other.example", false},
		{"not at a dot", "https://jarsite.example", "site.example", false},
		{"a child", "https://site.example", "jar.site.example", false},
		{"an address", "https://127.0.0.1", "127.0.0.1", false},
		{"part of an address", "https://127.0.0.1", "0.1", false},
		{"a dot in front", "https://jar.site.example", ".site.example", false},
		{"with a port", "https://jar.site.example:8443", "site.example:8443", false},
	} {
		t.Run(tt.row, func(t *testing.T) {
			c, err := config.Load("none", settings("PUBLIC_URL", tt.public, "COOKIE_DOMAIN", tt.domain))
			if tt.ok && (err != nil || c.CookieDomain != tt.domain) {
				t.Errorf("got %q, %v; want %q", c.CookieDomain, err, tt.domain)
			}
			if !tt.ok && (err == nil || !strings.HasPrefix(err.Error(), "COOKIE_DOMAIN must be ")) {
				t.Errorf("got %v, want a fault of COOKIE_DOMAIN", err)
			}
		})
	}
}
