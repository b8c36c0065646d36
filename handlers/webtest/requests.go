package webtest

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
)

// Firefox is its User-Agent.
const Firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

// BasicChallenge asks a program for an app password (RFC 7617).
const BasicChallenge = `Basic realm="glassjar app password", charset="UTF-8"`

// Basic returns the Authorization header of the username and password (RFC 7617).
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

// Ask gives the request to the site without a network, so that its log lines
// are written when the answer is there.
func (s *Site) Ask(req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler.ServeHTTP(w, req)
	return w
}

// Sight is all that somebody who guesses can see, the name put aside.
type Sight struct {
	Status  string
	Headers []string
	Body    string
}

// Sight returns what of the answer somebody who guesses can see.
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
