package handlers_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"
)

// browser keeps cookies and follows no redirect.
type browser struct {
	http.Client

	t      testing.TB
	base   string
	header http.Header // sent with every request
}

func (s *testSite) browser(tb testing.TB) *browser {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{http.Client{Jar: jar, CheckRedirect: stay, Transport: s.Client().Transport}, tb, s.public(), http.Header{}}
}

// stranger returns a browser at the address, which a trusted proxy tells.
func (s *testSite) stranger(tb testing.TB, address string) *browser {
	tb.Helper()
	b := s.browser(tb)
	b.header.Set("X-Forwarded-For", address)
	return b
}

// signedIn returns a browser in which username, whose password is good, is
// signed in.
func (s *testSite) signedIn(tb testing.TB, username string) *browser {
	tb.Helper()
	b := s.browser(tb)
	b.signIn(username, good).want(http.StatusSeeOther)
	return b
}

// answer is what came back, read whole.
type answer struct {
	*http.Response

	t    testing.TB
	body string
	doc  *goquery.Document // of the body, once somebody looks
}

// request makes a request; header holds names and values in turn, an empty
// value takes the name away.
func (b *browser) request(method, path, body string, header ...string) *http.Request {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	return req
}

func (b *browser) get(path string, header ...string) *answer {
	b.t.Helper()
	return b.do(b.request(http.MethodGet, path, "", header...))
}

// post sends a form as a browser does from our own page.
func (b *browser) post(path string, fields ...string) *answer {
	b.t.Helper()
	return b.send(path, form(fields...))
}

// send posts the body as post does, with the headers changed.
func (b *browser) send(path, body string, header ...string) *answer {
	b.t.Helper()
	return b.do(b.request(http.MethodPost, path, body, append([]string{
		"Content-Type", "application/x-www-form-urlencoded", "Origin", b.base, "Sec-Fetch-Site", "same-origin",
	}, header...)...))
}

func (b *browser) signIn(username, password string) *answer {
	b.t.Helper()
	return b.post("/auth", "username", username, "password", password)
}

// form encodes the names and values.
func form(fields ...string) string {
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return values.Encode()
}

func (b *browser) do(req *http.Request) *answer {
	b.t.Helper()
	maps.Copy(req.Header, b.header)
	res, err := b.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return &answer{Response: res, t: b.t, body: string(body)}
}

// want fails the test unless the status, and the Location where given, is
// this.
func (a *answer) want(status int, location ...string) *answer {
	a.t.Helper()
	if a.StatusCode != status {
		a.t.Fatalf("%s %s: got %s, want %d\n%s", a.Request.Method, a.Request.URL.Path, a.Status, status, a.body)
	}
	if len(location) > 0 && a.Header.Get("Location") != location[0] {
		a.t.Fatalf("%s %s: got Location %q, want %q", a.Request.Method, a.Request.URL.Path, a.Header.Get("Location"), location[0])
	}
	return a
}

// header fails the test unless the header has the value; "" is none.
func (a *answer) header(name, want string) *answer {
	a.t.Helper()
	if got := strings.Join(a.Header.Values(name), " | "); got != want {
		a.t.Errorf("%s %s: got %s %q, want %q", a.Request.Method, a.Request.URL.Path, name, got, want)
	}
	return a
}

// says fails the test unless the elements that the CSS selector finds have
// the text.
func (a *answer) says(selector, want string) *answer {
	a.t.Helper()
	if got := a.text(selector); got != want {
		a.t.Errorf("%s %s: %s says %q, want %q", a.Request.Method, a.Request.URL.Path, selector, got, want)
	}
	return a
}

// text returns the text of the elements that the CSS selector finds.
func (a *answer) text(selector string) string {
	a.t.Helper()
	return strings.TrimSpace(a.find(selector).Text())
}

func (a *answer) find(selector string) *goquery.Selection {
	a.t.Helper()
	if a.doc == nil {
		var err error
		if a.doc, err = goquery.NewDocumentFromReader(strings.NewReader(a.body)); err != nil {
			a.t.Fatal(err)
		}
	}
	return a.doc.Find(selector)
}

// cookie returns the cookie that the answer sets, or nil.
func (a *answer) cookie(name string) *http.Cookie {
	for _, c := range a.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// cookies returns the browser's cookies for the site, as one header.
func (b *browser) cookies() string {
	b.t.Helper()
	var all []string
	for _, c := range b.Jar.Cookies(parse(b.t, b.base)) {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}

// clone returns a browser with the same cookies, which goes on by itself.
func (b *browser) clone() *browser {
	b.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.t.Fatal(err)
	}
	twin, at := *b, parse(b.t, b.base)
	jar.SetCookies(at, b.Jar.Cookies(at))
	twin.Jar, twin.header = jar, b.header.Clone()
	return &twin
}
