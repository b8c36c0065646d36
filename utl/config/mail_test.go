package config_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"glassjar/utl/config"
)

func TestMailSettings(t *testing.T) {
	const from = "jar@site.example"
	for _, tt := range []struct{ url, from, want string }{
		{"", "", ""},
		{"smtp://mail.example", from, "smtp://mail.example:587"},
		{"smtp://MAIL.example/", from, "smtp://mail.example:587"},
		{"smtps://jar%40site.example:a%2Fb%40c@mail.example", from, "smtps://mail.example:465"},
		{"smtp://[::1]:25", from, "smtp://[::1]:25"},
		{"smtp://127.0.0.1:1025", from, "smtp://127.0.0.1:1025"},

		{"smtp://mail.example", "", "MAIL_FROM must be set when SMTP_URL is"},
		{"", from, "SMTP_URL must be set when MAIL_FROM is"},
		{"smtp://mail.example", "Jar <jar@site.example>", "MAIL_FROM must be an email address alone"},
		{"smtp://mail.example", "jar@site.example\r\nBcc: eve@evil.example", "MAIL_FROM must be an email address alone"},
	} {
		c, err := config.Load(filepath.Join(t.TempDir(), ".env"), settings("SMTP_URL", tt.url, "MAIL_FROM", tt.from))
		if got := fmt.Sprint(c.SMTPURL, err); err == nil && c.SMTPURL.String() != tt.want || err != nil && !strings.HasPrefix(err.Error(), tt.want) || err != nil && tt.want == "" {
			t.Errorf("%q, %q: got %s, want %s", tt.url, tt.from, got, tt.want)
		}
	}
}

// Attack secrets/canaries: an error about SMTP_URL does not quote it.
func TestWrongMailServers(t *testing.T) {
	for _, wrong := range []string{
		"mail.example", "mail.example:587", "http://mail.example", "smtp:mail.example", "smtp://", "smtp://:587", "smtp://mail.example/x", "smtp://mail.example?x",
		"smtp://mail.example#x", "smtp://mail.example:0", "smtp://mail.example:65536", "smtp://mail.example:x", "smtp://ma il.example", "smtp://a..b",
		"smtp://c4nary@mail.example", "smtp://c4nary:@mail.example", "smtp://:c4nary@mail.example", "smtp://jar:c4/nary@mail.example", "smtp://jar:c4nary%zz@mail.example",
		"smtp://[fe80::1%25eth0]", "smtp://mail.example\r\nc4nary",
	} {
		_, err := config.Load(filepath.Join(t.TempDir(), ".env"), settings("SMTP_URL", wrong, "MAIL_FROM", "jar@site.example"))
		if err == nil || !strings.HasPrefix(err.Error(), "SMTP_URL must be smtp:// or smtps://") || strings.Contains(err.Error(), "c4") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v", wrong, err)
		}
	}
}

func TestMailPasswordIsNotShown(t *testing.T) {
	c := load(t, "none", "SMTP_URL", "smtp://jar:c4nary@mail.example", "MAIL_FROM", "jar@site.example")
	if password, _ := c.SMTPURL.URL().User.Password(); password != "c4nary" {
		t.Errorf("the password is %q", password)
	}
	got := fmt.Sprintf("%v %+v %#v %v %s", c, c, c, c.SMTPURL, c.LogValue())
	if strings.Contains(got, "c4nary") || !strings.Contains(got, "smtp_url=smtp://mail.example:587") {
		t.Errorf("it shows %s", got)
	}
}

func TestSiteName(t *testing.T) {
	for _, name := range []string{"Ada's jar", "Größe 日本", strings.Repeat("ä", 64)} {
		if c := load(t, "none", "SITE_NAME", name); c.SiteName != name {
			t.Errorf("got %q, want %q", c.SiteName, name)
		}
	}
	for _, wrong := range []string{" ", " x", "x ", "a\nb", "a\r\nBcc: b", "a\u202eb", "a\x00", "\xff", strings.Repeat("a", 65)} {
		if _, err := config.Load("none", settings("SITE_NAME", wrong)); err == nil || !strings.HasPrefix(err.Error(), "SITE_NAME must be 1 to 64 characters") {
			t.Errorf("%q: got error %v", wrong, err)
		}
	}
}
