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

// cookies are the names of all cookies that glassjar sets on an app's host or on
// a parent of it.
var cookies = []string{
	"__Host-glassjar", "glassjar", "__Host-glassjar-gate", "__Secure-glassjar-gate", "glassjar-gate",
	"__Host-glassjar-gate-next", "glassjar-gate-next", "__Host-glassjar-device", "glassjar-device",
}

// protocol is the one that the doctor asks to switch to. A token in what the app
// shows may contain its three characters by chance, but not alone.
const protocol = "h2c"

var protocolAlone = regexp.MustCompile(`(?:^|[^0-9A-Za-z_-])` + protocol + `(?:[^0-9A-Za-z_-]|$)`)

// attackSignedIn sends headers that must not reach the app, with the app
// password, and looks for them in the app's response.
func (e *scan) attackSignedIn(ctx context.Context, appPassword string) error {
	allowed := singleHeader("Authorization", "Bearer "+appPassword)
	seen := rand.Text()
	first := attack{header: maps.Clone(allowed), hole: handsPassword, name: "the app password", marker: appPassword}
	first.header.Set("X-Glassjar-Doctor", seen)
	got := e.send(ctx, first)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case got.reason != "":
		return fmt.Errorf("%w: %s", errOutside, got.reason)
	case got.status >= 400 || got.signIn == e.signIn:
		return fmt.Errorf("%w: the page answers %d to it", errOutside, got.status)
	}
	shows := strings.Contains(got.shown, seen)
	e.classifySignedIn(first, got, shows)

	marker := rand.Text()
	ours := attack{name: "glassjar's cookies", hole: handsCookies, marker: marker, header: singleHeader("Cookie", strings.Join(cookies, "="+marker+"; ")+"="+marker)}
	h2c := switches(switchesProtocol)
	h2c.marker = marker
	if shows {
		h2c.marker = protocol // other pages may contain the word by chance
	}
	forged := identities(marker)
	for i := range forged {
		forged[i].hole, forged[i].marker = handsForged, marker
	}
	for _, a := range append(forged, h2c, ours) {
		maps.Copy(a.header, allowed)
		got := e.send(ctx, a)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		e.classifySignedIn(a, got, shows)
	}
	return nil
}

// classifySignedIn decides whether the attack reached the app: the response has
// its marker, or switches to another protocol. shows says that the app's page
// shows its request's headers.
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
