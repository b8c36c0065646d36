// Package forward answers the questions of reverse proxies whether a request may pass
// (forward authentication), and hands sessions over to the hosts of apps.
package forward

import (
	"sync"

	"glassjar/handlers/web"
	"glassjar/utl/authn"
	"glassjar/utl/gate"
	"glassjar/utl/session"
)

// Room has the handlers for proxies, and for browsers on an app's host.
type Room struct {
	*web.Site

	Authn    *authn.Authenticator
	Sessions *session.Store
	Gate     *gate.Gate

	warnedOfCaller sync.Once
}
