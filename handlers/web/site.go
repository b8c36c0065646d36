// Package web is the core that every page shares: the request's state, the
// middleware, the guards, forms, errors, rendering and static files. It knows
// no page.
package web

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/gate"
	"glassjar/utl/page"
	"glassjar/utl/session"
)

// Config is what a Site is made from.
type Config struct {
	Accounts       *account.Store
	Sessions       *session.Store
	Devices        *session.Devices
	PublicURL      *url.URL       // how browsers reach the site
	AnyLoopback    bool           // loopback names and addresses at PublicURL's port are the site's too
	TrustedProxies []netip.Prefix // whose X-Forwarded-* is believed
	Lab            bool           // pages link to the lab
	SecondFactor   bool           // a session of one factor opens only the pages that bring a second
	SiteName       string         // what pages call the site; empty: glassjar
	Templates      fs.FS
	Static         fs.FS
	Answers        []Answer               // to the features' own errors; they win over the shared ones
	Mistakes       []Mistake              // of the features' own forms
	OnAppHosts     func(path string) bool // the path is asked on other hosts too: by proxies, and by browsers on an app's host
	AskedByNginx   func(path string) bool // nginx asks it, and understands only 200, 401 and 403
	Log            *slog.Logger
	Now            func() time.Time

	// Observe is told of each answer: its route's pattern, its status and how long it
	// took; nil: nobody is.
	Observe func(route string, status int, took time.Duration)
}

// Site is what every page needs. A page reaches the stores only if its own room
// was given them.
type Site struct {
	Log       *slog.Logger
	Now       func() time.Time
	PublicURL *url.URL
	HTTPS     bool          // PublicURL is https
	Level     int           // of a session, at least, for members' pages and the gate
	PageSet   *page.Set     // the parsed templates
	Recent    RecentCounter // who signed in, was sent on to a gate host, or lost their cookies

	accounts       *account.Store
	sessions       *session.Store
	devices        *session.Devices
	trustedProxies []netip.Prefix
	anyLoopback    bool
	public         gate.Target // PublicURL
	onAppHosts     func(path string) bool
	askedByNginx   func(path string) bool
	answers        []Answer
	mistakes       []Mistake
	assets         *assets
	appHostCSP     []string
	csrf           *http.CrossOriginProtection
	mux            *http.ServeMux
	ids            ids
	observe        func(route string, status int, took time.Duration)
	lines          logPrefixes
	warned         sync.Once
}

// New returns a Site without routes. It fails when PUBLIC_URL, a template or a
// static file does.
func New(c Config) (*Site, error) {
	s := &Site{
		Log: c.Log, Now: c.Now, PublicURL: c.PublicURL, HTTPS: c.PublicURL.Scheme == "https",
		accounts: c.Accounts, sessions: c.Sessions, devices: c.Devices, trustedProxies: c.TrustedProxies, anyLoopback: c.AnyLoopback,
		observe: c.Observe, onAppHosts: c.OnAppHosts, askedByNginx: c.AskedByNginx,
		answers: append(c.Answers, sharedAnswers...), mistakes: append(c.Mistakes, sharedMistakes...),
		csrf: http.NewCrossOriginProtection(), mux: http.NewServeMux(),
	}
	if c.SecondFactor {
		s.Level = 2
	}
	s.ids.prefix = rand.Text()[:8] + "-"
	s.lines.log = c.Log.Handler()
	s.lines.all.Store(&map[logKey]slog.Handler{})
	if err := s.csrf.AddTrustedOrigin(c.PublicURL.String()); err != nil {
		return nil, fmt.Errorf("trusting PUBLIC_URL's origin: %w", err)
	}
	var err error
	if s.public, err = gate.ParseURL(c.PublicURL.String()); err != nil {
		return nil, fmt.Errorf("reading PUBLIC_URL: %w", err)
	}
	if s.assets, err = newAssets(c.Static); err != nil {
		return nil, err
	}
	lab := func() bool { return c.Lab }
	name := func() string { return cmp.Or(c.SiteName, "glassjar") }
	if s.PageSet, err = page.Parse(c.Templates, template.FuncMap{"asset": s.assets.path, "lab": lab, "site": name}); err != nil {
		return nil, err
	}
	if _, err = s.PageSet.Render("error", ErrorPage{}); err != nil { // what every page may need
		return nil, err
	}
	s.appHostCSP, err = s.newAppHostCSP()
	return s, err
}

// Handler returns the site with the routes: pattern → handler.
func (s *Site) Handler(routes map[string]http.Handler) http.Handler {
	for pattern, h := range routes {
		s.mux.Handle(pattern, h)
	}
	return s.middleware()
}
