package forward_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"glassjar/handlers/webtest"
	"glassjar/utl/account"
)

// Attack gate/identity-headers
func TestGateAsksToSignIn(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	const page = "text/html"
	to := webtest.Jar + "/?next=" + url.QueryEscape(webtest.Elsewhere+"/a?b=c&d")
	for _, tt := range []struct {
		name, path string
		header     []string
		status     int
		location   string
		challenge  string
	}{
		{"check", "/gate/check", nil, 401, to, webtest.BasicChallenge},
		{"check, as Authelia's", "/api/authz/auth-request", nil, 401, to, webtest.BasicChallenge},
		{"check, of a page", "/gate/check", []string{"Accept", page, "Sec-Fetch-Mode", "navigate"}, 401, to, ""},
		{"a page", "/gate/forward", []string{"Sec-Fetch-Mode", "navigate"}, 302, to, ""},
		{"a page, as Authelia's", "/api/authz/forward-auth", []string{"Sec-Fetch-Mode", "navigate"}, 302, to, ""},
		{"an old browser's page", "/gate/forward", []string{"Accept", page}, 302, to, ""},
		{"HEAD of a page", "/gate/forward", []string{"Accept", page, "X-Forwarded-Method", "HEAD"}, 302, to, ""},
		{"a form", "/gate/forward", []string{"Accept", page, "X-Forwarded-Method", "POST"}, 303, webtest.Jar + "/?next=" + url.QueryEscape(webtest.Elsewhere+"/"), ""},
		{"a form with its page", "/gate/forward", []string{"Accept", page, "X-Forwarded-Method", "POST", "Referer", webtest.Elsewhere + "/form?x"}, 303, webtest.Jar + "/?next=" + url.QueryEscape(webtest.Elsewhere+"/form?x"), ""},
		{"a form from elsewhere", "/gate/forward", []string{"Accept", page, "X-Forwarded-Method", "POST", "Referer", "https://evil.example/"}, 303, webtest.Jar + "/?next=" + url.QueryEscape(webtest.Elsewhere+"/"), ""},
		{"a fetch", "/gate/forward", []string{"Sec-Fetch-Mode", "cors", "Accept", page}, 401, to, ""},
		{"a fetch over http", "/gate/forward", []string{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64)", "Accept", "*/*"}, 401, to, ""},
		{"a fetch, to check", "/gate/check", []string{"Sec-Fetch-Mode", "cors", "Accept", "*/*"}, 401, to, ""},
		{"an XHR", "/gate/forward", []string{"X-Requested-With", "XMLHttpRequest", "Accept", page}, 401, to, ""},
		{"a WebSocket", "/gate/forward", []string{"Sec-Fetch-Mode", "websocket"}, 401, to, ""},
		{"an event stream", "/gate/forward", []string{"Accept", "text/event-stream"}, 401, to, webtest.BasicChallenge},
		{"a program", "/gate/forward", []string{"Accept", "*/*"}, 401, to, webtest.BasicChallenge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := w.Ask(t, tt.path, webtest.Asked(webtest.Elsewhere+"/a?b=c&d", tt.header...)).Want(tt.status, tt.location)
			got.WantHeader("WWW-Authenticate", tt.challenge).WantHeader("Set-Cookie", "").WantHeader("Strict-Transport-Security", "").WantHeader("Remote-User", "")
			if strings.Contains(tt.path, "forward") && tt.status == 401 {
				var says struct{ Error, Location string }
				if err := json.Unmarshal([]byte(got.Body), &says); err != nil || says.Location != tt.location || got.Header.Get("Content-Type") != "application/json" {
					t.Errorf("the body is %s: %v", got.Body, err)
				}
			}
		})
	}
}

// Attack gate/methods: HEAD, OPTIONS and all others.
func TestGateMethods(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	for _, path := range []string{"/gate/check", "/gate/forward", "/api/authz/auth-request", "/api/authz/forward-auth"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "BREW"} {
			b := w.Browser(t)
			b.Exchange(b.Request(method, path, "", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example")...)).
				Want(http.StatusMethodNotAllowed).WantHeader("Allow", "GET, HEAD")
		}
		b := w.Browser(t)
		got := b.Exchange(b.Request("HEAD", path, "", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie)...)).Want(http.StatusOK)
		if got.Header.Get("Remote-User") != "ada" || got.Body != "" {
			t.Errorf("HEAD %s: got %v", path, got.Header)
		}
	}
}

