package config_test

import (
	"path/filepath"
	"strings"
	"testing"

	"glassjar/utl/config"
)

func TestTLSSettingsGoTogether(t *testing.T) {
	const public, here = "https://jar.example", "config.go" // any existing file
	for _, tt := range []struct {
		row, want string
		pairs     []string
	}{
		{"all", "", []string{"TLS_CERT", here, "TLS_KEY", here, "PUBLIC_URL", public, "ADDR", ":443"}},
		{"no key", "TLS_KEY must be set when TLS_CERT is", []string{"TLS_CERT", here, "PUBLIC_URL", public}},
		{"no certificate", "TLS_CERT must be set when TLS_KEY is", []string{"TLS_KEY", here, "PUBLIC_URL", public}},
		{"no public URL", "PUBLIC_URL must be https when TLS_CERT is set", []string{"TLS_CERT", here, "TLS_KEY", here}},
		{"a public URL of http", "PUBLIC_URL must be https when", []string{"TLS_CERT", here, "TLS_KEY", here, "PUBLIC_URL", "http://jar.example"}},
		{"others reach it", "PUBLIC_URL must be set when ADDR", []string{"TLS_CERT", here, "TLS_KEY", here, "ADDR", ":443"}},
		{"no such certificate", "TLS_CERT must be a PEM file", []string{"TLS_CERT", "none", "TLS_KEY", here, "PUBLIC_URL", public}},
		{"a folder", "TLS_KEY must be a PEM file", []string{"TLS_CERT", here, "TLS_KEY", ".", "PUBLIC_URL", public}},
		{"the key among the pages", "PAGES_DIR must not have TLS_KEY inside it", []string{
			"TLS_CERT", here, "TLS_KEY", here, "PUBLIC_URL", public, "PAGES_DIR", ".", "DATABASE_URL", "sqlite:" + filepath.Join(t.TempDir(), "x.db"),
		}},
	} {
		t.Run(tt.row, func(t *testing.T) {
			_, err := config.Load(filepath.Join(t.TempDir(), ".env"), settings(tt.pairs...))
			if (err == nil) != (tt.want == "") || err != nil && (!strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
