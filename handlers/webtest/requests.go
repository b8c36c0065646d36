package webtest

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
)

const (
	Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
)

// BasicChallenge asks a program for an app password (RFC 7617).
const BasicChallenge = `Basic realm="glassjar app password", charset="UTF-8"`

func Basic(username, pw string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+pw))
}

// Nasty is what a log must not be broken by.
var Nasty = []string{
	"a\r\nlevel=ERROR msg=forged", "a\nb", "a\rb", "a\x1b[31mred\x1b[0m", "a\u2028b\u2029c", "a\x00b", "a\x7fb\u0085c", "a\u202eb\u2066c",
	"\xff\xfe", `a" status=200 "b`, `a\" b`, strings.Repeat("x", 10<<10), strings.Repeat("ö", 5<<10), `{"level":"ERROR"}`,
}

// With returns a GET that is changed.
func With(change func(*http.Request)) *http.Request {
	req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	req.Host = "jar.example"
	change(req)
	return req
}
