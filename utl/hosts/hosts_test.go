package hosts_test

import (
	"strings"
	"testing"

	"glassjar/utl/hosts"
)

func TestParsePattern(t *testing.T) {
	for _, tt := range []struct {
		text, matches, not string // hosts; "" is none
	}{
		{"app.example", "app.example:8443", "www.app.example"},
		{"App.Example.", "app.example", "app.example.org"},
		{"app.example:81", "app.example:81", "app.example:80"},
		{"*.apps.example", "a.b.apps.example", "apps.example"},
		{"*.apps.example:81", "a.apps.example:81", "a.apps.example"},
		{"[::1]", "[0:0::1]:80", "[::2]"},
		{"127.0.0.1:81", "127.0.0.1:81", "127.0.0.1:82"},
		{"*.localhost", "a.localhost", "localhost"},
		{"1.a1", "1.a1", "1.a2"},
		{"app.0xg", "app.0xg", "app.0x1.example"},
	} {
		p, ok := hosts.ParsePattern(tt.text)
		if !ok {
			t.Errorf("%s is refused", tt.text)
			continue
		}
		for host, want := range map[string]bool{tt.matches: true, tt.not: false} {
			name, port, ok := hosts.Split(host)
			if got := p.Matches(name, port); !ok || got != want {
				t.Errorf("%s matches %s: got %t, want %t", tt.text, host, got, want)
			}
		}
	}
	for _, text := range []string{
		"", "*", "*.", ".", "127.1", "127.0.0.01", "0x7f.1", "1.2.3", "a.256", "a.0X1f", "a.0x", "2130706433", "a..b", "-a", "a-.b", "a b", "a/b", "https://a", "me@a", "a:", "a:0", "a:65536", "a:x", "[x]", "[::1", "[::1]x",
		"[fe80::1%25eth0]", "::1", "*.127.0.0.1", "*.[::1]", "a.*.b", "**.a", "ap\u212a.example", "ä.example", "a.example..",
		strings.Repeat("a", 64) + ".example", strings.Repeat("a.", 127) + "a",
	} {
		if p, ok := hosts.ParsePattern(text); ok {
			t.Errorf("%q is taken as %v", text, p)
		}
	}
}

func TestIsAddress(t *testing.T) {
	for _, text := range []string{"127.0.0.1:9092", "[::1]:80", "app:65535", "App.Example:1", strings.Repeat("a", 63) + ":80"} {
		if !hosts.IsAddress(text) {
			t.Errorf("%q is refused", text)
		}
	}
	for _, text := range []string{
		"", "app", "app:", ":80", "app:0", "app:080", "app:+1", "app:65536", "app:http", "::1:80", "[::1]", "[::1%lo]:80", "[127.0.0.1]:80", "[app]:80",
		"unix:80", "UNIX:80", "a b:80", "app:80;", "http://app:80", strings.Repeat("a", 64) + ":80", strings.Repeat("a.", 127) + "a:80",
	} {
		if hosts.IsAddress(text) {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestOwnPort(t *testing.T) {
	for scheme, want := range map[string]string{"http": "80", "https": "443", "HTTP": "", "ftp": "", "": ""} {
		if got, ok := hosts.OwnPort(scheme); got != want || ok != (want != "") {
			t.Errorf("%q: got %q, %t", scheme, got, ok)
		}
	}
}
