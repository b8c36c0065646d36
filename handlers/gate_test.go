package handlers_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"glassjar/utl/account"
)

const (
	hostCookie   = "__Host-glassjar-gate"
	domainCookie = "__Secure-glassjar-gate"
)

// in signs ada in at the jar and at the app at elsewhere, and returns the
// Cookie header that her browser sends to that app.
func (w *world) in(tb testing.TB) (b *browser, cookie string) {
	tb.Helper()
	w.add(tb, "ada", account.Member)
	b = w.signedIn(tb, "ada")
	b.visit(elsewhere+"/", 5).want(http.StatusOK)
	return b, hostCookie + "=" + b.holds(elsewhere, hostCookie)
}

// Attack gate/identity-headers
func TestGateAsksToSignIn(t *testing.T) {
	w := newWorld(t, jar, "")
	const page = "text/html"
	to := jar + "/?next=" + url.QueryEscape(elsewhere+"/a?b=c&d")
	for _, tt := range []struct {
		name, path string
		header     []string
		status     int
		location   string
		challenge  string
	}{
		{"check", "/gate/check", nil, 401, to, basicChallenge},
		{"check, as Authelia's", "/api/authz/auth-request", nil, 401, to, basicChallenge},
		{"check, of a page", "/gate/check", []string{"Accept", page, "Sec-Fetch-Mode", "navigate"}, 401, to, ""},
		{"a page", "/gate/forward", []string{"Sec-Fetch-Mode", "navigate"}, 302, to, ""},
		{"a page, as Authelia's", "/api/authz/forward-auth", []string{"Sec-Fetch-Mode", "navigate"}, 302, to, ""},
		{"an old browser's page", "/gate/forward", []string{"Accept", page}, 302, to, ""},
		{"HEAD of a page", "/gate/forward", []string{"Accept", page, "X-Forwarded-Method", "HEAD"}, 302, to, ""},
		{"a form", "/gate/forward", []string{"Accept", page, "X-Forwarded-Method", "POST"}, 303, jar + "/?next=" + url.QueryEscape(elsewhere+"/"), ""},
		{"a form with its page", "/gate/forward", []string{"Accept", page, "X-Forwarded-Method", "POST", "Referer", elsewhere + "/form?x"}, 303, jar + "/?next=" + url.QueryEscape(elsewhere+"/form?x"), ""},
		{"a form from elsewhere", "/gate/forward", []string{"Accept", page, "X-Forwarded-Method", "POST", "Referer", "https://evil.example/"}, 303, jar + "/?next=" + url.QueryEscape(elsewhere+"/"), ""},
		{"a fetch", "/gate/forward", []string{"Sec-Fetch-Mode", "cors", "Accept", page}, 401, to, ""},
		{"a fetch over http", "/gate/forward", []string{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64)", "Accept", "*/*"}, 401, to, ""},
		{"a fetch, to check", "/gate/check", []string{"Sec-Fetch-Mode", "cors", "Accept", "*/*"}, 401, to, ""},
		{"an XHR", "/gate/forward", []string{"X-Requested-With", "XMLHttpRequest", "Accept", page}, 401, to, ""},
		{"a WebSocket", "/gate/forward", []string{"Sec-Fetch-Mode", "websocket"}, 401, to, ""},
		{"an event stream", "/gate/forward", []string{"Accept", "text/event-stream"}, 401, to, basicChallenge},
		{"a program", "/gate/forward", []string{"Accept", "*/*"}, 401, to, basicChallenge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := w.ask(t, tt.path, asked(elsewhere+"/a?b=c&d", tt.header...)).want(tt.status, tt.location)
			got.header("WWW-Authenticate", tt.challenge).header("Set-Cookie", "").header("Strict-Transport-Security", "").header("Remote-User", "")
			if strings.Contains(tt.path, "forward") && tt.status == 401 {
				var says struct{ Error, Location string }
				if err := json.Unmarshal([]byte(got.body), &says); err != nil || says.Location != tt.location || got.Header.Get("Content-Type") != "application/json" {
					t.Errorf("the body is %s: %v", got.body, err)
				}
			}
		})
	}
}

