package hosts_test

import (
	"net/mail"
	"strings"
	"testing"

	"glassjar/utl/hosts"
)

func TestIsMail(t *testing.T) {
	for _, good := range []string{
		"ada@site.example", "ada+jar@site.example", "a@b", "root@localhost", "o'neil.x@a-b.example", "ADA@Site.Example",
		strings.Repeat("a", 64) + "@site.example", "x!#$%&'*+-/=?^_`{|}~@site.example",
	} {
		if !hosts.IsMail(good) {
			t.Errorf("%q: got false", good)
		}
		if a, err := mail.ParseAddress(good); err != nil || a.Address != good {
			t.Errorf("%q: the standard library reads %v, error %v", good, a, err)
		}
	}
	for _, bad := range []string{
		"", "@", "ada", "ada@", "@site.example", "ada@site..example", "a..b@site.example", ".a@site.example", "a.@site.example",
		"Ada <ada@site.example>", "<ada@site.example>", `"ada"@site.example`, "ada@site.example ", " ada@site.example", "a b@site.example",
		"ada@site.example\r\nBcc: eve@site.example", "ada@site.example,eve@site.example", "ada(x)@site.example", "a@b@site.example",
		"ada@[127.0.0.1]", "ada@-site.example", "ädä@site.example", "ada@sité.example", "ada\u202e@site.example", "ada\x00@site.example",
		strings.Repeat("a", 65) + "@site.example", "ada@" + strings.Repeat("a.", 126) + "a", strings.Repeat("a", 10_000),
	} {
		if hosts.IsMail(bad) {
			t.Errorf("%q: got true", bad)
		}
	}
}
