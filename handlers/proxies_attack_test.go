package handlers_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"glassjar/handlers/webtest"
	"glassjar/utl/proxytest"
)

// claims are headers that a client forges, and that no proxy may pass on.
var claims = []http.Header{
	{"Remote-User": {marked}},
	{"REMOTE-USER": {marked}},
	{"remote-user": {marked}},
	{"Remote_User": {marked}},
	{"REMOTE_USER": {marked}},
	{"remote_user": {marked}},
	{"Remote.User": {marked}},
	{"remote.user": {marked}},
	{"Remote-User": {marked, marked}, "Remote_User": {marked}, "Remote.User": {marked}},
	{"Remote-Groups": {marked}, "Remote_Groups": {marked}, "Remote.Groups": {marked}},
	{"Remote-Name": {marked}, "Remote_Name": {marked}, "Remote.Name": {marked}},
	{"Remote-Email": {marked}, "Remote_Email": {marked}, "Remote.Email": {marked}},
	{"Remote-Identity": {marked}, "Remote_Identity": {marked}, "Remote.Identity": {marked}},
	{"RemoteUser": {marked}, "RemoteGroups": {marked}, "remotename": {marked}, "REMOTEEMAIL": {marked}, "RemoteIdentity": {marked}},
	{"Connection": {"Remote-User"}},
	{"Connection": {"close, remote-user,Remote-Identity,eve"}, "Remote-User": {marked}},
}

// marked is the forged identity. No token contains it by chance, because base64url has no
// "!".
const marked = "eve!"

// twins returns the identity headers with each other character that a header name may
// contain (RFC 9110, section 5.6.2) in the place of -, because CGI reads them as the
// same.
func twins() (all []http.Header) {
	for _, sign := range "!#$%&'*+.^_`|~" {
		twin := http.Header{}
		for _, what := range []string{"User", "Groups", "Name", "Email", "Identity"} {
			twin["Remote"+string(sign)+what] = []string{marked}
		}
		all = append(all, twin)
	}
	return all
}

// want is answer.want, and reports whether the request got that response. Traefik cannot
// remove headers by prefix: it passes them on, and the gate may refuse them.
func (f *front) want(got *webtest.Answer, status int, location ...string) bool {
	if f.proxy.Program == "traefik" && got.StatusCode == http.StatusBadRequest {
		return false
	}
	got.Want(status, location...)
	return true
}

func (c check) dropsClaims() {
	b, stranger := c.in(c.t), c.at(c.t, c.addr)
	for _, claim := range slices.Concat(claims, twins()) {
		b.Header, stranger.Header = claim, claim
		c.shut(c.t, func() { c.want(stranger.Get("/"), http.StatusUnauthorized) })
		got := b.Get("/")
		if !c.want(got, http.StatusOK) {
			continue
		}
		saw := hears(got)
		for name, all := range saw.Header {
			if strings.Contains(strings.Join(all, " "), marked) || strings.HasPrefix(name, "Remote") && len(all) != 1 {
				c.t.Errorf("%v: the app saw %s: %q", claim, name, all)
			}
		}
		if saw.Header.Get("Remote-User") != "ada" || saw.Header.Get("Remote-Identity") == "" {
			c.t.Errorf("%v: the app saw %v", claim, saw.Header)
		}
	}
}

// lies are headers with which a client misrepresents its request to /true.
var lies = []http.Header{
	{"X-Forwarded-Method": {"POST"}},
	{"X-Forwarded-Proto": {"https"}},
	{"X-Forwarded-Host": {"wiki.example"}},
	{"X-Forwarded-Uri": {"/lie"}},
	{"X-Forwarded-For": {"192.0.2.1"}},
	{"X-Original-Url": {plainJar + "/lie"}, "X-Original-Method": {"POST"}},
	{"X-Original-Url": {plainApp + "/lie", "x"}, "X-Original-Method": {"POST", "x"}},
	{"Forwarded": {"for=192.0.2.1;host=wiki.example;proto=https"}},
	{"X-Real-Ip": {"192.0.2.1"}},
	{"X_forwarded_for": {"192.0.2.1"}, "X_real_ip": {"192.0.2.1"}},
	{
		"X-Forwarded-Method": {"POST", "GET"}, "X-Forwarded-Proto": {"https", "x"}, "X-Forwarded-Host": {"wiki.example", "x"},
		"X-Forwarded-Uri": {"/lie", "x"}, "X-Forwarded-For": {"192.0.2.1", "x"},
	},
}

func (c check) judgesTheTruth() {
	b, stranger := c.in(c.t), c.at(c.t, c.addr)
	for _, lie := range lies {
		b.Header, stranger.Header = lie, lie.Clone()
		stranger.Header.Set("Sec-Fetch-Mode", "navigate")
		c.shut(c.t, func() { c.want(stranger.Get("/true"), http.StatusFound, c.signIn(plainApp+"/true")) })
		got := b.Get("/true")
		if !c.want(got, http.StatusOK) {
			continue
		}
		saw := hears(got)
		for name, want := range map[string]string{"X-Forwarded-Proto": "http", "X-Forwarded-Host": "app.site.example", "X-Forwarded-For": "127.0.0.1"} {
			if all := strings.Join(saw.Header[name], " | "); all != want {
				c.t.Errorf("%v: the app saw %s: %q, want %q", lie, name, all, want)
			}
		}
		for name, all := range lie {
			if got := saw.Header[name]; slices.Contains(got, all[0]) {
				c.t.Errorf("the app saw %s: %q", name, got)
			}
		}
	}
}

