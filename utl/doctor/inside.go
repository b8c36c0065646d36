package doctor

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
)

// cookies are the names of all cookies that glassjar sets on an app's host or a parent
// domain.
var cookies = []string{
	"__Host-glassjar", "glassjar", "__Host-glassjar-gate", "__Secure-glassjar-gate", "glassjar-gate",
	"__Host-glassjar-gate-next", "glassjar-gate-next", "__Host-glassjar-device", "glassjar-device",
}

// protocol is the protocol of the upgrade attack. The page of an app may contain these three
// characters by chance inside a longer word.
const protocol = "h2c"

var protocolAlone = regexp.MustCompile(`(?:^|[^0-9A-Za-z_-])` + protocol + `(?:[^0-9A-Za-z_-]|$)`)

// Credential lets a request through the gate. At most one of its fields is set.
type Credential struct {
	AppPassword string
	Cookie      string // name=value of a gate cookie
}

// header returns the name of the header that carries the credential.
func (c Credential) header() string {
	if c.Cookie == "" {
		return "Authorization"
	}
	return "Cookie"
}

// on returns a copy of the header with the credential added.
func (c Credential) on(header http.Header) http.Header {
	value := "Bearer " + c.AppPassword
	if c.Cookie != "" {
		value = strings.Join(append([]string{c.Cookie}, header["Cookie"]...), "; ")
	}
	header = maps.Clone(header)
	header[c.header()] = []string{value}
	return header
}

// alone returns the attack that checks whether the app gets the credential itself.
func (c Credential) alone() attack {
	if c.Cookie == "" {
		return attack{name: "the app password", hole: handsPassword, marker: c.AppPassword}
	}
	_, value, _ := strings.Cut(c.Cookie, "=")
	return attack{name: "the gate's cookie", hole: handsCookies, marker: value}
}

// signedIn returns the attacks with a credential. Each sends the marker in a header that the
// app must not get.
func signedIn(marker string) []attack {
	all := identities(marker)
	for i := range all {
		all[i].hole, all[i].marker = handsForged, marker
	}
	h2c := switches(switchesProtocol)
	h2c.marker = marker
	return append(all, h2c, attack{
		name: "glassjar's cookies", hole: handsCookies, marker: marker,
		header: singleHeader("Cookie", strings.Join(cookies, "="+marker+"; ")+"="+marker),
	})
}

// attackSignedIn makes the attacks with the credential: it sends headers that must not reach
// the app, and looks for them in the app's response.
func (e *scan) attackSignedIn(ctx context.Context, with Credential) error {
	seen := rand.Text()
	first := with.alone()
	first.header = with.on(singleHeader("X-Glassjar-Doctor", seen))
	got := e.send(ctx, first)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case got.reason != "":
		return fmt.Errorf("%w with %s: %s", errUntested, first.name, got.reason)
	case got.status >= 400 || got.signIn == e.signIn:
		return fmt.Errorf("%w with %s: the page answers %d to it: the proxy must hand %s on to the gate", errUntested, first.name, got.status, with.header())
	}
	shows := strings.Contains(got.shown, seen)
	e.classifySignedIn(first, got, shows)
	for _, a := range signedIn(rand.Text()) {
		if shows && a.hole == switchesProtocol {
			a.marker = protocol // only on a page that shows headers: others may contain the word by chance
		}
		a.header = with.on(a.header)
		got := e.send(ctx, a)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.classifySignedIn(a, got, shows)
	}
	return nil
}

// classifySignedIn decides whether the attack reached the app: the response contains its
// marker, or switches protocols. shows says whether the app's page shows request headers.
func (e *scan) classifySignedIn(a attack, got response, shows bool) {
	a.name += ", signed in"
	a.unclear = unseen
	switch {
	case got.reason != "":
		a.unclear = unanswered
		e.report(a, Unknown, "no answer: "+got.reason)
	case got.status == http.StatusSwitchingProtocols:
		e.report(a, Fail, "101: it got through")
	case a.marker == protocol && protocolAlone.MatchString(got.shown), a.marker != protocol && strings.Contains(got.shown, a.marker):
		e.report(a, Fail, "it reaches the app")
	case got.signIn == e.signIn || got.status == http.StatusBadRequest || got.status == http.StatusForbidden:
		e.report(a, Pass, fmt.Sprintf("refused with %d", got.status))
	case !shows || got.status >= 300:
		e.report(a, Unknown, fmt.Sprintf("%d: the app does not show what it gets", got.status))
	default:
		e.report(a, Pass, "it does not reach the app")
	}
}
