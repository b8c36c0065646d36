package doctor_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/doctor"
)

// believes is a proxy that passes the client's header on to its gate.
func believes(name string, target func(q request, value string) string) flaw {
	return func(q request) string {
		value := q.Header.Get(name)
		if value == "" || q.RequestURI != uri {
			return ""
		}
		return refuse(q, target(q, value))
	}
}

// holes are proxies with one hole each, by the only attack that finds it.
var holes = map[string]flaw{
	"Remote-User and the like, forged":            passes("\r\nRemote-Email: "),
	"REMOTE-User and the like, forged":            passes("\r\nREMOTE-User: "),
	"Remote_User and the like, forged":            passes("\r\nRemote_User: "),
	"REMOTE_User and the like, forged":            passes("\r\nREMOTE_Groups: "),
	"Remote.User and the like, forged":            passes("\r\nRemote.Identity: "),
	"RemoteUser and the like, forged":             passes("\r\nRemoteUser: "),
	"Remote!User and the like, forged":            passes("\r\nRemote!User: "),
	"Remote#User and the like, forged":            passes("\r\nRemote#User: "),
	"Remote$User and the like, forged":            passes("\r\nRemote$User: "),
	"Remote%User and the like, forged":            passes("\r\nRemote%User: "),
	"Remote&User and the like, forged":            passes("\r\nRemote&User: "),
	"Remote'User and the like, forged":            passes("\r\nRemote'User: "),
	"Remote*User and the like, forged":            passes("\r\nRemote*User: "),
	"Remote+User and the like, forged":            passes("\r\nRemote+User: "),
	"Remote^User and the like, forged":            passes("\r\nRemote^User: "),
	"Remote`User and the like, forged":            passes("\r\nRemote`User: "),
	"Remote|User and the like, forged":            passes("\r\nRemote|User: "),
	"Remote~User and the like, forged":            passes("\r\nRemote~User: "),
	"Remote-User, forged and named in Connection": passes(", Remote-User\r\n"),
	"X-Forwarded-For, forged":                     passes("\r\nX-Forwarded-For: 127.0.0.1\r\n"),
	"X-Real-Ip, forged":                           passes("\r\nX-Real-Ip: 127.0.0.1\r\n"),
	"HEAD":                                        passes("HEAD "),
	"POST":                                        passes("POST "),
	"OPTIONS, as before another site's script":    passes("OPTIONS "),
	"a script's fetch":                            passes("Sec-Fetch-Mode: cors"),
	"a WebSocket":                                 upgrades("websocket"),
	"an upgrade to h2c":                           upgrades("h2c"),
	"the path //app/page":                         passes(" //app/page HTTP"),
	"the path /%61pp/page":                        passes(" /%61pp/page HTTP"),
	"the path /app/page;x":                        passes(" /app/page;x HTTP"),
	"the path /static/../app/page":                passes(" /static/../app/page HTTP"),
	"the path /static/%2e%2e/app/page":            passes(" /static/%2e%2e/app/page HTTP"),
	"the path /static/..%2fapp/page":              passes(" /static/..%2fapp/page HTTP"),
	"the path /static/..%5capp/page":              passes(" /static/..%5capp/page HTTP"),
	"the gate itself, /gate/check":                reachable("/gate/check"),
	"the gate itself, /gate/forward":              reachable("/gate/forward"),
	"the gate itself, /api/authz/auth-request":    reachable("/api/authz/auth-request"),
	"the gate itself, /api/authz/forward-auth":    reachable("/api/authz/forward-auth"),
	"X-Forwarded-Host, forged":                    believes("X-Forwarded-Host", anyPort),
	"X-Forwarded-Proto, forged":                   believes("X-Forwarded-Proto", func(q request, scheme string) string { return scheme + "://" + q.Host + uri }),
	"X-Forwarded-Uri, forged":                     believes("X-Forwarded-Uri", func(q request, forged string) string { return "http://" + q.Host + forged }),
	"X-Forwarded-Method, forged":                  believes("X-Forwarded-Method", root),
	"X-Original-Url, forged":                      believes("X-Original-Url", original),
	"X-Original-Method, forged":                   believes("X-Original-Method", root),
	"Forwarded, forged":                           believes("Forwarded", func(_ request, pairs string) string { return "http://" + between(pairs, "host=", ";") + uri }),
}

func between(text, before, after string) string {
	_, text, _ = strings.Cut(text, before)
	text, _, _ = strings.Cut(text, after)
	return text
}

// root is a gate's return URL after a method that cannot be repeated.
func root(q request, method string) string {
	if method == http.MethodGet {
		return "http://" + q.Host + uri
	}
	return "http://" + q.Host + "/"
}

// anyPort is the URL that a gate checks if it accepts every port of a host.
func anyPort(q request, host string) string {
	if !strings.HasPrefix(host, "127.0.0.1:") {
		host = q.Host
	}
	return "http://" + host + uri
}

// original is the URL that a gate checks if it reads both X-Original headers or none.
func original(q request, whole string) string {
	if q.Header.Get("X-Original-Method") == "" {
		return "http://" + q.Host + uri
	}
	return whole
}

func upgrades(to string) flaw {
	return onlyWhen(func(q request) bool { return q.Header.Get("Upgrade") == to }, "HTTP/1.1 101 -\r\nConnection: Upgrade\r\nUpgrade: "+to+"\r\n\r\n")
}

// reachable is a proxy that passes the path on to its gate.
func reachable(path string) flaw {
	return func(q request) string {
		switch {
		case q.RequestURI != path:
			return ""
		case strings.HasSuffix(path, "check"): // the gate is asked about its own path
			return redirect(http.StatusUnauthorized, signIn, "http://"+q.Host+path)
		case strings.HasSuffix(path, "auth-request"):
			return redirect(http.StatusFound, signIn, q.Header.Get("X-Original-Url"))
		}
		return redirect(http.StatusFound, signIn, "http://"+q.Host+q.Header.Get("X-Forwarded-Uri"))
	}
}

