package handlers_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"glassjar/utl/account"
)

// sized returns a GET of exactly n bytes as HTTP/1.1 writes it, most of them in
// the value of the header.
func sized(n int, header, value string) *http.Request {
	req := with(func(r *http.Request) { r.RequestURI = "/" })
	left := n - len("GET / HTTP/1.1\r\nHost: jar.example\r\n") - len(header+": "+value+"\r\n")
	req.Header.Set(header, value+strings.Repeat("x", left))
	return req
}

// Attack cookie/cut, http/limits: 64 KB of headers are taken, and a byte more is refused, with
// nothing changed.
func TestHeadersOf64KB(t *testing.T) {
	s := newSite(t)
	s.add(t, "bob", account.Member)
	cookies := s.signedIn(t, "bob").cookies()
	for size, want := range map[int]string{64 << 10: "Hello, bob", 64<<10 + 1: "Your browser sent too much"} {
		got := s.ask(sized(size, "Cookie", cookies+"; wiki="))
		if !strings.Contains(got.Body.String(), "<h1>"+want+"</h1>") {
			t.Errorf("%d bytes: got %d\n%s", size, got.Code, got.Body)
		}
	}
	if got := s.ask(sized(64<<10, "X-A", "")); got.Code != http.StatusOK {
		t.Errorf("64 KB of another header: got %d", got.Code)
	}
	for _, name := range []string{"X-A", "Referer", "Cookie"} {
		if got := s.ask(sized(64<<10+1, name, "")); got.Code != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a byte more, in %s: got %d", name, got.Code)
		}
	}
	long := with(func(r *http.Request) {
		r.RequestURI = "/?next=" + strings.Repeat("x", 64<<10)
		r.Header.Set("Cookie", cookies)
	})
	if got := s.ask(long); got.Code != 431 || strings.Contains(got.Body.String(), "glassjar") && strings.Contains(got.Body.String(), "<li>") {
		t.Errorf("a long address: got %d\n%s", got.Code, got.Body)
	}
}

// The page names the cookies, the largest first, never what is in them, and is
// whole without any other file.
func TestThePageNamesTheCookiesToDelete(t *testing.T) {
	s := newSite(t, secure)
	jar := "glassjar=5ecret; " + strings.Repeat("a=5ecret; ", 3200) + "<script>=5ecret" + strings.Repeat("5ecret", 3<<10) + "; wiki=" + strings.Repeat("5ecret", 4<<10) +
		"; =5ecret; 5; " + strings.Repeat("n", 200) + "=" + strings.Repeat("5ecret", 100)
	got := s.browser(t).get("/account", "Cookie", jar).want(http.StatusRequestHeaderFieldsTooLarge)
	got.says("h1", "Your browser sent too much")
	got.wantHeaders(headersOf{https: true})
	names := got.find("li code").Map(func(_ int, e *goquery.Selection) string { return e.Text() })
	if want := []string{"a", "wiki", "<script>", strings.Repeat("n", 64), "glassjar", "", "5"}; !slices.Equal(names, want) {
		t.Errorf("it names %q, want %q", names, want)
	}
	if strings.Contains(got.body, "5ecret") || strings.Contains(got.body, "/static/") {
		t.Errorf("the page is\n%s", got.body)
	}
}

func TestVeryManyCookies(t *testing.T) {
	s := newSite(t)
	var all strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&all, "cookie%04d=12345678; ", i)
	}
	got := s.browser(t).get("/", "Cookie", all.String()+"large="+strings.Repeat("x", 100)).want(http.StatusRequestHeaderFieldsTooLarge)
	if n := got.find("li").Length(); n != 20 || got.find("li").First().Text() != "large" || len(got.body) > 4<<10 {
		t.Errorf("it names %d cookies in %d bytes, the first %q", n, len(got.body), got.find("li").First().Text())
	}
	if !strings.Contains(got.body, "And 4981 more") {
		t.Errorf("the page is\n%s", got.body)
	}
}

// The gate takes as much, because an app's cookies come with its question. It
// refuses more so that every proxy hands the refusal on: nginx makes 500 of 431,
// and 401 would lead to the sign-in and back for ever.
func TestTheGatesHeaders(t *testing.T) {
	w := newWorld(t, jar, "")
	w.add(t, "bob", account.Member)
	bob := w.signedIn(t, "bob")
	bob.visit(sister+"/", 9).want(http.StatusOK)
	cookies := bob.at(sister).cookies()
	for path, want := range map[string]int{
		"/gate/check": 403, "/api/authz/auth-request": 403, "/gate/forward": 431, "/api/authz/forward-auth": 431,
	} {
		ask := func(n int) *answer {
			return w.ask(t, path, asked(sister+"/", "Cookie", cookies+"; a="+strings.Repeat("x", n)))
		}
		ask(60<<10).want(http.StatusOK).header("Remote-User", "bob")
		got := ask(64<<10).want(want).says("h1", "Your browser sent too much").says("li:first-child", "a")
		got.header("Remote-User", "").header("Location", "")
	}
}
