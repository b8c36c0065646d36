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
	"glassjar/handlers/web"
	"glassjar/handlers/webtest"
	"glassjar/utl/account"
	"glassjar/utl/logs"
)

// logging sets the log's output, level and format.
func logging(log *webtest.SafeBuffer, level slog.Level, asJSON bool) func(*handlers.Config) {
	return func(c *handlers.Config) { c.Log = slog.New(logs.Format(asJSON, level)(log)) }
}

// post returns the request of a form.
func post(path string, fields ...string) *http.Request {
	req := httptest.NewRequest(http.MethodPost, path, strings.NewReader(webtest.Form(fields...)))
	req.Host = "jar.example"
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	return req
}

// A queued log line must not keep the memory of the request's body alive.
func TestWhatIsLoggedIsACopy(t *testing.T) {
	if testing.AllocsPerRun(100, func() { web.OneLine("ada", 64) }) == 0 {
		t.Error("it is a part of what the visitor sent")
	}
}

// Attack logs/injection: whatever a visitor sends in a field, each request is logged as
// one valid, short line.
func TestOneLineARequest(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		log := &webtest.SafeBuffer{}
		s := webtest.New(t, logging(log, slog.LevelInfo, asJSON))
		asked := 0
		for _, bad := range webtest.Nasty {
			for _, req := range []*http.Request{
				webtest.With(func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/"+bad, "" }),
				webtest.With(func(r *http.Request) { r.URL.Path = "/join/" + bad }),
				webtest.With(func(r *http.Request) { r.Method = bad }),
				webtest.With(func(r *http.Request) { r.URL.RawQuery = bad }),
				webtest.With(func(r *http.Request) { r.Header["User-Agent"] = []string{bad} }),
				webtest.With(func(r *http.Request) { r.Header["Referer"] = []string{bad} }),
				webtest.With(func(r *http.Request) { r.Header["Cookie"] = []string{"glassjar=" + bad} }),
				webtest.With(func(r *http.Request) { r.Header["X-Forwarded-For"] = []string{bad} }),
				webtest.With(func(r *http.Request) { r.Host, r.RemoteAddr = bad, bad }),
			} {
				s.Ask(req)
				asked++
			}
		}
		told := len(log.Lines("TRUSTED_PROXIES")) // the warning about X-Forwarded-For, logged once
		if lines, requests := wantLines(t, log, asJSON), len(log.Lines("request")); requests != asked || lines != asked+1 || told != 1 {
			t.Errorf("%d requests made %d lines, %d of them of requests, %d of TRUSTED_PROXIES", asked, lines, requests, told)
		}
	}
}

// wantLines fails the test unless every line is valid and short, and returns how many
// there are.
func wantLines(t *testing.T, log *webtest.SafeBuffer, asJSON bool) (n int) {
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

// Attack logs/injection: a typed name, and at debug the form, cannot break a line.
func TestTypedTextStaysOnItsLine(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		log := &webtest.SafeBuffer{}
		s := webtest.New(t, logging(log, slog.LevelDebug, asJSON))
		asked := 0
		for i, bad := range webtest.Nasty {
			for _, path := range []string{"/auth", "/auth?" + webtest.Form(bad, bad)} {
				req := post(path, "username", bad, "password", bad, "next", bad, bad, bad)
				req.Header.Set("X-Forwarded-For", fmt.Sprint("192.0.2.", i))
				req.RemoteAddr = "127.0.0.1:1"
				s.Ask(req)
				asked++
			}
		}
		wantLines(t, log, asJSON)
		if n := len(log.Lines(`request read`)); n != asked {
			t.Errorf("%d requests made %d lines at debug", asked, n)
		}
	}
}

// A line has the route, never the path, and the account and the address.
func TestWhatALineSays(t *testing.T) {
	log := &webtest.SafeBuffer{}
	s := webtest.New(t, logging(log, slog.LevelInfo, false))
	s.Add(t, "ada", account.Owner)
	cookie := s.Person(t, "ada").Cookies()
	for _, row := range []struct {
		want string
		req  *http.Request
	}{
		{`method=GET route="GET /account" status=200 took=0s id=ID account=ada ip=192.0.2.1`, webtest.With(func(r *http.Request) {
			r.URL.Path, r.URL.RawQuery = "/account", "done=canary"
			r.Header.Set("Cookie", cookie)
		})},
		{`method=GET route="GET /join/{code}" status=410 took=0s id=ID account="" ip=192.0.2.1`, webtest.With(func(r *http.Request) { r.URL.Path = "/join/CANARY" })},
		{`method=GET route="GET /healthz" status=200 took=0s id=ID account="" ip=192.0.2.1`, webtest.With(func(r *http.Request) { r.URL.Path = "/healthz" })},
		{`method=other route=none status=404 took=0s id=ID account="" ip=192.0.2.1`, webtest.With(func(r *http.Request) { r.Method, r.URL.Path = "CANARY", "/canary" })},
		{`method=PUT route=none status=405 took=0s id=ID account="" ip=203.0.113.9`, webtest.With(func(r *http.Request) {
			r.Method, r.URL.Path, r.RemoteAddr = http.MethodPut, "/account", "127.0.0.1:1"
			r.Header.Set("X-Forwarded-For", "canary, 203.0.113.9")
		})},
	} {
		before := len(log.String())
		s.Ask(row.req)
		got := regexp.MustCompile(`id=[A-Z2-7]{8}-[0-9a-z]+`).ReplaceAllString(log.String()[before:], "id=ID")
		if !strings.HasSuffix(got, ` level=INFO msg=request `+row.want+"\n") {
			t.Errorf("got  %swant … %s", got, row.want)
		}
		if strings.Contains(strings.ToLower(got), "canary") {
			t.Errorf("%s tells what it must not", got)
		}
	}
}

