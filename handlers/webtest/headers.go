package webtest

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"glassjar/utl/audit"
)

// some stands for any value but none.
const some = "*"

// everywhere are the headers of every response, unless a rule below differs.
var everywhere = map[string]string{
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "same-origin",
	"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
	"Cache-Control":                "no-store",
	"Date":                         some,
}

// FilesPolicy is the policy for the files under /pages/.
const FilesPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"script-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// HeadersOf describes the request, for the headers of its response.
type HeadersOf struct {
	Row       Swept
	SignedOut bool // whether the request ended a session
	HTTPS     bool
}

// WantHeaders fails the test unless the response has exactly the headers that it must have.
func (a *Answer) WantHeaders(of HeadersOf) {
	a.T.Helper()
	want := maps.Clone(everywhere)
	want["Content-Type"] = a.wantType(of.Row)
	path := a.Request.URL.Path
	if kind, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/"); slices.Contains([]string{"join", "reset", "confirm", "lock", "signup"}, kind) && strings.Count(path, "/") == 2 {
		want["Referrer-Policy"] = "strict-origin"
	}
	abroad := isForAppHost(path) // without HSTS
	if path == "/gate/callback" && a.StatusCode != http.StatusMethodNotAllowed {
		want["Referrer-Policy"] = "no-referrer"
	}
	if of.HTTPS && !abroad {
		want["Strict-Transport-Security"] = "max-age=31536000"
	}
	switch code := a.StatusCode; {
	case code >= 300 && code < 400:
		want["Location"] = some
	case code == http.StatusMethodNotAllowed:
		want["Allow"] = of.Row.allow()
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		want["Retry-After"] = some
	}
	if a.StatusCode == http.StatusMisdirectedRequest || a.StatusCode == http.StatusRequestHeaderFieldsTooLarge || abroad && strings.HasPrefix(want["Content-Type"], "text/html") {
		want["Content-Security-Policy"] = gatePolicy(a.Find("style").Text())
		if a.Request.Method == http.MethodHead {
			want["Content-Security-Policy"] = some // contains the hash of a style that is not sent
		}
	}
	a.wantFile(want, of.Row)
	if of.SignedOut {
		want["Set-Cookie"] = "glassjar=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; SameSite=Lax"
	}
	if of.SignedOut && of.HTTPS {
		want["Set-Cookie"] = "__Host-glassjar=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0; HttpOnly; Secure; SameSite=Lax"
	}
	for _, name := range []string{"lab", "lab-visit", "glassjar-passkey", "__Host-glassjar-passkey", "glassjar-setup", "__Host-glassjar-setup"} {
		if a.Cookie(name) != nil {
			want["Set-Cookie"] = some // of the lab and the sign-in form: their own tests check it
		}
	}
	if diff := cmp.Diff(want, a.seen(want)); diff != "" {
		a.T.Errorf("%s %s %d: headers (-want +got):\n%s", a.Request.Method, path, a.StatusCode, diff)
	}
}

// wantFile adds the headers of files under /static/ and /pages/.
func (a *Answer) wantFile(want map[string]string, row Swept) {
	if a.StatusCode != http.StatusOK {
		return
	}
	if a.isData(row) {
		want["Content-Disposition"] = some
	}
	switch row.Pattern {
	case "/static/{name}":
		want["Cache-Control"], want["Vary"], want["Etag"] = "public, max-age=31536000, immutable", "Accept-Encoding", some
	case "/people/audit.csv":
		want["Content-Disposition"] = `attachment; filename="audit.csv"`
	case "/pages/{path...}":
		want["Content-Security-Policy"] = FilesPolicy
		want["Accept-Ranges"], want["Last-Modified"] = "bytes", some
		if strings.HasSuffix(row.Path, ".txt") {
			want["Cache-Control"], want["Etag"] = "private, no-cache", some
		}
	}
}

// isData reports whether the response is the file of a person's own data.
func (a *Answer) isData(row Swept) bool {
	return row.Pattern == "/account/data" && a.StatusCode == http.StatusOK && a.Request.Method == http.MethodPost
}

// wantType returns the Content-Type that the response must have; "" means none.
func (a *Answer) wantType(row Swept) string {
	plain := row.Pattern == "/healthz" || row.Pattern == "/readyz" || strings.HasSuffix(row.Path, ".txt")
	switch code := a.StatusCode; {
	case code == http.StatusSeeOther,
		code == http.StatusTemporaryRedirect && a.Request.Method != http.MethodGet && a.Request.Method != http.MethodHead:
		return ""
	case isForAppHost(a.Request.URL.Path) && code == http.StatusBadRequest: // JSON, as for a program
		return "application/json"
	case a.isData(row), row.Pattern == "/.well-known/passkey-endpoints" && code == http.StatusOK:
		return "application/json"
	case plain && code == http.StatusOK:
		return "text/plain; charset=utf-8"
	case row.Pattern == "/people/audit.csv" && code == http.StatusOK:
		return "text/csv; charset=utf-8"
	case row.Pattern == "/static/{name}" && code == http.StatusOK:
		return "text/css; charset=utf-8"
	case row.Pattern == "/.well-known/jwks.json" && code == http.StatusOK:
		return "application/jwk-set+json"
	}
	return "text/html; charset=utf-8"
}

// seen returns the response's headers, without differences that a rule allows: any value
// becomes some where some is wanted. Content-Length must be correct.
func (a *Answer) seen(want map[string]string) map[string]string {
	got := map[string]string{"Content-Type": ""}
	for name, values := range a.Header {
		got[name] = strings.Join(values, " | ")
		if want[name] == some && got[name] != "" {
			got[name] = some
		}
	}
	if a.Request.Method == http.MethodHead || got["Content-Length"] == strconv.Itoa(len(a.Body)) {
		delete(got, "Content-Length")
	}
	return got
}

// The kinds of visitors.
const (
	Anonymous = iota
	Member
	Owner
)

// By is a status for each of the three kinds of visitors.
type By [3]int

// Swept is a path of the sweep, with the statuses of GET and POST. A zero status is a
// method that the path does not support.
type Swept struct {
	Pattern   string // the route's pattern, without the method
	Path      string // the requested path, if it differs
	Get, Post By
}

// SweptMethods are the methods of the sweep.
var SweptMethods = []string{
	http.MethodGet, http.MethodHead, http.MethodPut, http.MethodTrace, http.MethodOptions, "PROPFIND", "BREW",
	http.MethodPost, // last, because it may end the session
}

// allow returns the Allow header of a 405 for the path, or "" if no method gets 405.
func (row Swept) allow() string {
	var all []string
	if row.Get != (By{}) {
		all = append(all, http.MethodGet, http.MethodHead)
	}
	if row.Post != (By{}) {
		all = append(all, http.MethodPost)
	}
	return strings.Join(all, ", ")
}

// Person returns a browser in which username, if not empty, is signed in: a session of
// level 2 is started in the store, without a sign-in.
func (s *Site) Person(tb testing.TB, username string) *Browser {
	tb.Helper()
	if username == "" {
		return s.Browser(tb)
	}
	found, err := s.Accounts.Find(tb.Context(), username)
	if err != nil {
		tb.Fatal(err)
	}
	b, w := s.Browser(tb), httptest.NewRecorder()
	if _, err := s.Sessions.Start(w, b.Request(http.MethodPost, "/", ""), found.Verified(2, "otp pwd"), false, audit.Actor{}); err != nil {
		tb.Fatal(err)
	}
	b.Jar.SetCookies(Parse(tb, s.Public()), w.Result().Cookies())
	return b
}
