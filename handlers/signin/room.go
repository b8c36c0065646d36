// Package signin has the pages of signing in and out: the sign-in form, join and reset links,
// sign-up, the second step, proofs, sign-out, the redirect to the requested page, and home.
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
	SignUp   string      // who may create an account: account.ByInvitation or "", ByApproval, or ByAnybody
	HasPages bool        // whether PAGES_DIR is set
	HasIndex func() bool // reports whether PAGES_DIR has an index.html
}

// Room has the handlers of these pages.
type Room struct {
	Config

	kept    atomic.Pointer[launcher] // the home pages; nil at first
	blank   *page.Precompiled        // the sign-in form without input
	founded atomic.Bool              // whether an account exists; once true it stays so
}

// signUp reports whether people may create an account without an invitation.
func (s *Room) signUp() bool { return s.SignUp == account.ByApproval || s.SignUp == account.ByAnybody }

// New returns a Room. It returns an error if a template is invalid.
func New(c Config) (*Room, error) {
	s := &Room{Config: c}
	if _, err := s.precompileHome(homeKind{}, newLauncher(nil)); err != nil {
		return nil, err
	}
	return s, s.precompileBlank()
}
