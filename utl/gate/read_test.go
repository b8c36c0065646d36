package gate_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"glassjar/utl/gate"
)

// header makes a header from pairs of name and value, with the names in the
// canonical form of net/http.
func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// forwarded returns the X-Forwarded headers of a complete question, and the pairs in
// more.
func forwarded(more ...string) http.Header {
	return header(append([]string{
		"X-Forwarded-Method", "GET", "X-Forwarded-Proto", "https",
		"X-Forwarded-Host", "app.example", "X-Forwarded-Uri", "/a?b=c",
	}, more...)...)
}

// with returns the headers of forwarded with one of them replaced.
func with(name, value string) http.Header {
	h := forwarded()
	h.Set(name, value)
	return h
}

// readRows are questions that the gate understands.
var readRows = []struct {
	name   string
	kind   gate.Kind
	header http.Header
	method string
	want   string
}{
	{"X-Forwarded to forward", gate.Forward, forwarded(), "GET", "https://app.example/a?b=c"},
	{"X-Forwarded to check", gate.Check, forwarded(), "GET", "https://app.example/a?b=c"},
	{"X-Original to check", gate.Check, header("X-Original-URL", "http://app.example/x?y", "X-Original-Method", "POST"), "POST", "http://app.example/x?y"},
	{
		"both, of one host: X-Original alone is read", gate.Check,
		forwarded("X-Original-URL", "http://app.example:81/x", "X-Original-Method", "PUT"), "PUT", "http://app.example:81/x",
	},
	{
		"forward does not look at X-Original", gate.Forward,
		forwarded("X-Original-URL", "http://other.example/x", "X-Original-Method", "PUT"), "GET", "https://app.example/a?b=c",
	},
	{"Forwarded is not read", gate.Forward, forwarded("Forwarded", "host=evil.example;proto=http"), "GET", "https://app.example/a?b=c"},
	{"a socket's scheme", gate.Forward, with("X-Forwarded-Proto", "wss"), "GET", "https://app.example/a?b=c"},
	{"a host in capitals with a last dot", gate.Forward, with("X-Forwarded-Host", "APP.Example."), "GET", "https://app.example/a?b=c"},
	{"the scheme's own port", gate.Forward, with("X-Forwarded-Host", "app.example:0443"), "GET", "https://app.example/a?b=c"},
	{"another port", gate.Forward, with("X-Forwarded-Host", "app.example:80"), "GET", "https://app.example:80/a?b=c"},
	{"an IPv6 address", gate.Forward, with("X-Forwarded-Host", "[0::1]:8443"), "GET", "https://[::1]:8443/a?b=c"},
	{"dots", gate.Forward, with("X-Forwarded-Uri", "/a/../b/%2e%2E/%2f%5c;x"), "GET", "https://app.example/a/../b/%2e%2E/%2f%5c;x"},
	{"slashes", gate.Forward, with("X-Forwarded-Uri", `//evil.example/\`), "GET", `https://app.example//evil.example/\`},
	{"letters that are no ASCII", gate.Forward, with("X-Forwarded-Uri", "/ä%41?ö=\xff"), "GET", "https://app.example/%C3%A4%41?%C3%B6=%FF"},
	{"what a query may hold", gate.Forward, with("X-Forwarded-Uri", `/?q=%zz&u=http://x/?a`), "GET", `https://app.example/?q=%zz&u=http://x/?a`},
	{"a WebDAV method", gate.Forward, with("X-Forwarded-Method", "BASELINE-CONTROL"), "BASELINE-CONTROL", "https://app.example/a?b=c"},
	{"several clients' addresses", gate.Forward, forwarded("X-Forwarded-For", "192.0.2.1, 10.0.0.1"), "GET", "https://app.example/a?b=c"},
	{"an identity header, plainly forged", gate.Forward, forwarded("Remote-User", "eve"), "GET", "https://app.example/a?b=c"},
	{
		"headers that are near ours", gate.Forward,
		forwarded("X-Real-Ip", "192.0.2.1", "X-Forwarded-Port", "1", "X_Forwarded_Server", "1", "Remoter~User", "1", "Remote", "1", "X~Remote~User", "1", "~", "1", "X", "1"),
		"GET", "https://app.example/a?b=c",
	},
}

func TestRead(t *testing.T) {
	for _, tt := range readRows {
		t.Run(tt.name, func(t *testing.T) {
			a, err := gate.ParseRequest(tt.kind, tt.header)
			if err != nil || a.Method != tt.method || a.String() != tt.want {
				t.Errorf("got %s %s, %v; want %s %s", a.Method, a, err, tt.method, tt.want)
			}
		})
	}
}

// refused is a question that ParseRequest must reject.
type refused struct {
	name   string
	kind   gate.Kind
	header http.Header
}

// signs are the bytes that a header's name may contain besides "-", letters and
// digits (RFC 9110, section 5.6.2).
const signs = "!#$%&'*+.^_`|~"

// ourNames are the headers that the gate reads or sets. A header whose name an app
// could confuse with one of them must be rejected.
var ourNames = []string{
	"Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email", "Remote-Identity", "X-Real-Ip", "X-Original-Url", "X-Original-Method",
	"X-Forwarded-Method", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Uri", "X-Forwarded-For",
}

// refusals are questions with missing, invalid or contradictory headers.
func refusals() []refused {
	rows := []refused{
		{"nothing", gate.Forward, header()},
		{"nothing to check", gate.Check, header()},
		{"X-Original to forward", gate.Forward, header("X-Original-URL", "https://app.example/", "X-Original-Method", "GET")},
		{"no X-Original-Method, but X-Forwarded-Method", gate.Check, header("X-Original-URL", "https://app.example/", "X-Forwarded-Method", "GET")},
		{"no X-Original-URL, but all of X-Forwarded", gate.Check, forwarded("X-Original-Method", "GET")},
		{"an empty X-Original-URL, and all of X-Forwarded", gate.Check, forwarded("X-Original-URL", "", "X-Original-Method", "GET")},
		{"two hosts", gate.Check, forwarded("X-Original-URL", "https://other.example/", "X-Original-Method", "GET")},
		{"two hosts, one of them none", gate.Check, header("X-Original-URL", "https://other.example/", "X-Original-Method", "GET", "X-Forwarded-Host", "")},
		{"X-Forwarded-For twice", gate.Forward, forwarded("X-Forwarded-For", "192.0.2.1", "X-Forwarded-For", "192.0.2.2")},
		{"Connection: Remote-User", gate.Forward, forwarded("Connection", "keep-alive, remote-user")},
		{"Connection: X-Forwarded-Host", gate.Forward, forwarded("Connection", "close", "Connection", "X-Forwarded-Host")},
	}
	for _, name := range []string{"X-Forwarded-Method", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Forwarded-Uri"} {
		without := forwarded()
		without.Del(name)
		doubled := forwarded(name, forwarded().Get(name))
		rows = append(rows, refused{"no " + name, gate.Forward, without}, refused{name + " twice", gate.Forward, doubled})
	}
	for name, values := range badValues {
		for _, value := range values {
			rows = append(rows, refused{name + "=" + value, gate.Forward, with(name, value)})
		}
	}
	return rows
}

// badValues are values that are invalid in the header of that name.
var badValues = map[string][]string{
	"X-Forwarded-Method": {"", "get", "GET, POST", "GET\x00", "GET ", strings.Repeat("A", 33)},
	"X-Forwarded-Proto":  {"", "HTTPS", "https,http", "ftp", "javascript", "https:", "https "},
	"X-Forwarded-Host": {
		"", ".", "app..example", ".app.example", "app.example..", "-app.example", "app.example,evil.example", "app.example evil.example",
		"app.example/evil", "evil@app.example", "app.example:", "app.example:x", "app.example:0", "app.example:70000", "app.example:-1", "app.example:80:80",
		"app.example\x00", "app.example\t", "app.example\\evil", "app.example?x", "app.example#x", "äpp.example", "app.e\u212Aample", "\uff41pp.example", "[::1", "[::1]x", "[1.2.3.4]", "[fe80::1%25eth0]", "::1", strings.Repeat("a.", 127) + "aaa",
	},
	"X-Forwarded-Uri": {"", "a", "*", "?a", "https://app.example/a", "/a b", "/a\tb", "/a\x00", "/a\x7f", "/\x1b", "/a#b", "/%", "/%4", "/%zz", "/\x7f", "/a\r\nb"},
	"X-Forwarded-For": {"192.0.2.1\x00", "\x1b"},
}

// twins are questions with a header whose name an app could confuse with one of
// ourNames.
func twins() (rows []refused) {
	for _, twin := range []string{
		"Remote_User", "REMOTE_USER", "Remote.User", "remote.groups", "Remote_Anything", "Remote-Us.er", "X_Forwarded_Host", "X-Forwarded_Host",
		"X.Forwarded.Uri", "x_forwarded_for", "X_Original_URL", "X-Original.Method",
	} {
		rows = append(rows, refused{"a twin, " + twin, gate.Forward, forwarded(twin, "eve")})
	}
	for _, name := range ourNames {
		for _, sign := range signs {
			twin := strings.ReplaceAll(name, "-", string(sign))
			rows = append(rows, refused{"a twin, " + twin, gate.Forward, forwarded(twin, "eve")})
		}
		for _, twin := range []string{
			strings.ReplaceAll(name, "-", ""), strings.Replace(name, "-", "--", 1), name + "-", name + "~", "-" + name, "`" + name, name[:2] + "'" + name[2:],
		} {
			rows = append(rows, refused{"a twin, " + twin, gate.Check, forwarded(twin, "eve")})
		}
		rows = append(rows, refused{"Connection: " + name, gate.Forward, forwarded("Connection", strings.Replace(name, "-", "~", 1))})
	}
	return rows
}

// Attack gate/ambiguous-headers: headers with several meanings, targets that do not parse.
func TestReadRefuses(t *testing.T) {
	for _, tt := range append(refusals(), twins()...) {
		t.Run(tt.name, func(t *testing.T) {
			if a, err := gate.ParseRequest(tt.kind, tt.header); !errors.Is(err, gate.ErrBad) {
				t.Errorf("got %v, %v; want %v", a, err, gate.ErrBad)
			}
		})
	}
}

func TestNavigates(t *testing.T) {
	const page = "text/html,application/xhtml+xml,*/*;q=0.8"
	for _, tt := range []struct {
		name  string
		pairs []string
		want  bool
	}{
		{"a page", []string{"Sec-Fetch-Mode", "navigate", "Accept", page}, true},
		{"a page, whatever it accepts", []string{"Sec-Fetch-Mode", "navigate", "Accept", "*/*"}, true},
		{"a fetch that takes HTML", []string{"Sec-Fetch-Mode", "cors", "Accept", page}, false},
		{"an image", []string{"Sec-Fetch-Mode", "no-cors", "Accept", "image/*"}, false},
		{"a socket", []string{"Sec-Fetch-Mode", "websocket"}, false},
		{"an old browser's page", []string{"Accept", page}, true},
		{"an old browser's XHR", []string{"Accept", page, "X-Requested-With", "XMLHttpRequest"}, false},
		{"an old browser's socket", []string{"Accept", page, "Upgrade", "websocket"}, false},
		{"an event stream", []string{"Accept", "text/event-stream"}, false},
		{"curl", []string{"Accept", "*/*"}, false},
		{"nothing said", nil, false},
	} {
		a, err := gate.ParseRequest(gate.Forward, forwarded(tt.pairs...))
		if err != nil || a.Navigates() != tt.want {
			t.Errorf("%s: got %t, %v; want %t", tt.name, a.Navigates(), err, tt.want)
		}
	}
}

func TestFromProgram(t *testing.T) {
	const mozilla = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	for _, tt := range []struct {
		name  string
		pairs []string
		want  bool
	}{
		{"git", []string{"User-Agent", "git/2.39.5", "Accept", "*/*"}, true},
		{"git that sends", []string{"User-Agent", "git/2.39.5", "Accept", "application/x-git-receive-pack-result"}, true},
		{"WebDAV", []string{"User-Agent", "Microsoft-WebDAV-MiniRedir/10.0.19045"}, true},
		{"nothing said", nil, true},
		{"a page", []string{"Sec-Fetch-Mode", "navigate", "Accept", "*/*"}, false},
		{"a fetch", []string{"Sec-Fetch-Mode", "cors", "Accept", "*/*"}, false},
		{"a fetch with Sec-Fetch-Site alone", []string{"Sec-Fetch-Site", "same-origin"}, false},
		{"an image", []string{"Sec-Fetch-Dest", "image"}, false},
		{"an old browser's page", []string{"Accept", "Text/HTML,*/*;q=0.8"}, false},
		{"an old browser's second Accept", []string{"Accept", "*/*", "Accept", "text/html"}, false},
		{"a fetch over http", []string{"User-Agent", mozilla, "Accept", "*/*"}, false},
		{"an XHR", []string{"X-Requested-With", "XMLHttpRequest", "Accept", "*/*"}, false},
		{"a socket", []string{"Upgrade", "websocket"}, false},
	} {
		a, err := gate.ParseRequest(gate.Forward, forwarded(tt.pairs...))
		if err != nil || a.FromProgram() != tt.want {
			t.Errorf("%s: got %t, %v; want %t", tt.name, a.FromProgram(), err, tt.want)
		}
	}
}

// FuzzParseURL calls checkURL with random URLs.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"https://app.example/a?b=c", "http://app.example:81", "https://[::1]:1/", "https://a@b/", "https://a/%2e%2e//b?%zz", "https:/a/b", "https://A.:443/x",
	} {
		f.Add(seed)
	}
	f.Fuzz(checkURL)
}
