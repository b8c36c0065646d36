package webtest

import (
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
)

// Browser stores cookies and follows no redirects.
type Browser struct {
	http.Client

	T      testing.TB
	Base   string
	Header http.Header // sent with every request
}

// Browser returns a browser for the site, with a client address of its own.
func (s *Site) Browser(tb testing.TB) *Browser {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Browser{http.Client{Jar: jar, CheckRedirect: stay, Transport: s.Client().Transport}, tb, s.Public(), http.Header{}}
}

// Stranger returns a browser with this client address, which a trusted proxy reports.
func (s *Site) Stranger(tb testing.TB, address string) *Browser {
	tb.Helper()
	b := s.Browser(tb)
	b.Header.Set("X-Forwarded-For", address)
	return b
}

// SignedIn returns a browser in which username, whose password must be good, is signed in.
func (s *Site) SignedIn(tb testing.TB, username string) *Browser {
	tb.Helper()
	b := s.Browser(tb)
	b.SignIn(username, Good).Want(http.StatusSeeOther)
	return b
}

// Answer is a response, read completely.
type Answer struct {
	*http.Response

	T    testing.TB
	Body string
	doc  *goquery.Document // the parsed body, once it is needed
}

// Request returns a request; header has alternating names and values, and an empty value
// removes the header.
func (b *Browser) Request(method, path, body string, header ...string) *http.Request {
	b.T.Helper()
	req, err := http.NewRequestWithContext(b.T.Context(), method, b.Base+path, strings.NewReader(body))
	if err != nil {
		b.T.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	return req
}

// Get sends a GET; header has alternating names and values.
func (b *Browser) Get(path string, header ...string) *Answer {
	b.T.Helper()
	return b.Exchange(b.Request(http.MethodGet, path, "", header...))
}

// Post sends a form as a browser does from a page of the site.
func (b *Browser) Post(path string, fields ...string) *Answer {
	b.T.Helper()
	return b.Send(path, Form(fields...))
}

// Send posts the body as Post does, with changed headers.
func (b *Browser) Send(path, body string, header ...string) *Answer {
	b.T.Helper()
	return b.Exchange(b.Request(http.MethodPost, path, body, append([]string{
		"Content-Type", "application/x-www-form-urlencoded", "Origin", b.Base, "Sec-Fetch-Site", "same-origin",
	}, header...)...))
}

// SignIn sends the sign-in form.
func (b *Browser) SignIn(username, password string) *Answer {
	b.T.Helper()
	return b.Post("/auth", "username", username, "password", password)
}

// Form encodes alternating names and values as a form.
func Form(fields ...string) string {
	values := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
	}
	return values.Encode()
}

// Exchange sends the request and returns the complete response.
func (b *Browser) Exchange(req *http.Request) *Answer {
	b.T.Helper()
	maps.Copy(req.Header, b.Header)
	res, err := b.Do(req)
	if err != nil {
		b.T.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.T.Fatal(err)
	}
	return &Answer{Response: res, T: b.T, Body: string(body)}
}

// Want fails the test unless the status, and the Location if given, are these.
func (a *Answer) Want(status int, location ...string) *Answer {
	a.T.Helper()
	if a.StatusCode != status {
		a.T.Fatalf("%s %s: got %s, want %d\n%s", a.Request.Method, a.Request.URL.Path, a.Status, status, a.Body)
	}
	if len(location) > 0 && a.Header.Get("Location") != location[0] {
		a.T.Fatalf("%s %s: got Location %q, want %q", a.Request.Method, a.Request.URL.Path, a.Header.Get("Location"), location[0])
	}
	return a
}

// WantHeader fails the test unless the header has the value; "" means none.
func (a *Answer) WantHeader(name, want string) *Answer {
	a.T.Helper()
	if got := strings.Join(a.Header.Values(name), " | "); got != want {
		a.T.Errorf("%s %s: got %s %q, want %q", a.Request.Method, a.Request.URL.Path, name, got, want)
	}
	return a
}

// Says fails the test unless the elements that the CSS selector matches have the text.
func (a *Answer) Says(selector, want string) *Answer {
	a.T.Helper()
	if got := a.Text(selector); got != want {
		a.T.Errorf("%s %s: %s says %q, want %q", a.Request.Method, a.Request.URL.Path, selector, got, want)
	}
	return a
}

// Text returns the text of the elements that the CSS selector matches.
func (a *Answer) Text(selector string) string {
	a.T.Helper()
	return strings.TrimSpace(a.Find(selector).Text())
}

// Find returns the elements that the CSS selector matches.
func (a *Answer) Find(selector string) *goquery.Selection {
	a.T.Helper()
	if a.doc == nil {
		var err error
		if a.doc, err = goquery.NewDocumentFromReader(strings.NewReader(a.Body)); err != nil {
			a.T.Fatal(err)
		}
	}
	return a.doc.Find(selector)
}

// Cookie returns the cookie that the response sets, or nil.
func (a *Answer) Cookie(name string) *http.Cookie {
	for _, c := range a.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// Cookies returns the browser's cookies for the site as one header.
func (b *Browser) Cookies() string {
	b.T.Helper()
	var all []string
	for _, c := range b.Jar.Cookies(Parse(b.T, b.Base)) {
		all = append(all, c.Name+"="+c.Value)
	}
	return strings.Join(all, "; ")
}

// Clone returns an independent browser with the same cookies.
func (b *Browser) Clone() *Browser {
	b.T.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.T.Fatal(err)
	}
	twin, at := *b, Parse(b.T, b.Base)
	jar.SetCookies(at, b.Jar.Cookies(at))
	twin.Jar, twin.Header = jar, b.Header.Clone()
	return &twin
}

// WantCookie fails the test unless the cookie has the site's attributes; age 0 means without
// Max-Age: until the browser closes.
func WantCookie(t *testing.T, c *http.Cookie, age time.Duration, secure bool) {
	t.Helper()
	switch {
	case c == nil:
		t.Error("the cookie is not set")
	case c.Path != "/" || c.Domain != "" || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Value == "":
		t.Errorf("got %s; want Path=/, HttpOnly, SameSite=Lax, no Domain, Secure %t", c, secure)
	case c.MaxAge != int(age/time.Second), (age == 0) != c.Expires.IsZero():
		t.Errorf("got %s; want a life of %v", c, age)
	}
}
