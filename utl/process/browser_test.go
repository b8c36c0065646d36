package process

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// browser stores cookies and follows no redirects.
type browser struct {
	at      *program
	address string            // sent in X-Forwarded-For, because loopback is a trusted proxy
	cookies map[string]string // by name
}

// answer is a response, read completely.
type answer struct {
	status int
	header http.Header
	body   string
	took   time.Duration
}

// wire sends every request. It keeps many connections open, and stores no cookies.
var wire = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	Timeout:       30 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// newBrowser returns a browser without cookies.
func newBrowser(p *program) *browser {
	return &browser{at: p, address: "192.0.2.1", cookies: map[string]string{}}
}

// copied returns a browser with a copy of the current cookies.
func (b *browser) copied() *browser {
	return &browser{at: b.at, address: b.address, cookies: maps.Clone(b.cookies)}
}

// try sends one request: a POST if there is a form.
func (b *browser) try(path string, form url.Values) (answer, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, "http://127.0.0.1:"+b.at.port+path, body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("X-Forwarded-For", b.address)
	if form != nil {
		req.Header.Set("Origin", b.at.url)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.cookies {
		req.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return b.send(req)
}

var errHalf = errors.New("half an answer")

func (b *browser) send(req *http.Request) (answer, error) {
	began := time.Now()
	res, err := wire.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errHalf, err)
	}
	a := answer{res.StatusCode, res.Header, string(body), time.Since(began)}
	b.take(a)
	return a, nil
}

// take stores the response's cookies.
func (b *browser) take(a answer) {
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
}

// get fetches the page; the response must have the status.
func (b *browser) get(t testing.TB, path string, status int) answer {
	t.Helper()
	return b.must(t, path, nil, status)
}

// post sends the form; the response must have the status.
func (b *browser) post(t testing.TB, path string, form url.Values, status int) answer {
	t.Helper()
	return b.must(t, path, form, status)
}

func (b *browser) must(t testing.TB, path string, form url.Values, status int) answer {
	t.Helper()
	a, err := b.try(path, form)
	if err != nil {
		t.Fatal(err)
	}
	if a.status != status {
		t.Fatalf("%s: got status %d, want %d:\n%s\n%s", path, a.status, status, a.body, b.at.stderr)
	}
	return a
}

// signIn sends the sign-in form; the response must have the status.
func (b *browser) signIn(t testing.TB, name, pw string, status int) answer {
	t.Helper()
	return b.post(t, "/auth", signInForm(name, pw), status)
}

func signInForm(name, pw string) url.Values {
	return url.Values{"username": {name}, "password": {pw}}
}

// status returns the status of the response for the path.
func (b *browser) status(t testing.TB, path string) int {
	t.Helper()
	a, err := b.try(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a.status
}

// signedOut reports whether a page for signed-in people refuses the browser.
func (b *browser) signedOut(t testing.TB) bool {
	t.Helper()
	return b.status(t, "/account") == http.StatusSeeOther
}

// signedIn returns a browser that has just signed in.
func signedIn(t testing.TB, p *program, name string) *browser {
	t.Helper()
	b := newBrowser(p)
	b.signIn(t, name, good, http.StatusSeeOther)
	b.get(t, "/account", http.StatusOK)
	return b
}