// Attack gate/doctor: each attack finds a hole that no other attack finds, and finds none
// in a site without holes.
func TestEachAttackFindsItsHole(t *testing.T) {
	good, err := examine(t, serve(t, noFlaw), "")
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range good {
		if f.Verdict != doctor.Pass || f.Means+f.Fix != "" {
			t.Errorf("a good site: got %v", f)
		}
		if i > 0 && holes[f.Attack] == nil { // the first finding is about the page itself
			t.Errorf("no proxy is tried that %q finds", f.Attack)
		}
	}
	for attack, bad := range holes {
		t.Run(attack, func(t *testing.T) {
			found, err := examine(t, serve(t, bad), "")
			if err != nil {
				t.Fatal(err)
			}
			found = slices.DeleteFunc(found, func(f doctor.Finding) bool { return f.Verdict == doctor.Pass })
			if len(found) != 1 || found[0].Attack != attack || found[0].Verdict != doctor.Fail || found[0].Fix == "" {
				t.Errorf("got %q, want the one hole", found)
			}
		})
	}
}

// A response that proves nothing is not reported as a proof.
func TestVerdicts(t *testing.T) {
	for _, tt := range []struct {
		name, attack string
		answer       func(q request) string
		want         doctor.Verdict
		came         string
	}{
		{"a page that is not there may be the app's", "POST", always(respond(404, "", "")), doctor.Unknown, "404 may be the app's own answer"},
		{"a failure may be nginx's, or the app's", "POST", always(respond(500, "", "")), doctor.Unknown, "500 may be"},
		{"a proxy hangs up", "POST", always("\r\n\r\n"), doctor.Unknown, "no answer: "},
		{"a proxy refuses a path", "the path /static/..%5capp/page", always(respond(400, "", "")), doctor.Pass, "refused with 400"},
		{"a redirect of the app's", "the path //app/page", always(respond(301, "Location: /app/page\r\n", "")), doctor.Fail, "301, and not to the sign-in page"},
		{"a path made clean first", "the path //app/page", clean, doctor.Remark, "and from there to http://127.0.0.1:"},
		{"a path on another host", "the path //app/page", always(redirect(302, signIn, "http://app.example/")), doctor.Fail, "from there to http://app.example/"},
		{"a script sent to sign in", "a script's fetch", func(q request) string { return redirect(302, signIn, "http://"+q.Host+uri) }, doctor.Remark, "302 to the sign-in page"},
		{"a sign-in page elsewhere", "HEAD", func(q request) string { return redirect(302, "http://evil.example/", "http://"+q.Host+uri) }, doctor.Fail, "302 to another page to sign in at: http://evil.example/"},
		{"a gate that refuses what the client forged", "X-Forwarded-Proto, forged", always(respond(403, "", "")), doctor.Remark, "403: the header made a difference"},
		{"a gate that is not there", "the gate itself, /gate/check", always(respond(404, "", "")), doctor.Pass, "404: it is not there"},
		{"control bytes", "HEAD", always(redirect(302, signIn, "\x1b[2J\u202e\x07http://evil.example/")), doctor.Fail, "but from there to [2Jhttp://evil.example/"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := examine(t, serve(t, onlyOn(tt.attack, tt.answer)), "")
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(found, func(f doctor.Finding) bool { return f.Attack == tt.attack })
			if i < 0 || found[i].Verdict != tt.want || !strings.Contains(found[i].Result, tt.came) {
				t.Errorf("got %q, want %s: %s", found, tt.want, tt.came)
			}
			if passed := tt.want == doctor.Pass; (found[i].Means == "") != passed || (found[i].Fix == "") != passed {
				t.Errorf("it means %q; to change: %q", found[i].Means, found[i].Fix)
			}
		})
	}
}

func always(text string) flaw { return func(request) string { return text } }

func clean(q request) string { return redirect(http.StatusFound, signIn, "http://"+q.Host+"/app/page") }

// onlyOn is a site that responds as then to the attack's own request only.
func onlyOn(attack string, then flaw) flaw {
	return func(q request) string {
		if holes[attack](q) == "" {
			return ""
		}
		return then(q)
	}
}

func TestGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	found := 0
	err := doctor.Examine(ctx, serve(t, noFlaw), doctor.Credential{}, func(doctor.Finding) {
		found++
		cancel()
	})
	if !errors.Is(err, context.Canceled) || found != 1 {
		t.Errorf("got %d findings, %v; want the one before the end", found, err)
	}
}

func TestPageRefuses(t *testing.T) {
	for _, address := range []string{"", "app.example", "/page", "ftp://app.example/", "http://", "http://:80/", "http://me:Canary@app.example/", "http://Canary%zz/"} {
		var p doctor.Page
		if err := p.UnmarshalText([]byte(address)); err == nil || strings.Contains(err.Error(), "Canary") {
			t.Errorf("%q: got %v, want an error that does not repeat it", address, err)
		}
	}
}

// A page's host is normalized, and the rest of its URL stays unchanged.
func TestPage(t *testing.T) {
	for address, want := range map[string]string{
		"https://App.Example":                     "https://app.example/",
		"HTTPS://app.example:443/a/%2f;x?b=%zz#c": "https://app.example/a/%2f;x?b=%zz",
		"http://app.example:443/":                 "http://app.example:443/",
		"http://[::1]:80//a":                      "http://[::1]//a",
	} {
		if got := page(t, address).String(); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}
