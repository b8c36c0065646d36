package web_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// sized returns a GET of exactly n bytes in HTTP/1.1, most of them in the value of the
// header.
func sized(n int, header, value string) *http.Request {
	req := webtest.With(func(r *http.Request) { r.RequestURI = "/" })
	left := n - len("GET / HTTP/1.1\r\nHost: jar.example\r\n") - len(header+": "+value+"\r\n")
	req.Header.Set(header, value+strings.Repeat("x", left))
	return req
}

// Attack cookie/cut, http/limits: 64 KB of headers are accepted. One byte more is
// refused, and nothing changes.
func TestHeadersOf64KB(t *testing.T) {
	s := webtest.New(t)
	s.Add(t, "bob", account.Member)
	cookies := s.SignedIn(t, "bob").Cookies()
	for size, want := range map[int]string{64 << 10: "Hello, bob", 64<<10 + 1: "Your browser sent too much"} {
		got := s.Ask(sized(size, "Cookie", cookies+"; wiki="))
		if !strings.Contains(got.Body.String(), "<h1>"+want+"</h1>") {
			t.Errorf("%d bytes: got %d\n%s", size, got.Code, got.Body)
		}
	}
	if got := s.Ask(sized(64<<10, "X-A", "")); got.Code != http.StatusOK {
		t.Errorf("64 KB of another header: got %d", got.Code)
	}
	for _, name := range []string{"X-A", "Referer", "Cookie"} {
		if got := s.Ask(sized(64<<10+1, name, "")); got.Code != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a byte more, in %s: got %d", name, got.Code)
		}
	}
	long := webtest.With(func(r *http.Request) {
		r.RequestURI = "/?next=" + strings.Repeat("x", 64<<10)
		r.Header.Set("Cookie", cookies)
	})
	if got := s.Ask(long); got.Code != 431 || strings.Contains(got.Body.String(), "glassjar") && strings.Contains(got.Body.String(), "<li>") {
		t.Errorf("a long address: got %d\n%s", got.Code, got.Body)
	}
}

// The page names the cookies, largest first, never their values, and needs no other file.
func TestThePageNamesTheCookiesToDelete(t *testing.T) {
	s := webtest.New(t, webtest.Secure)
	jar := "glassjar=5ecret; " + strings.Repeat("a=5ecret; ", 3200) + "<script>=5ecret" + strings.Repeat("5ecret", 3<<10) + "; wiki=" + strings.Repeat("5ecret", 4<<10) +
		"; =5ecret; 5; " + strings.Repeat("n", 200) + "=" + strings.Repeat("5ecret", 100)
	got := s.Browser(t).Get("/account", "Cookie", jar).Want(http.StatusRequestHeaderFieldsTooLarge)
	got.Says("h1", "Your browser sent too much")
	got.WantHeaders(webtest.HeadersOf{HTTPS: true})
	names := got.Find("li code").Map(func(_ int, e *goquery.Selection) string { return e.Text() })
	if want := []string{"a", "wiki", "<script>", strings.Repeat("n", 64), "glassjar", "", "5"}; !slices.Equal(names, want) {
		t.Errorf("it names %q, want %q", names, want)
	}
	if strings.Contains(got.Body, "5ecret") || strings.Contains(got.Body, "/static/") {
		t.Errorf("the page is\n%s", got.Body)
	}
}

func TestVeryManyCookies(t *testing.T) {
	s := webtest.New(t)
	var all strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&all, "cookie%04d=12345678; ", i)
	}
	got := s.Browser(t).Get("/", "Cookie", all.String()+"large="+strings.Repeat("x", 100)).Want(http.StatusRequestHeaderFieldsTooLarge)
	if n := got.Find("li").Length(); n != 20 || got.Find("li").First().Text() != "large" || len(got.Body) > 4<<10 {
		t.Errorf("it names %d cookies in %d bytes, the first %q", n, len(got.Body), got.Find("li").First().Text())
	}
	if !strings.Contains(got.Body, "And 4981 more") {
		t.Errorf("the page is\n%s", got.Body)
	}
}

// The gate has the same limit, because it gets the cookies of apps too. Its status over the
// limit is one that every proxy passes on: nginx turns 431 into 500, and 401 would redirect
// the browser to the sign-in page again and again.
func TestTheGatesHeaders(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "bob", account.Member)
	bob := w.SignedIn(t, "bob")
	bob.Visit(webtest.Sister+"/", 9).Want(http.StatusOK)
	cookies := bob.At(webtest.Sister).Cookies()
	for path, want := range map[string]int{
		"/gate/check": 403, "/api/authz/auth-request": 403, "/gate/forward": 431, "/api/authz/forward-auth": 431,
	} {
		ask := func(n int) *webtest.Answer {
			return w.Ask(t, path, webtest.Asked(webtest.Sister+"/", "Cookie", cookies+"; a="+strings.Repeat("x", n)))
		}
		ask(60<<10).Want(http.StatusOK).WantHeader("Remote-User", "bob")
		got := ask(64<<10).Want(want).Says("h1", "Your browser sent too much").Says("li:first-child", "a")
		got.WantHeader("Remote-User", "").WantHeader("Location", "")
	}
}
