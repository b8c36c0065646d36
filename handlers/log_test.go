package handlers_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"glassjar/handlers"
	"glassjar/utl/account"
)

// logging returns a change that logs from the level on, as text or as JSON.
func logging(log *safeBuffer, level slog.Level, asJSON bool) func(*handlers.Config) {
	o := &slog.HandlerOptions{Level: level}
	return func(c *handlers.Config) {
		c.Log = slog.New(slog.NewTextHandler(log, o))
		if asJSON {
			c.Log = slog.New(slog.NewJSONHandler(log, o))
		}
	}
}

// ask gives the request to the site without a network, so that its log lines
// are written when the answer is there.
func (s *testSite) ask(req *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, req)
	return w
}

// post returns a form's request for ask.
func post(path string, fields ...string) *http.Request {
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form(fields...)))
	req.Host = "jar.example"
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return req
}

// nasty is what a log must not be broken by.
var nasty = []string{
	"a\r\nlevel=ERROR msg=forged", "a\nb", "a\rb", "a\x1b[31mred\x1b[0m", "a\u2028b\u2029c", "a\x00b", "a\x7fb\u0085c", "a\u202eb\u2066c",
	"\xff\xfe", `a" status=200 "b`, `a\" b`, strings.Repeat("x", 10<<10), strings.Repeat("ö", 5<<10), `{"level":"ERROR"}`,
}

// A line that waits must not keep the body that its words came in.
func TestWhatIsLoggedIsACopy(t *testing.T) {
	if testing.AllocsPerRun(100, func() { handlers.OneLine("ada", 64) }) == 0 {
		t.Error("it is a part of what the visitor sent")
	}
}

// Attack logs/injection: whatever a visitor puts into a field, each request is one line,
// valid and short.
func TestOneLineARequest(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		log := &safeBuffer{}
		s := newSite(t, logging(log, slog.LevelInfo, asJSON))
		asked := 0
		for _, bad := range nasty {
			for _, req := range []*http.Request{
				with(func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/"+bad, "" }),
				with(func(r *http.Request) { r.URL.Path = "/join/" + bad }),
				with(func(r *http.Request) { r.Method = bad }),
				with(func(r *http.Request) { r.URL.RawQuery = bad }),
				with(func(r *http.Request) { r.Header["User-Agent"] = []string{bad} }),
				with(func(r *http.Request) { r.Header["Referer"] = []string{bad} }),
				with(func(r *http.Request) { r.Header["Cookie"] = []string{"glassjar=" + bad} }),
				with(func(r *http.Request) { r.Header["X-Forwarded-For"] = []string{bad} }),
				with(func(r *http.Request) { r.Host, r.RemoteAddr = bad, bad }),
			} {
				s.ask(req)
				asked++
			}
		}
		told := len(log.lines("TRUSTED_PROXIES")) // of an X-Forwarded-For, once
		if lines, requests := wantLines(t, log, asJSON), len(log.lines("request")); requests != asked || lines != asked+1 || told != 1 {
			t.Errorf("%d requests made %d lines, %d of them of requests, %d of TRUSTED_PROXIES", asked, lines, requests, told)
		}
	}
}

// with returns a GET that is changed.
func with(change func(*http.Request)) *http.Request {
	req := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	req.Host = "jar.example"
	change(req)
	return req
}

// wantLines fails the test unless every line is valid and short, and returns
// how many there are.
func wantLines(t *testing.T, log *safeBuffer, asJSON bool) (n int) {
	t.Helper()
	for line := range strings.Lines(log.String()) {
		n++
		text := strings.TrimSuffix(line, "\n")
		odd := func(c rune) bool { return !unicode.IsPrint(c) && c != '\u2022' }
		if !utf8.ValidString(text) || strings.ContainsFunc(text, odd) || len(text) > 1500 {
			t.Errorf("a line of %d bytes is not fit for a log: %.300q", len(text), text)
		}
		if asJSON && !json.Valid([]byte(text)) {
			t.Errorf("not JSON: %.300q", text)
		}
		if !asJSON && !strings.HasPrefix(text, "time=") {
			t.Errorf("a line begins with %.60q", text)
		}
	}
	return n
}