// Attack gate/methods: HEAD, OPTIONS and all others.
func TestGateMethods(t *testing.T) {
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	for _, path := range []string{"/gate/check", "/gate/forward", "/api/authz/auth-request", "/api/authz/forward-auth"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW"} {
			b := w.browser(t)
			b.do(b.request(method, path, "", asked(elsewhere+"/", "Cookie", cookie, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")...)).
				want(http.StatusMethodNotAllowed).header("Allow", "GET, HEAD")
		}
		b := w.browser(t)
		got := b.do(b.request("HEAD", path, "", asked(elsewhere+"/", "Cookie", cookie)...)).want(http.StatusOK)
		if got.Header.Get("Remote-User") != "ada" || got.body != "" {
			t.Errorf("HEAD %s: got %v", path, got.Header)
		}
	}
}

func TestGateSaysWhoPasses(t *testing.T) {
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	id := w.texts(t, `SELECT id FROM accounts`)[0]
	forged := []string{"Cookie", cookie, "Remote-User", "root", "Remote-Groups", "admin", "Remote-Email", "root@evil.example", "Remote-Identity", "x"} // Attack gate/identity-headers
	got := w.ask(t, "/gate/check", asked(elsewhere+"/", forged...)).want(http.StatusOK)
	for name, want := range map[string]string{"Remote-User": "ada", "Remote-Groups": "", "Remote-Name": "", "Remote-Email": ""} {
		if all := got.Header[name]; len(all) != 1 || all[0] != want {
			t.Errorf("%s is %q, want one, %q", name, all, want)
		}
	}
	got.header("Set-Cookie", "")

	var set jose.JSONWebKeySet
	keys := w.browser(t).get("/.well-known/jwks.json").want(http.StatusOK).header("Content-Type", "application/jwk-set+json")
	if err := json.Unmarshal([]byte(keys.body), &set); err != nil {
		t.Fatal(err)
	}
	token, err := jwt.ParseSigned(got.Header.Get("Remote-Identity"), []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil {
		t.Fatal(err)
	}
	var says jwt.Claims
	if err := token.Claims(set, &says); err != nil {
		t.Fatal(err)
	}
	if err := says.Validate(jwt.Expected{Issuer: jar, Subject: id, AnyAudience: jwt.Audience{"wiki.example:8443"}, Time: w.clock.now()}); err != nil {
		t.Errorf("%v of %+v", err, says)
	}
}

// Odd names reach the headers as one line.
func TestGateSaysNamesOnOneLine(t *testing.T) {
	w := newWorld(t, jar, "")
	w.add(t, "ada", account.Member)
	w.exec(t, `UPDATE accounts SET name = ?, email = ?, group_names = 'dev,ops'`, "Ada\r\nRemote-User: root\x00 L\u2028.", "ada@site.example")
	b := w.signedIn(t, "ada")
	b.visit(elsewhere+"/", 5).want(http.StatusOK)
	got := w.ask(t, "/gate/check", asked(elsewhere+"/", "Cookie", hostCookie+"="+b.holds(elsewhere, hostCookie))).want(http.StatusOK)
	got.header("Remote-Name", "Ada  Remote-User: root  L .").header("Remote-Groups", "dev,ops").header("Remote-Email", "ada@site.example").header("Remote-User", "ada")
}

// Attack gate/ambiguous-headers: what the gate does not read in one way, with and without a session.
func TestGateRefuses(t *testing.T) {
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	for _, tt := range []struct {
		name   string
		path   string
		header []string
		status int
	}{
		{"no target", "/gate/check", nil, 400},
		{"an unknown host", "/gate/check", asked("https://evil.example/"), 403},
		{"an unknown host to forward", "/gate/forward", asked("https://evil.example/"), 403},
		{"a host that ends alike", "/gate/check", asked("https://evilsite.example/"), 403},
		{"http where people sign in over https", "/gate/check", asked("http://wiki.example/"), 403},
		{"Remote_User", "/gate/check", asked(elsewhere+"/", "Remote_User", "root"), 400},
		{"REMOTE.GROUPS", "/gate/forward", asked(elsewhere+"/", "REMOTE.GROUPS", "root"), 400},
		{"X_Forwarded_Host", "/gate/forward", asked(elsewhere+"/", "X_Forwarded_Host", "evil.example"), 400},
		{"Remote~User", "/gate/forward", asked(elsewhere+"/", "Remote~User", "root"), 400},
		{"RemoteUser", "/gate/check", asked(elsewhere+"/", "RemoteUser", "root"), 400},
		{"Connection: Remote-User", "/gate/forward", asked(elsewhere+"/", "Connection", "Remote-User"), 400},
		{"several hosts", "/gate/forward", asked(elsewhere+"/", "X-Forwarded-Host", "wiki.example, evil.example"), 400},
		{"a target that does not parse", "/gate/check", asked(elsewhere + "/%zz"), 400},
		{"a mix", "/gate/check", asked(elsewhere+"/", "X-Original-URL", elsewhere+"/"), 400},
		{"a client's X-Original-URL", "/gate/check", asked(elsewhere+"/", "X-Original-URL", sister+"/", "X-Original-Method", "GET"), 400},
		{"a group, mistyped", "/gate/check?groups=dev", asked(elsewhere + "/"), 400},
		{"a query that does not parse", "/gate/check?group=dev;x", asked(elsewhere + "/"), 400},
	} {
		for signed, header := range map[string][]string{"signed out": tt.header, "signed in": append([]string{"Cookie", cookie}, tt.header...)} {
			t.Run(tt.name+", "+signed, func(t *testing.T) {
				got := w.ask(t, tt.path, header).want(tt.status, "")
				got.header("Remote-User", "").header("Set-Cookie", "").header("Strict-Transport-Security", "")
			})
		}
	}
	w.ask(t, "/gate/check?authelia_url=https://jar.site.example", asked(elsewhere+"/", "Cookie", cookie)).want(http.StatusOK)
	w.ask(t, "/gate/check", []string{"X-Original-URL", elsewhere + "/", "X-Original-Method", "POST", "Cookie", cookie}).want(http.StatusOK)
}

// Authelia's users have a Caddy that asks with the page's own args.
func TestGateAskedWithThePagesArgs(t *testing.T) {
	w := newWorld(t, jar, "")
	w.add(t, "ada", account.Member)
	ada := w.signedIn(t, "ada")
	ada.visit(elsewhere+"/", 5).want(http.StatusOK)
	cookie := hostCookie + "=" + ada.holds(elsewhere, hostCookie)
	for _, tt := range []struct {
		question, page string
		status         int
	}{
		{"/api/authz/forward-auth?a=b;c", "/x?a=b;c", http.StatusOK},
		{"/api/authz/forward-auth?a=b", "/x?a=c", http.StatusBadRequest},
		{"/api/authz/forward-auth?group=dev;ops", "/x?group=dev;ops", http.StatusBadRequest}, // the configuration's, mistyped
		{"/api/authz/forward-auth?a=b", "/x", http.StatusBadRequest},
		{"/api/authz/forward-auth?group=dev&a=b", "/x?group=dev&a=b", http.StatusForbidden}, // one may ask for less
		{"/gate/forward?a=b", "/x?a=b", http.StatusBadRequest},
	} {
		w.ask(t, tt.question, asked(elsewhere+tt.page, "Cookie", cookie)).want(tt.status)
	}
}

// Attack gate/odd-targets: `..`, `%2e`, `%2f`, `%5c`, `//`, `;` pass as they are.
func TestGateTargetsComeBackAsTheyAre(t *testing.T) {
	w := newWorld(t, jar, "")
	for _, uri := range []string{"/../a", "/%2e%2e/a", "/a%2fb", "/a%5Cb", `/a\b`, "//evil.example/", "/;a=b?c;d", "/?q=%C3%A4+b&&=", "/?u=https://x/?y", "/a/./b//"} {
		next := url.QueryEscape(elsewhere + uri)
		w.ask(t, "/gate/check", asked(elsewhere+uri)).want(http.StatusUnauthorized, jar+"/?next="+next)
		form := w.browser(t).get("/?next=" + next).want(http.StatusOK)
		if got := form.find("input[name=next]").AttrOr("value", ""); got != elsewhere+uri {
			t.Errorf("the form's next is %q, want %q", got, elsewhere+uri)
		}
	}
}

// Attack gate/untrusted-peer: X-Forwarded-* from an untrusted peer.
func TestGateTrustsItsCallersAddress(t *testing.T) {
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	for _, remote := range []string{"192.0.2.1:1", "[2001:db8::1]:1", "128.0.0.1:1", "@"} {
		r := httptest.NewRequest(http.MethodGet, "/gate/check", http.NoBody)
		r.RemoteAddr = remote
		for h := asked(elsewhere+"/", "Cookie", cookie, "X-Forwarded-For", "127.0.0.1", "X-Real-Ip", "127.0.0.1"); len(h) > 0; h = h[2:] {
			r.Header.Set(h[0], h[1])
		}
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		if rec.Code != http.StatusBadRequest || rec.Header().Get("Remote-User") != "" {
			t.Errorf("from %s: got %d as %q, want 400", remote, rec.Code, rec.Header().Get("Remote-User"))
		}
	}
	if lines := w.log.lines("the gate was asked by somebody who is not in TRUSTED_PROXIES"); len(lines) != 1 {
		t.Errorf("%d lines say so, want one: %q", len(lines), lines)
	}
}

// The Host header is not looked at, and who asks without X-Forwarded-For asks
// for itself.
func TestGateReadsNoMoreThanItMust(t *testing.T) {
	w := newWorld(t, jar, "")
	_, cookie := w.in(t)
	for _, tt := range []struct{ host, from, ip string }{
		{"evil.example", "", "127.0.0.1"},
		{"wiki.example:8443", "192.0.2.7", "192.0.2.7"},
		{"", "203.0.113.1, 192.0.2.8", "192.0.2.8"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/gate/check", http.NoBody)
		r.RemoteAddr, r.Host = "127.0.0.1:1", tt.host
		for h := asked(elsewhere+"/", "Cookie", cookie, "Forwarded", "for=192.0.2.9;host=evil.example;proto=http"); len(h) > 0; h = h[2:] {
			r.Header.Set(h[0], h[1])
		}
		if tt.from != "" {
			r.Header.Set("X-Forwarded-For", tt.from)
		}
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		lines := w.log.lines("msg=request ")
		if last := lines[len(lines)-1]; rec.Code != http.StatusOK || !strings.Contains(last, `route="GET /gate/check" status=200`) || !strings.Contains(last, "account=ada ip="+tt.ip+"\n") {
			t.Errorf("Host %q for %q: got %d, logged %s", tt.host, tt.from, rec.Code, last)
		}
	}
}