func TestGateSaysWhoPasses(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	id := w.Texts(t, `SELECT id FROM accounts`)[0]
	forged := []string{"Cookie", cookie, "Remote-User", "root", "Remote-Groups", "admin", "Remote-Email", "root@evil.example", "Remote-Identity", "x"} // Attack gate/identity-headers
	got := w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", forged...)).Want(http.StatusOK)
	for name, want := range map[string]string{"Remote-User": "ada", "Remote-Groups": "", "Remote-Name": "", "Remote-Email": ""} {
		if all := got.Header[name]; len(all) != 1 || all[0] != want {
			t.Errorf("%s is %q, want one, %q", name, all, want)
		}
	}
	got.WantHeader("Set-Cookie", "")

	var set jose.JSONWebKeySet
	keys := w.Browser(t).Get("/.well-known/jwks.json").Want(http.StatusOK).WantHeader("Content-Type", "application/jwk-set+json")
	if err := json.Unmarshal([]byte(keys.Body), &set); err != nil {
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
	if err := says.Validate(jwt.Expected{Issuer: webtest.Jar, Subject: id, AnyAudience: jwt.Audience{"wiki.example:8443"}, Time: w.Clock.Now()}); err != nil {
		t.Errorf("%v of %+v", err, says)
	}
}

// Unusual names are sent in the headers as one line.
func TestGateSaysNamesOnOneLine(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Member)
	w.Exec(t, `UPDATE accounts SET name = ?, email = ?, email_confirmed = 1, group_names = 'dev,ops'`, "Ada\r\nRemote-User: root\x00 L\u2028.", "ada@site.example")
	b := w.SignedIn(t, "ada")
	b.Visit(webtest.Elsewhere+"/", 5).Want(http.StatusOK)
	got := w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Cookie", webtest.HostCookie+"="+b.Holds(webtest.Elsewhere, webtest.HostCookie))).Want(http.StatusOK)
	got.WantHeader("Remote-Name", "Ada  Remote-User: root  L .").WantHeader("Remote-Groups", "dev,ops").WantHeader("Remote-Email", "ada@site.example").WantHeader("Remote-User", "ada")
}

