package redirect_test

import (
	"net/url"
	"strings"
	"testing"

	"glassjar/utl/redirect"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

const origin = "https://jar.example"

// kept are paths on this site, which Safe returns unchanged.
var kept = []string{
	"/", "/account", "/pages/", "/pages/a/b.html", "/pages/a%20b", "/pages/%E2%88%95e", "/pages/a%2Fb", "/@e", "/:80", "/https:",
	"/lab?username=a&sub1=b", "/lab?next=https://e//x/../y", "/lab#https://e//x", "/?next=//e", "/?%0d%0a", "/lab?a=%zz",
	"/authors", "/auth/x", "/logouts", "/AUTH", "/lab/auth", "/...", "/..a", "/%252f/e",
	"/" + strings.Repeat("a", 2047),
}

// refused are URLs that lead off the site, or might, or that sign in or out again.
var refused = []struct{ row, next string }{
	{"nothing", ""},
	{"no path", "account"},
	{"a query alone", "?a"},
	{"two slashes and no more", "//"},
	{"two slashes", "//e"},
	{"three slashes", "///e"},
	{"slash and backslash", `/\e`},
	{"two backslashes", `\\e`},
	{"a backslash later", `/a\b`},
	{"a backslash in the query", `/a?\`},
	{"an encoded slash and no more", "/%2f"},
	{"an encoded slash", "/%2f/e"},
	{"an encoded slash at the start", "/%2fe"},
	{"an encoded capital slash", "/%2Fe"},
	{"an encoded backslash", "/%5ce"},
	{"an encoded backslash later", "/a%5Cb"},
	{"a tab inside", "/\t/e"},
	{"a tab later", "/a\tb"},
	{"a newline inside", "/\n/e"},
	{"a carriage return", "/a\r\nSet-Cookie: x"},
	{"an encoded line end in the path", "/a%0d%0ab"},
	{"a NUL", "/\x00e"},
	{"an encoded NUL", "/%00"},
	{"an escape", "/\x1be"},
	{"a delete", "/\x7fe"},
	{"an encoded delete", "/%7fe"},
	{"a leading space", " /e"},
	{"a leading space and slashes", " //e"},
	{"a space inside", "/a b"},
	{"a leading tab", "\t//e"},
	{"a leading control byte", "\x01//e"},
	{"a byte order mark", "\ufeff//e"},
	{"a scheme without slashes", "https:e"},
	{"a scheme", "https://e/"},
	{"a script", "javascript:alert(1)"},
	{"a script in capitals", "JaVaScRiPt:alert(1)"},
	{"data", "data:text/html,x"},
	{"userinfo", "https://jar.example@e/"},
	{"userinfo without a scheme", "//jar.example@e/"},
	{"userinfo with a backslash", `https://e\@jar.example`},
	{"a look-alike U+2215", "/\u2215e"},
	{"a look-alike U+2044", "/\u2044e"},
	{"a look-alike U+FF0F", "/\uff0fe"},
	{"a look-alike in front", "\uff0f/e"},
	{"a look-alike dot", "/\u3002/e"},
	{"a look-alike backslash U+FF3C", "/\uff3ce"},
	{"bytes that are no UTF-8", "/\xffe"},
	{"a dot, then two slashes", "/.//e"},
	{"two dots, then two slashes", "/..//e"},
	{"up to two slashes", "/a/..//e"},
	{"encoded dots", "/%2e//e"},
	{"half-encoded dots", "/a/.%2E//e"},
	{"a dot", "/./e"},
	{"dots at the end", "/a/.."},
	{"a slash and a dot", "/."},
	{"an empty segment", "/a//b"},
	{"two slashes at the end", "/a//"},
	{"a bad escape", "/%zz"},
	{"a cut escape", "/%2"},
	{"2,049 bytes", "/" + strings.Repeat("a", 2048)},
	{"9 KB", "/lab?a=" + strings.Repeat("a", 9<<10)},
	{"sign out", "/logout"},
	{"sign out, slash", "/logout/"},
	{"sign out, query", "/logout?a"},
	{"sign out, fragment", "/logout#a"},
	{"sign out, encoded", "/%6cogout"},
	{"sign out, encoded slash", "/logout%2f"},
	{"sign out, through a dot", "/./logout"},
	{"sign out, through dots", "/a/../logout"},
	{"sign in", "/auth"},
	{"sign in, again and again", "/auth?next=/auth"},
	{"sign in, encoded", "/a%75th/"},
}

func TestSafe(t *testing.T) { // Attack next/leaves-the-site
	for _, next := range kept {
		if got := redirect.Safe(next); got != next {
			t.Errorf("kept: got %q, want %q", got, next)
		}
	}
	for _, tt := range refused {
		t.Run(tt.row, func(t *testing.T) {
			if got := redirect.Safe(tt.next); got != "/" {
				t.Errorf("Safe(%q) = %q, want /", tt.next, got)
			}
		})
	}
}

// Attack next/leaves-the-site: whatever the input, a browser that follows Safe's result stays
// on this site, and Safe returns its own result unchanged.
func FuzzSafe(f *testing.F) {
	for _, next := range kept {
		f.Add(next)
	}
	for _, tt := range refused {
		f.Add(tt.next)
	}
	f.Fuzz(func(t *testing.T, next string) {
		got := redirect.Safe(next)
		if got != "/" && got != next {
			t.Fatalf("Safe(%q) = %q, neither it nor /", next, got)
		}
		if again := redirect.Safe(got); again != got {
			t.Errorf("Safe(%q) = %q", got, again)
		}
		u, err := whatwg.ParseRef(origin+"/auth?next=x#y", got)
		if err != nil {
			t.Fatalf("%q does not parse: %v", got, err)
		}
		if o := u.Protocol() + "//" + u.Host(); o != origin || u.Username() != "" {
			t.Errorf("%q leads to %s", got, u.Href(false))
		}
		if strings.HasPrefix(u.Pathname(), "//") || u.Pathname() == "/auth" || u.Pathname() == "/logout" {
			t.Errorf("%q leads to the path %s", got, u.Pathname())
		}
		if u, err := url.Parse(got); err == nil && (u.Scheme != "" || u.Host != "" || u.User != nil || u.Path[0] != '/') {
			t.Errorf("net/url reads %q as %#v", got, u)
		}
	})
}
