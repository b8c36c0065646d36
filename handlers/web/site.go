// Package web has what all pages share: the state of a request, middleware, guards, forms,
// errors, rendering and static files. It has no page of its own.
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

// Config is what New needs.
type Config struct {
	Accounts       *account.Store
	Sessions       *session.Store
	Devices        *session.Devices
	PublicURL      *url.URL       // how browsers reach the site
	AnyLoopback    bool           // whether every loopback name and address with PublicURL's port is accepted as Host
	TrustedProxies []netip.Prefix // whose X-Forwarded-* headers are used
	Lab            bool           // whether pages link to the lab
	SecondFactor   bool           // whether sessions of level 1 may open only pages that add a second factor
	SiteName       string         // the site's name in pages; empty: glassjar
	Templates      fs.FS
	Static         fs.FS
	Answers        []Answer               // responses to the features' own errors, before the shared ones
	Mistakes       []Mistake              // of the features' own forms, before the shared ones
	OnAppHosts     func(path string) bool // whether the path is also requested on other hosts: by proxies, and by browsers on an app's host
	AskedByNginx   func(path string) bool // whether nginx requests the path for auth_request, which accepts only 200, 401 and 403
	Log            *slog.Logger
	Now            func() time.Time

	// Observe, if not nil, is called after each response with its route's pattern, its status
	// and how long it took.
	Observe func(route string, status int, took time.Duration)
}

// Site is what every page needs. A page has only the stores that its own room was given.
type Site struct {
	Log       *slog.Logger
	Now       func() time.Time
	PublicURL *url.URL
	HTTPS     bool          // whether PublicURL is https
	Level     int           // the lowest session level for members' pages and the gate
	PageSet   *page.Set     // the parsed templates
	Recent    RecentCounter // browsers that recently signed in, were redirected to a gate host, or had their cookies cleared

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

// New returns a Site without routes. It returns an error if PUBLIC_URL, a template or a
// static file is invalid.
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
	if _, err = s.PageSet.Render("error", ErrorPage{}); err != nil { // checked here, because every page may need it
		return nil, err
	}
	s.appHostCSP, err = s.newAppHostCSP()
	return s, err
}

// Handler returns the site's handler with the routes, by pattern.
func (s *Site) Handler(routes map[string]http.Handler) http.Handler {
	for pattern, h := range routes {
		s.mux.Handle(pattern, h)
	}
	return s.middleware()
}