// Attack gate/ambiguous-headers: questions that can be read in two ways are refused, with
// and without a session.
func TestGateRefuses(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	for _, tt := range []struct {
		name   string
		path   string
		header []string
		status int
	}{
		{"no target", "/gate/check", nil, 400},
		{"an unknown host", "/gate/check", webtest.Asked("https://evil.example/"), 403},
		{"an unknown host to forward", "/gate/forward", webtest.Asked("https://evil.example/"), 403},
		{"a host that ends alike", "/gate/check", webtest.Asked("https://evilsite.example/"), 403},
		{"http where people sign in over https", "/gate/check", webtest.Asked("http://wiki.example/"), 403},
		{"Remote_User", "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "Remote_User", "root"), 400},
		{"REMOTE.GROUPS", "/gate/forward", webtest.Asked(webtest.Elsewhere+"/", "REMOTE.GROUPS", "root"), 400},
		{"X_Forwarded_Host", "/gate/forward", webtest.Asked(webtest.Elsewhere+"/", "X_Forwarded_Host", "evil.example"), 400},
		{"Remote~User", "/gate/forward", webtest.Asked(webtest.Elsewhere+"/", "Remote~User", "root"), 400},
		{"RemoteUser", "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "RemoteUser", "root"), 400},
		{"Connection: Remote-User", "/gate/forward", webtest.Asked(webtest.Elsewhere+"/", "Connection", "Remote-User"), 400},
		{"several hosts", "/gate/forward", webtest.Asked(webtest.Elsewhere+"/", "X-Forwarded-Host", "wiki.example, evil.example"), 400},
		{"a target that does not parse", "/gate/check", webtest.Asked(webtest.Elsewhere + "/%zz"), 400},
		{"a mix", "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "X-Original-URL", webtest.Elsewhere+"/"), 400},
		{"a client's X-Original-URL", "/gate/check", webtest.Asked(webtest.Elsewhere+"/", "X-Original-URL", webtest.Sister+"/", "X-Original-Method", "GET"), 400},
		{"a group, mistyped", "/gate/check?groups=dev", webtest.Asked(webtest.Elsewhere + "/"), 400},
		{"a query that does not parse", "/gate/check?group=dev;x", webtest.Asked(webtest.Elsewhere + "/"), 400},
	} {
		for signed, header := range map[string][]string{"signed out": tt.header, "signed in": append([]string{"Cookie", cookie}, tt.header...)} {
			t.Run(tt.name+", "+signed, func(t *testing.T) {
				got := w.Ask(t, tt.path, header).Want(tt.status, "")
				got.WantHeader("Remote-User", "").WantHeader("Set-Cookie", "").WantHeader("Strict-Transport-Security", "")
			})
		}
	}
	w.Ask(t, "/gate/check?authelia_url=https://jar.site.example", webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie)).Want(http.StatusOK)
	w.Ask(t, "/gate/check", []string{"X-Original-URL", webtest.Elsewhere + "/", "X-Original-Method", "POST", "Cookie", cookie}).Want(http.StatusOK)
}

// Users of Authelia have a Caddy that asks with the page's own args.
func TestGateAskedWithThePagesArgs(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	w.Add(t, "ada", account.Member)
	ada := w.SignedIn(t, "ada")
	ada.Visit(webtest.Elsewhere+"/", 5).Want(http.StatusOK)
	cookie := webtest.HostCookie + "=" + ada.Holds(webtest.Elsewhere, webtest.HostCookie)
	for _, tt := range []struct {
		question, page string
		status         int
	}{
		{"/api/authz/forward-auth?a=b;c", "/x?a=b;c", http.StatusOK},
		{"/api/authz/forward-auth?a=b", "/x?a=c", http.StatusBadRequest},
		{"/api/authz/forward-auth?group=dev;ops", "/x?group=dev;ops", http.StatusBadRequest}, // of the proxy's configuration, misspelled
		{"/api/authz/forward-auth?a=b", "/x", http.StatusBadRequest},
		{"/api/authz/forward-auth?group=dev&a=b", "/x?group=dev&a=b", http.StatusForbidden}, // fewer groups may be demanded
		{"/gate/forward?a=b", "/x?a=b", http.StatusBadRequest},
	} {
		w.Ask(t, tt.question, webtest.Asked(webtest.Elsewhere+tt.page, "Cookie", cookie)).Want(tt.status)
	}
}

// Attack gate/odd-targets: `..`, `%2e`, `%2f`, `%5c`, `//`, `;` are returned unchanged.
func TestGateTargetsComeBackAsTheyAre(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	for _, uri := range []string{"/../a", "/%2e%2e/a", "/a%2fb", "/a%5Cb", `/a\b`, "//evil.example/", "/;a=b?c;d", "/?q=%C3%A4+b&&=", "/?u=https://x/?y", "/a/./b//"} {
		next := url.QueryEscape(webtest.Elsewhere + uri)
		w.Ask(t, "/gate/check", webtest.Asked(webtest.Elsewhere+uri)).Want(http.StatusUnauthorized, webtest.Jar+"/?next="+next)
		form := w.Browser(t).Get("/?next=" + next).Want(http.StatusOK)
		if got := form.Find("input[name=next]").AttrOr("value", ""); got != webtest.Elsewhere+uri {
			t.Errorf("the form's next is %q, want %q", got, webtest.Elsewhere+uri)
		}
	}
}

// Attack gate/untrusted-peer: X-Forwarded-* from an untrusted peer.
func TestGateTrustsItsCallersAddress(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	for _, remote := range []string{"192.0.2.1:1", "[2001:db8::1]:1", "128.0.0.1:1", "@"} {
		r := httptest.NewRequest(http.MethodGet, "/gate/check", http.NoBody)
		r.RemoteAddr = remote
		for h := webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie, "X-Forwarded-For", "127.0.0.1", "X-Real-Ip", "127.0.0.1"); len(h) > 0; h = h[2:] {
			r.Header.Set(h[0], h[1])
		}
		rec := httptest.NewRecorder()
		w.Handler.ServeHTTP(rec, r)
		if rec.Code != http.StatusBadRequest || rec.Header().Get("Remote-User") != "" {
			t.Errorf("from %s: got %d as %q, want 400", remote, rec.Code, rec.Header().Get("Remote-User"))
		}
	}
	if lines := w.Log.Lines("the gate was asked by somebody who is not in TRUSTED_PROXIES"); len(lines) != 1 {
		t.Errorf("%d lines say so, want one: %q", len(lines), lines)
	}
}

// The gate ignores the Host header. A question without X-Forwarded-For is about the
// caller itself.
func TestGateReadsNoMoreThanItMust(t *testing.T) {
	w := webtest.NewWorld(t, webtest.Jar, "")
	_, cookie := w.In(t)
	for _, tt := range []struct{ host, from, ip string }{
		{"evil.example", "", "127.0.0.1"},
		{"wiki.example:8443", "192.0.2.7", "192.0.2.7"},
		{"", "203.0.113.1, 192.0.2.8", "192.0.2.8"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/gate/check", http.NoBody)
		r.RemoteAddr, r.Host = "127.0.0.1:1", tt.host
		for h := webtest.Asked(webtest.Elsewhere+"/", "Cookie", cookie, "Forwarded", "for=192.0.2.9;host=evil.example;proto=http"); len(h) > 0; h = h[2:] {
			r.Header.Set(h[0], h[1])
		}
		if tt.from != "" {
			r.Header.Set("X-Forwarded-For", tt.from)
		}
		rec := httptest.NewRecorder()
		w.Handler.ServeHTTP(rec, r)
		lines := w.Log.Lines("msg=request ")
		if last := lines[len(lines)-1]; rec.Code != http.StatusOK || !strings.Contains(last, `route="GET /gate/check" status=200`) || !strings.Contains(last, "account=ada ip="+tt.ip+"\n") {
			t.Errorf("Host %q for %q: got %d, logged %s", tt.host, tt.from, rec.Code, last)
		}
	}
}
