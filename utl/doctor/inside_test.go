package doctor_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"glassjar/utl/doctor"
)

const appPassword = "Canary-of-an-app"

// echo is a site whose app shows the request's lines for which shown is true, and the
// doctor's test header.
func echo(shown func(line string) bool) flaw {
	return func(q request) string {
		if !q.has("\r\nAuthorization: Bearer " + appPassword + "\r\n") {
			return ""
		}
		var body strings.Builder
		for line := range strings.Lines(q.raw) {
			if strings.HasPrefix(line, "X-Glassjar-Doctor: ") || shown(line) {
				body.WriteString(line)
			}
		}
		return respond(http.StatusOK, "", body.String())
	}
}

func nothing(string) bool { return false }

// Attack gate/doctor: what the proxy passes on to the app is found in the app's response.
func TestInside(t *testing.T) {
	for _, tt := range []struct{ name, shows, attack string }{
		{"the app password", "Authorization: ", "the app password"},
		{"an identity header", "Remote-Groups: ", "Remote-User and the like, forged"},
		{"one in capitals", "REMOTE-Name: ", "REMOTE-User and the like, forged"},
		{"one with _", "Remote_User: ", "Remote_User and the like, forged"},
		{"one with _, in capitals", "REMOTE_User: ", "REMOTE_User and the like, forged"},
		{"one with a dot", "Remote.Email: ", "Remote.User and the like, forged"},
		{"a cookie", "Cookie: ", "glassjar's cookies"},
		{"an upgrade", "Upgrade: ", "an upgrade to h2c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := examine(t, serve(t, echo(func(line string) bool { return strings.HasPrefix(line, tt.shows) })), appPassword)
			if err != nil {
				t.Fatal(err)
			}
			found = slices.DeleteFunc(found, func(f doctor.Finding) bool { return f.Verdict == doctor.Pass })
			if len(found) != 1 || found[0].Attack != tt.attack+", signed in" || found[0].Verdict != doctor.Fail || found[0].Fix == "" {
				t.Errorf("got %q, want the one hole: %s", found, tt.attack)
			}
		})
	}
}

// Each of glassjar's cookies is looked for.
func TestInsideCookies(t *testing.T) {
	for _, name := range []string{
		"glassjar", "__Host-glassjar", "glassjar-gate", "__Host-glassjar-gate", "__Secure-glassjar-gate", "glassjar-device", "__Host-glassjar-device",
	} {
		leak := func(q request) string {
			text := echo(nothing)(q)
			if c, err := q.Cookie(name); err == nil && text != "" {
				return respond(http.StatusOK, "X-Leak: "+c.Value+"\r\n", "")
			}
			return text
		}
		found, err := examine(t, serve(t, leak), appPassword)
		if last := found[len(found)-1]; err != nil || last.Verdict != doctor.Fail || last.Result != "it reaches the app" {
			t.Errorf("%s: got %q, %v; want a hole", name, last, err)
		}
	}
}

// Attack gate/doctor: an app that switches to HTTP/2 does not show what it gets.
func TestInsideSwitches(t *testing.T) {
	switched := func(q request) string {
		if !signedIn(q) {
			return ""
		}
		return upgrades("h2c")(q)
	}
	found, err := examine(t, serve(t, either(switched, onlyWhen(signedIn, respond(200, "", "hello")))), appPassword)
	found = slices.DeleteFunc(found, func(f doctor.Finding) bool { return f.Verdict != doctor.Fail })
	if err != nil || len(found) != 1 || found[0].Attack != "an upgrade to h2c, signed in" || found[0].Fix == "" {
		t.Errorf("got %q, %v; want the one hole", found, err)
	}
}

// signedIn reports whether the request has an app password.
func signedIn(q request) bool { return q.Header.Get("Authorization") != "" }

func TestInsidePassAndUnknown(t *testing.T) {
	token := func(q request) string {
		return strings.Replace(echo(nothing)(q), "\r\n", "\r\nX-Token: eyJh2cY.ah2c-h2c_\r\n", 1)
	}
	forged := func(q request) bool { return signedIn(q) && q.Header.Get("X-Glassjar-Doctor") == "" }
	for _, tt := range []struct {
		name string
		bad  flaw
		want doctor.Verdict
		came string
	}{
		{"an app that shows what it gets", echo(nothing), doctor.Pass, "it does not reach the app"},
		{"an app that shows a token with h2c in it", token, doctor.Pass, "it does not reach the app"},
		{"an app that does not", onlyWhen(signedIn, respond(200, "", "hello")), doctor.Unknown, "the app does not show"},
		{"an app that does not, and speaks of h2c", onlyWhen(signedIn, respond(200, "", "h2c")), doctor.Unknown, "the app does not show"},
		{"more than is read", onlyWhen(signedIn, respond(200, "", strings.Repeat("a", 64<<10)+appPassword)), doctor.Unknown, "the app does not show"},
		{"a gate that refuses the forged", either(onlyWhen(forged, respond(403, "", "")), echo(nothing)), doctor.Pass, "refused with 403"},
		{"a gate that sends to sign in", either(onlyWhen(forged, redirect(302, signIn, "http://app.example/")), echo(nothing)), doctor.Pass, "refused with 302"},
		{"an app that fails", either(onlyWhen(forged, respond(500, "", "")), echo(nothing)), doctor.Unknown, "500: the app does not show"},
		{"a proxy that hangs up", either(onlyWhen(forged, "\r\n\r\n"), echo(nothing)), doctor.Unknown, "no answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := examine(t, serve(t, tt.bad), appPassword)
			if last := found[len(found)-1]; err != nil || last.Verdict != tt.want || !strings.Contains(last.Result, tt.came) {
				t.Errorf("got %q, %v; want %s: %s", last, err, tt.want, tt.came)
			}
			for _, f := range found {
				if f.Verdict == doctor.Fail || strings.Contains(f.Result, appPassword) {
					t.Errorf("got %q", f)
				}
			}
		})
	}
}

// onlyWhen responds with the text if meant is true.
func onlyWhen(meant func(q request) bool, text string) flaw {
	return func(q request) string {
		if !meant(q) {
			return ""
		}
		return text
	}
}

func either(first, second flaw) flaw {
	return func(q request) string {
		if text := first(q); text != "" {
			return text
		}
		return second(q)
	}
}

// An app password that is refused is an error, which does not quote it.
func TestInsideRefused(t *testing.T) {
	for name, bad := range map[string]flaw{
		"sent to sign in": noFlaw,
		"401":             onlyWhen(signedIn, respond(401, "", appPassword)),
		"no answer":       onlyWhen(signedIn, "\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			found, err := examine(t, serve(t, bad), appPassword)
			if err == nil || !strings.HasPrefix(err.Error(), "nothing was tested with the app password: ") || strings.Contains(err.Error(), appPassword) ||
				strings.Contains(err.Error(), "the proxy must hand Authorization on to the gate") != (name != "no answer") {
				t.Errorf("got %v, want that nothing was tested", err)
			}
			if len(found) == 0 {
				t.Error("nothing was tested without it")
			}
		})
	}
}
