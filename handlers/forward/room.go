// Package forward answers what reverse proxies ask about somebody else's
// request, and hands sessions over to the hosts of apps.
package forward

import (
	"sync"

	"glassjar/handlers/web"
	"glassjar/utl/authn"
	"glassjar/utl/gate"
	"glassjar/utl/session"
)

// Room answers proxies, and browsers on an app's host.
type Room struct {
	*web.Site

	Authn    *authn.Authenticator
	Sessions *session.Store
	Gate     *gate.Gate

	warnedOfCaller sync.Once
}
