package config_test

import (
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