// Attack logs/injection: a typed name, at debug its form too, does not break a line.
func TestTypedTextStaysOnItsLine(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		log := &safeBuffer{}
		s := newSite(t, logging(log, slog.LevelDebug, asJSON))
		asked := 0
		for i, bad := range nasty {
			for _, path := range []string{"/auth", "/auth?" + form(bad, bad)} {
				req := post(path, "username", bad, "password", bad, "next", bad, bad, bad)
				req.Header.Set("X-Forwarded-For", fmt.Sprint("192.0.2.", i))
				req.RemoteAddr = "127.0.0.1:1"
				s.ask(req)
				asked++
			}
		}
		wantLines(t, log, asJSON)
		if n := len(log.lines(`request read`)); n != asked {
			t.Errorf("%d requests made %d lines at debug", asked, n)
		}
	}
}

// What a line says: the route and never the path, the account, the address.
func TestWhatALineSays(t *testing.T) {
	log := &safeBuffer{}
	s := newSite(t, logging(log, slog.LevelInfo, false))
	s.add(t, "ada", account.Owner)
	cookie := s.person(t, "ada").cookies()
	for _, row := range []struct {
		want string
		req  *http.Request
	}{
		{`method=GET route="GET /account" status=200 took=0s id=ID account=ada ip=192.0.2.1`, with(func(r *http.Request) {
			r.URL.Path, r.URL.RawQuery = "/account", "done=canary"
			r.Header.Set("Cookie", cookie)
		})},
		{`method=GET route="GET /join/{code}" status=410 took=0s id=ID account="" ip=192.0.2.1`, with(func(r *http.Request) { r.URL.Path = "/join/CANARY" })},
		{`method=GET route="GET /healthz" status=200 took=0s id=ID account="" ip=192.0.2.1`, with(func(r *http.Request) { r.URL.Path = "/healthz" })},
		{`method=other route=none status=404 took=0s id=ID account="" ip=192.0.2.1`, with(func(r *http.Request) { r.Method, r.URL.Path = "CANARY", "/canary" })},
		{`method=PUT route=none status=405 took=0s id=ID account="" ip=203.0.113.9`, with(func(r *http.Request) {
			r.Method, r.URL.Path, r.RemoteAddr = http.MethodPut, "/account", "127.0.0.1:1"
			r.Header.Set("X-Forwarded-For", "canary, 203.0.113.9")
		})},
	} {
		before := len(log.String())
		s.ask(row.req)
		got := regexp.MustCompile(`id=[A-Z2-7]{8}-[0-9a-z]+`).ReplaceAllString(log.String()[before:], "id=ID")
		if !strings.HasSuffix(got, ` level=INFO msg=request `+row.want+"\n") {
			t.Errorf("got  %swant … %s", got, row.want)
		}
		if strings.Contains(strings.ToLower(got), "canary") {
			t.Errorf("%s tells what it must not", got)
		}
	}
}

// Attack guessing/same-answers: pages do not tell the request's id, which would differ between a
// known and an unknown name.
func TestNoPageTellsItsID(t *testing.T) {
	s := newSite(t)
	for _, req := range []*http.Request{
		with(func(*http.Request) {}), with(func(r *http.Request) { r.URL.Path = "/nowhere" }),
		post("/auth", "username", "ada", "password", other), post("/auth", "username", "\xff"), post("/join/x"),
	} {
		got := s.ask(req)
		lines := s.log.lines("msg=request ")
		_, id, _ := strings.Cut(lines[len(lines)-1], " id=")
		id, _, _ = strings.Cut(id, " ")
		if len(id) < 10 || strings.Contains(got.Body.String(), id) || strings.Contains(fmt.Sprint(got.Header()), id) {
			t.Errorf("%s: the answer tells the id %q", req.URL.Path, id)
		}
	}
}
