// Package forward answers what reverse proxies ask about somebody else's
// request, and hands sessions over to the hosts of apps.
package forward

import (
	"sync"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/gate"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// Room answers proxies, and browsers on an app's host.
type Room struct {
	*web.Site

	Accounts *account.Store
	Sessions *session.Store
	Throttle *throttle.Store
	Gate     *gate.Gate

	warnedOfCaller sync.Once
}
