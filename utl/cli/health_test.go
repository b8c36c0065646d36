package cli_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"glassjar/utl/cli"
	"glassjar/utl/config"
)

// health says that another program has the port, and takes none for a glassjar that is ready.
func TestHealthOfAnotherProgram(t *testing.T) {
	answers := func(status int, text string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		})
	}
	for _, tt := range []struct {
		name    string
		site    http.Handler
		tlsCert string
		want    string
	}{
		{"a page for everything", answers(http.StatusOK, "<html>"), "", "is no glassjar with these settings, but another program"},
		{"no such page", answers(http.StatusNotFound, "ready\n"), "", "is no glassjar with these settings, but another program"},
		{"http instead of https", answers(http.StatusOK, "ready\n"), "cert.pem", "is no glassjar with these settings, but another program"},
		{"not ready", answers(http.StatusServiceUnavailable, ""), "", "the server answers, and is not ready"},
		{"ready", answers(http.StatusOK, "ready\n"), "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := httptest.NewServer(tt.site)
			defer srv.Close()
			cfg := func() (config.Config, error) {
				return config.Config{Addr: strings.TrimPrefix(srv.URL, "http://"), TLSCert: tt.tlsCert}, nil
			}
			var stderr bytes.Buffer
			code := cli.Run(t.Context(), []string{"health"}, cli.Env{Stdout: io.Discard, Stderr: &stderr, Config: cfg})
			if (code == 0) != (tt.want == "") || !strings.Contains(stderr.String(), tt.want) {
				t.Errorf("got exit code %d and %q, want %q", code, stderr.String(), tt.want)
			}
		})
	}
}
