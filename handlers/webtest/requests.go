package webtest

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
)

// Firefox is a User-Agent of Firefox.
const Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

// BasicChallenge is the challenge for an app password (RFC 7617).
const BasicChallenge = `Basic realm="glassjar app password", charset="UTF-8"`

// Basic returns the Authorization header of the username and password (RFC 7617).
func Basic(username, pw string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+pw))
}

// Nasty is text that could break a log.
var Nasty = []string{
	"a\r\nlevel=ERROR msg=forged", "a\nb", "a\rb", "a\x1b[31mred\x1b[0m", "a\u2028b\u2029c", "a\x00b", "a\x7fb\u0085c", "a\u202eb\u2066c",
	"\xff\xfe", `a" status=200 "b`, `a\" b`, strings.Repeat("x", 10<<10), strings.Repeat("ö", 5<<10), `{"level":"ERROR"}`,
}

// With returns a modified GET.
func With(change func(*http.Request)) *http.Request {
	req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	req.Host = "jar.example"
	change(req)
	return req
}

// Ask passes the request to the site's handler without a network, so that its log lines
// are written when Ask returns.
func (s *Site) Ask(req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, req)
	return w
}

// Sight is everything in a response that somebody who guesses names can see, except the
// typed name.
type Sight struct {
	Status  string
	Headers []string
	Body    string
}

// Sight returns the response's Sight.
func (a *Answer) Sight(name string) Sight {
	saw := Sight{Status: a.Status, Body: strings.ReplaceAll(a.Body, name, "NAME")}
	for header, values := range a.Header {
		if header != "Date" {
			saw.Headers = append(saw.Headers, header+": "+strings.Join(values, " | "))
		}
	}
	slices.Sort(saw.Headers)
	return saw
}