// The same in JSON, with OpenTelemetry's names.
func TestWhatALineOfJSONSays(t *testing.T) {
	log := &webtest.SafeBuffer{}
	s := webtest.New(t, logging(log, slog.LevelInfo, true))
	s.Add(t, "ada", account.Owner)
	cookie := s.Person(t, "ada").Cookies()
	before := len(log.String())
	s.Ask(webtest.With(func(r *http.Request) {
		r.URL.Path, r.RemoteAddr = "/people/ada", "127.0.0.1:1"
		r.Header["Cookie"] = []string{cookie}
		r.Header["X-Forwarded-For"] = []string{"192.0.2.1"}
		r.Header["X-Request-Id"] = []string{"7f3c.a-b_c:9"}
		r.Header["Traceparent"] = []string{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
	}))
	s.Ask(webtest.With(func(r *http.Request) { r.Method, r.URL.Path = "CANARY", "/canary" }))
	got := regexp.MustCompile(`"glassjar.request.id":"[^"]+"|"timestamp":"[^"]+"`).ReplaceAllString(log.String()[before:], "·")
	if want := `{·,"severity_text":"INFO","body":"request","http.request.method":"GET","http.route":"/people/{username}",` +
		`"http.response.status_code":200,"glassjar.request.duration":0,·,"user.name":"ada","client.address":"192.0.2.1",` +
		`"http.request.header.x-request-id":["7f3c.a-b_c:9"],"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}
{·,"severity_text":"INFO","body":"request","http.request.method":"_OTHER","http.response.status_code":404,` +
		`"glassjar.request.duration":0,·,"client.address":"192.0.2.1"}
`; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A trusted proxy's request id is logged after the site's own id, if it is well formed.
func TestWhatAProxyCallsARequest(t *testing.T) {
	log := &webtest.SafeBuffer{}
	s := webtest.New(t, logging(log, slog.LevelInfo, false))
	const id, parent = "7f3c.a-b_c:9", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	const both = " request_id=" + id + " trace_id=4bf92f3577b34da6a3ce929d0e0e4736\n"
	for _, row := range []struct {
		peer        string
		ids, traces []string
		want        string
	}{
		{"127.0.0.1:1", []string{id}, []string{parent}, both},
		{"127.0.0.1:1", nil, nil, "ip=127.0.0.1\n"},
		{"192.0.2.1:1", []string{id}, []string{parent}, "ip=192.0.2.1\n"},
		{"127.0.0.1:1", []string{id, id}, []string{parent, parent}, "ip=127.0.0.1\n"},
		{"127.0.0.1:1", []string{"short"}, []string{parent[1:]}, "ip=127.0.0.1\n"},
		{"127.0.0.1:1", []string{strings.Repeat("a", 65)}, []string{strings.ToUpper(parent)}, "ip=127.0.0.1\n"},
		{"127.0.0.1:1", []string{"canary\nlevel=ERROR"}, []string{"00-" + strings.Repeat("0", 32) + parent[35:]}, "ip=127.0.0.1\n"},
		{"127.0.0.1:1", []string{"canary level=ERROR"}, []string{"01" + parent[2:]}, "ip=127.0.0.1\n"},
		{"127.0.0.1:1", []string{`canary"\canary`}, []string{parent[:52] + "+01"}, "ip=127.0.0.1\n"},
	} {
		before := len(log.String())
		s.Ask(webtest.With(func(r *http.Request) {
			r.RemoteAddr, r.Header["X-Request-Id"], r.Header["Traceparent"] = row.peer, row.ids, row.traces
		}))
		if got := log.String()[before:]; !strings.HasSuffix(got, row.want) || strings.Count(got, "\n") != 1 {
			t.Errorf("%q, %q: got %q, want … %q", row.ids, row.traces, got, row.want)
		}
	}
}

// Attack guessing/same-answers: pages do not contain the request's id, which would differ
// between a known and an unknown name.
func TestNoPageTellsItsID(t *testing.T) {
	s := webtest.New(t)
	for _, req := range []*http.Request{
		webtest.With(func(*http.Request) {}), webtest.With(func(r *http.Request) { r.URL.Path = "/nowhere" }),
		post("/auth", "username", "ada", "password", webtest.Other), post("/auth", "username", "\xff"), post("/join/x"),
	} {
		got := s.Ask(req)
		lines := s.Log.Lines("msg=request ")
		_, id, _ := strings.Cut(lines[len(lines)-1], " id=")
		id, _, _ = strings.Cut(id, " ")
		if len(id) < 10 || strings.Contains(got.Body.String(), id) || strings.Contains(fmt.Sprint(got.Header()), id) {
			t.Errorf("%s: the answer tells the id %q", req.URL.Path, id)
		}
	}
}
