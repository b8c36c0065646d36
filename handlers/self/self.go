// Package self is one's own account: the password, the browsers that are signed
// in, the authenticator app, the recovery codes, the passkeys, the app passwords and what happened.
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

// Room answers the pages of one's own account.
type Room struct {
	*web.Site

	Accounts *account.Store
	Factors  *factor.Store
	Authn    *authn.Authenticator
	Sessions *session.Store
	Gate     *gate.Gate

	PasskeyStore *passkey.Store
}
