package handlers

import (
	"context"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/anatomy"
	"glassjar/utl/app"
	"glassjar/utl/doctor"
	"glassjar/utl/factor"
	"glassjar/utl/gate"
	"glassjar/utl/metrics"
	"glassjar/utl/passkey"
	"glassjar/utl/recipe"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
)

// Config is what the pages need.
type Config struct {
	Accounts *account.Store
	Sessions *session.Store
	Devices  *session.Devices
	Throttle *throttle.Store
	Factors  *factor.Store
	Pages    *os.Root     // nil: no /pages/
	Lab      *anatomy.Lab // nil: no /lab
	Passkeys *passkey.Store
	Apps     *app.Store
	Tests    *doctor.Runner // tests apps from outside, where somebody calls its Run
	Recipe   *recipe.Site   // what recipes are filled in with; nil: the settings say too little for one
	Gate     *gate.Gate     // without hosts it answers for none
	SignUp   string         // who may make an account: account.ByInvitation, or empty, ByApproval or ByAnybody
	// Strangers returns what everybody may open, where everybody may make an account.
	Strangers      func(context.Context) ([]string, error)
	SecondFactor   bool           // everybody has to set up a second factor
	SiteName       string         // what pages call the site; empty: glassjar
	PublicURL      *url.URL       // how browsers reach the site
	AnyLoopback    bool           // loopback names and addresses at PublicURL's port are the site's too
	TrustedProxies []netip.Prefix // whose X-Forwarded-* is believed, and who may ask the gate
	Templates      fs.FS
	Static         fs.FS
	Log            *slog.Logger
	Metrics        *metrics.Metrics // nil: nothing is counted
	Now            func() time.Time
}
