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
	"glassjar/utl/stores"
	"glassjar/utl/throttle"
)

// Config is what New needs.
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
	Tests    *doctor.Runner // tests apps from outside; the caller runs its Run
	Recipe   *recipe.Site   // the values of recipes; nil: the settings are not sufficient
	Gate     *gate.Gate     // the gate
	SignUp   string         // who may create an account: account.ByInvitation or "", ByApproval, or ByAnybody
	// Strangers returns what everybody can open if everybody can create an account.
	Strangers      func(context.Context) ([]string, error)
	SecondFactor   bool           // whether everybody needs a second factor
	SiteName       string         // the site's name in pages; empty: glassjar
	PublicURL      *url.URL       // how browsers reach the site
	AnyLoopback    bool           // whether every loopback name and address with PublicURL's port is accepted as Host
	TrustedProxies []netip.Prefix // whose X-Forwarded-* headers are used, and who may ask the gate
	Templates      fs.FS
	Static         fs.FS
	Log            *slog.Logger
	Metrics        *metrics.Metrics // nil: no metrics
	Now            func() time.Time
}

// ConfigOf returns the Config of a site at the URL public, as the settings say. Recipe,
// Templates, Static and Metrics are the caller's. Errors: one that says why PAGES_DIR cannot
// be opened.
func ConfigOf(st *stores.Stores, signers *stores.Signers, public *url.URL) (Config, error) {
	pages, err := st.Pages()
	if err != nil {
		return Config{}, err
	}
	now := st.Accounts.Now
	return Config{
		Accounts: st.Accounts, Sessions: st.Sessions, Throttle: st.Throttle, Factors: st.Factors, Apps: st.Apps,
		Devices: signers.Devices, Lab: signers.Lab, Gate: signers.Gate, Passkeys: signers.Passkeys,
		Tests: doctor.NewRunner(doctor.Options{Most: app.MaxApps, Now: now}),
		Pages: pages, PublicURL: public, AnyLoopback: st.Config.PublicURL == nil, TrustedProxies: st.Config.TrustedProxies,
		SignUp: st.Config.SignUp, SecondFactor: st.Config.SecondFactor == "required", Strangers: st.OpenToStrangers,
		SiteName: st.Config.SiteName, Log: st.Log, Now: now,
	}, nil
}
