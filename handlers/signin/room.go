// Package signin is the way in and out: the sign-in form, join and reset links,
// sign-out, where a person goes on to, and home.
package signin

import (
	"sync/atomic"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/authn"
	"glassjar/utl/factor"
	"glassjar/utl/gate"
	"glassjar/utl/page"
	"glassjar/utl/passkey"
	"glassjar/utl/session"
)

// Config is what the room needs.
type Config struct {
	*web.Site

	Accounts *account.Store
	Authn    *authn.Authenticator
	Sessions *session.Store
	Devices  *session.Devices
	Passkeys *passkey.Store
	Factors  *factor.Store
	Gate     *gate.Gate
	Apps     *app.Store
	SignUp   string      // who may make an account: account.ByInvitation, or empty, ByApproval or ByAnybody
	HasPages bool        // there is a PAGES_DIR
	HasIndex func() bool // and an index.html at its top
}

// Room answers the pages of signing in and out, and home.
type Room struct {
	Config

	homes   atomic.Pointer[homes]
	blank   *page.Precompiled // the sign-in form with nothing in it
	founded atomic.Bool       // there is an account
}

// signUp reports whether people may make an account without an invitation.
func (s *Room) signUp() bool { return s.SignUp == account.ByApproval || s.SignUp == account.ByAnybody }

// New returns the room. It fails when a template does.
func New(c Config) (*Room, error) {
	s := &Room{Config: c}
	if _, err := s.precompileHome(homeKind{}, nil); err != nil {
		return nil, err
	}
	return s, s.precompileBlank()
}