func (c check) hasNoWayAround() {
	b, stranger := c.in(c.t), c.at(c.t, c.addr)
	tidied := map[string]string{} // the URL to return to, by requested path
	c.shut(c.t, func() {
		for _, path := range []string{
			"/a/../b", "/gate/callback/../../a", "/gate/callback/..%2f..%2fa", "/gate/callback%2f..%2fa", "/%67ate/callback/x", "/gate/callback;/a",
			"/gate/check", "/gate/forward", "//a", "//gate/callback//", "/%2e%2e/a", "/.%2e/a", "/a%2fb", "/a%5cb", "/a;b=c", "/;/a", "/a//b", "/?a=/gate/callback",
		} {
			to := stranger.Get(path, "Sec-Fetch-Mode", "navigate")
			switch {
			case to.StatusCode >= 400:
			case c.proxy.Tidies:
				tidied[path] = strings.TrimPrefix(webtest.Parse(c.t, to.Want(http.StatusFound).Header.Get("Location")).Query().Get("next"), plainApp)
			default:
				to.Want(http.StatusFound, c.signIn(plainApp+path))
			}
		}
		for _, method := range []string{http.MethodHead, http.MethodOptions, http.MethodPost, http.MethodPut, http.MethodDelete, "PROPFIND"} {
			stranger.Exchange(stranger.Request(method, "/", "")).Want(http.StatusUnauthorized)
		}
		stranger.Get("/", upgrade...).Want(http.StatusUnauthorized)
		stranger.Send("/", "", "Sec-Fetch-Mode", "navigate", "Referer", plainApp+"/form?x").WantHeader("Location", c.signIn(plainApp+"/form?x"))
	})
	for path, judged := range tidied {
		if saw := hears(b.Get(path)); saw.URI != judged {
			c.t.Errorf("%s: the gate judged %s, and the app saw %s", path, judged, saw.URI)
		}
	}
}

// The gate trusts the proxy, so nobody else may ask the gate through it.
func (c check) keepsTheGate() {
	b := c.in(c.t).At(plainJar)
	b.Header = http.Header{
		"X-Forwarded-Method": {http.MethodGet}, "X-Forwarded-Uri": {"/"}, "X-Original-Method": {http.MethodGet}, "X-Original-Url": {plainJar + "/"},
	}
	for _, path := range []string{
		"/gate/check", "/gate/forward", "/gate/callback", "/api/authz/auth-request", "/api/authz/forward-auth",
		"/%67ate/check", "/gate/%63heck", "/api/%61uthz/auth-request", "//gate/check", "/a/../gate/check", "/gate/check?group=dev",
	} {
		if got := b.Get(path); got.Header.Get("Location") != "/gate/check" { // glassjar itself redirects to a clean path
			got.Want(http.StatusNotFound)
		}
	}
}

func (c check) keepsCookies() {
	b := c.in(c.t)
	gate := "glassjar-gate=" + b.Holds(plainApp, "glassjar-gate")
	b.Jar = nil
	for sent, want := range map[string]string{
		gate:                               "",
		"a=b; " + gate:                     "a=b",
		gate + "; a=b":                     "a=b",
		"a=b; " + gate + "; c=glassjar":    "a=b; c=glassjar",
		";\t" + gate + ";\tglassjar=x":     "",
		"a=b;\t" + gate + "; \tglassjar=x": "a=b",
		`aglassjar=b; __Host-a-glassjar=b; ` + gate + `; c="d e"`:                                                                           `aglassjar=b; __Host-a-glassjar=b; c="d e"`,
		"__Host-glassjar=x; " + gate + "; glassjar=x; a=b; __Secure-glassjar-gate=x; c=d; __Host-glassjar-device=x; glassjar-device=x; e=f": "a=b; c=d; e=f",
	} {
		saw := hears(b.Get("/", "Cookie", sent).Want(http.StatusOK))
		if got := strings.TrimRight(saw.Header.Get("Cookie"), "; \t"); got != want || len(saw.Header["Cookie"]) > 1 {
			c.t.Errorf("of %s\nthe app saw %q", sent, saw.Header["Cookie"])
		}
	}
	for _, decoys := range []string{"glassjar1=x; a=b; glassjar2=x; c=d; glassjar3=x; e=f; ", strings.Repeat("glassjar1=x; a=b;\t", 100)} {
		saw := hears(b.Get("/", "Cookie", decoys+gate).Want(http.StatusOK))
		if got := strings.Join(saw.Header["Cookie"], "; "); strings.Contains(got, "glassjar") {
			c.t.Errorf("of %s\nthe app saw %s", decoys+gate, got)
		}
	}
}

func (c check) refusesOtherHosts() {
	b := c.in(c.t)
	c.shut(c.t, func() { b.At("http://stranger.example").Get("/") })
	other := c.at(c.t, c.proxy.Start(c.t, c.site(c.t, "other.example")))
	c.shut(c.t, func() {
		other.At("http://other.example").Get("/", "Sec-Fetch-Mode", "navigate").Want(http.StatusForbidden)
	})
}

// nginx has 64 bytes for a name unless the recipe gives it more: one long name would keep
// it from starting, with every app behind it.
func TestNginxStartsWithALongHost(t *testing.T) {
	p := proxytest.Nginx
	p.Needed(t)
	p.Start(t, newFront(t, p).site(t, strings.Repeat("a.", 118)+"site.example")) // fails the test if nginx does not listen
}

// HAProxy continues after an error in Lua, so its configuration must refuse the request then.
func TestHAProxyIsClosedWhenLuaFails(t *testing.T) {
	p := proxytest.All[2]
	p.Needed(t)
	f := newFront(t, p)
	broken := f.at(t, p.Start(t, f.site(t, "app.site.example"), "\tlocal scheme", "\tlocal wrong = nil + 1\n\tlocal scheme"))
	f.shut(t, func() { broken.Get("/").Want(http.StatusServiceUnavailable) })
}
