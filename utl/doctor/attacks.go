package doctor

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// attack is one request that must not pass.
type attack struct {
	name   string
	method string // empty: GET
	uri    string // empty: the page's; byte for byte
	header http.Header
	body   string
	kind   kind
	marker string // when signed in: a text in the app's response if the attack reaches the app

	hole    advice // for a Fail
	remark  advice // for a Remark
	unclear advice // for an Unknown
}

func (a attack) verb() string            { return cmp.Or(a.method, http.MethodGet) }
func (a attack) target(page Page) string { return cmp.Or(a.uri, page.uri) }

// kind selects the checks of a response beside those that apply to all.
type kind int

const (
	kindDefault kind = iota
	kindForward      // forges a header that the proxy sends to the gate: the response must be the same
	kindScript       // the response goes to a script, not to a person
	kindPath         // another spelling of the path
	kindGate         // asks the gate directly
)

// attacks returns all attacks without a sign-in.
func (e *scan) attacks() []attack {
	var all []attack
	for _, forged := range identities("admin") {
		forged.hole = letsIn
		all = append(all, forged)
	}
	all = append(all, e.forwarded()...)
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip"} {
		all = append(all, attack{name: name + ", forged", header: singleHeader(name, "127.0.0.1"), hole: believesAddress})
	}
	all = append(all, methods()...)
	for _, path := range spellings(e.path) {
		all = append(all, attack{name: "the path " + path, uri: path, kind: kindPath, hole: openPath, remark: otherPath})
	}
	for _, path := range []string{"/gate/check", "/gate/forward", "/api/authz/auth-request", "/api/authz/forward-auth"} {
		all = append(all, attack{name: "the gate itself, " + path, uri: path, kind: kindGate, hole: openGate, header: http.Header{
			"X-Original-Url": {e.root() + "/forged"}, "X-Original-Method": {"GET"}, "X-Forwarded-Uri": {"/forged"},
		}})
	}
	return all
}

func singleHeader(name, value string) http.Header { return http.Header{name: {value}} }

// nameSigns are the bytes other than letters, digits and - that a header name may contain
// (RFC 9110, section 5.6.2). CGI turns - into _; lighttpd turns all of these into _, and so
// treats Remote~User like Remote-User.
const nameSigns = "_.!#$%&'*+^`|~"

// identities returns attacks with the identity headers, in every spelling that some program
// accepts, each with the value. Each spelling is an attack of its own: a proxy that removes
// one spelling may pass on another.
func identities(value string) []attack {
	all := []attack{forgedAs("Remote-", value), forgedAs("REMOTE-", value), forgedAs("REMOTE_", value), forgedAs("Remote", value)}
	for _, sign := range nameSigns {
		all = append(all, forgedAs("Remote"+string(sign), value))
	}
	return append(all, attack{
		name:   "Remote-User, forged and named in Connection",
		header: http.Header{"Remote-User": {value}, "Connection": {"close, Remote-User"}},
	})
}

// forgedAs returns the identity headers with the prefix, each with the value.
func forgedAs(prefix, value string) attack {
	h := http.Header{}
	for _, what := range []string{"User", "Groups", "Name", "Email", "Identity"} {
		h[prefix+what] = []string{value}
	}
	return attack{name: prefix + "User and the like, forged", header: h}
}

// forwarded returns attacks that forge the headers by which the proxy describes the request
// to the gate. The forged host differs only in its port, which most gates accept.
func (e *scan) forwarded() []attack {
	scheme := map[string]string{"http": "https", "https": "http"}[e.scheme]
	host := net.JoinHostPort((&url.URL{Host: e.host}).Hostname(), "4433")
	var all []attack
	for _, h := range []struct{ name, value string }{
		{"X-Forwarded-Host", host},
		{"X-Forwarded-Proto", scheme},
		{"X-Forwarded-Uri", "/forged"},
		{"X-Forwarded-Method", "OPTIONS"},
		{"X-Original-Url", e.root() + "/forged"},
		{"X-Original-Method", "OPTIONS"},
		{"Forwarded", "for=127.0.0.1;host=" + host + ";proto=" + scheme},
	} {
		forged := singleHeader(h.name, h.value)
		if h.name == "X-Original-Url" {
			forged.Set("X-Original-Method", "GET") // a gate reads both or none
		}
		all = append(all, attack{name: h.name + ", forged", kind: kindForward, header: forged, hole: believes(h.name), remark: believes(h.name)})
	}
	return all
}

// methods returns attacks on the page with other methods, as a script, and with upgrades.
func methods() []attack {
	return []attack{
		{name: "HEAD", method: http.MethodHead, hole: openMethod},
		{
			name: "POST", method: http.MethodPost, hole: openMethod, body: "a=1",
			header: singleHeader("Content-Type", "application/x-www-form-urlencoded"),
		},
		{
			name: "OPTIONS, as before another site's script", method: http.MethodOptions, hole: openMethod,
			header: http.Header{"Origin": {"https://forged.example"}, "Access-Control-Request-Method": {"POST"}},
		},
		{
			name: "a script's fetch", kind: kindScript, hole: openScript, remark: signsInScripts,
			header: http.Header{"Sec-Fetch-Mode": {"cors"}, "Accept": {"application/json"}},
		},
		{
			name: "a WebSocket", kind: kindScript, hole: openScript, remark: signsInScripts,
			header: http.Header{
				"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
				"Sec-Websocket-Key": {"Z2xhc3NqYXItZG9jdG9yIQ=="}, "Sec-Fetch-Mode": {"websocket"}, "Accept": {"*/*"},
			},
		},
		switches(openScript),
	}
}

// switches returns an attack that upgrades the connection to HTTP/2 (RFC 7540, section 3.2):
// a proxy does not see the requests after that.
func switches(hole advice) attack {
	return attack{name: "an upgrade to h2c", hole: hole, header: http.Header{
		"Connection": {"Upgrade, HTTP2-Settings"}, "Upgrade": {protocol}, "Http2-Settings": {"AAMAAABk"},
	}}
}

// spellings returns other spellings of the path. Some apps resolve them to the path, while a
// rule of the proxy may not match them.
func spellings(path string) []string {
	encoded := "/%2e"
	if path != "/" {
		encoded = fmt.Sprintf("/%%%02x%s", path[1], path[2:])
	}
	return []string{
		"/" + path, encoded, path + ";x", "/static/.." + path, "/static/%2e%2e" + path,
		"/static/..%2f" + path[1:], "/static/..%5c" + path[1:],
	}
}
