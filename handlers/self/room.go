// Package self has the pages of the person's own account: profile, password, sessions,
// authenticator app, recovery codes, passkeys, app passwords, events, data and deletion.
package self

import (
	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/authn"
	"glassjar/utl/factor"
	"glassjar/utl/gate"
	"glassjar/utl/passkey"
	"glassjar/utl/session"
)

// Room has the handlers of these pages.
type Room struct {
	*web.Site

	Accounts *account.Store
	Factors  *factor.Store
	Authn    *authn.Authenticator
	Sessions *session.Store
	Gate     *gate.Gate

	PasskeyStore *passkey.Store
}
