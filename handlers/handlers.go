// Package handlers is glassjar's HTTP side: it reads what a request brings,
// asks the stores, and answers once, from a buffer. It keeps nothing itself.
package handlers

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/anatomy"
	"glassjar/utl/db"
	"glassjar/utl/gate"
	"glassjar/utl/page"
	"glassjar/utl/session"
	"glassjar/utl/throttle"
	"glassjar/utl/wire"
)

// Config is what the pages need.
type Config struct {
	Accounts       *account.Store
	Sessions       *session.Store
	Devices        *session.Devices
	Throttle       *throttle.Store
	Pages          *os.Root       // nil: no /pages/
	Lab            *anatomy.Lab   // nil: no /lab
	Gate           *gate.Gate     // without hosts it answers for none
	PublicURL      *url.URL       // how browsers reach the site
	AnyLoopback    bool           // loopback names and addresses at PublicURL's port are the site's too
	TrustedProxies []netip.Prefix // whose X-Forwarded-* is believed, and who may ask the gate
	Templates      fs.FS
	Static         fs.FS
	Log            *slog.Logger
	Now            func() time.Time
}

type site struct {
	Config

	pages          *page.Set
	assets         *assets
	csrf           *http.CrossOriginProtection
	mux            *http.ServeMux
	homes          map[homeKind]*page.Cut
	hasIndex       func() bool // PAGES_DIR has an index.html
	blank          []byte      // the sign-in form, with nothing in it
	ids            ids
	lines          lines
	https          bool        // how browsers reach the site
	public         gate.Target // PublicURL
	untold         untold
	warned         sync.Once
	warnedOfCaller sync.Once
	sent           lately       // who signed in, was sent on to a gate host, or lost their cookies
	wire           *wire.Sender // of the lab
	founded        atomic.Bool  // there is an account
	answers        []answer
	foreign        func(path string) bool // it is asked on other hosts: by proxies, and by browsers on an app's host
	asksForNginx   func(path string) bool // nginx asks it, and understands 200, 401 and 403 alone
	mistakes       []mistake
}

// The guard is in the handler's type: a member's page cannot be mounted
// without the check, because it could not be called.
type (
	open   func(http.ResponseWriter, *http.Request) error
	member func(http.ResponseWriter, *http.Request, account.Account) error
)

// New returns the whole site. It fails when a template or a static file does.
func New(c Config) (http.Handler, error) {
	s := &site{Config: c, csrf: http.NewCrossOriginProtection(), mux: http.NewServeMux(), wire: wire.New(), https: c.PublicURL.Scheme == "https"}
	s.hasIndex = (&index{pages: c.Pages, now: c.Now}).has
	s.foreign, s.asksForNginx = isGate, isCheck
	s.answers = slices.Concat(gateAnswers, signInAnswers, labAnswers, sharedAnswers)
	s.mistakes = slices.Concat(appPasswordMistakes, sharedMistakes)
	s.ids.prefix = rand.Text()[:8] + "-"
	s.lines.log, s.lines.all = c.Log.Handler(), map[begins]slog.Handler{}
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
	if s.pages, err = page.Parse(c.Templates, s.funcs()); err != nil {
		return nil, err
	}
	if _, err := s.pages.Render("error", errorPage{}); err != nil { // what every page may need
		return nil, err
	}
	if s.homes, err = s.cutHomes(); err != nil {
		return nil, err
	}
	if s.blank, err = s.pages.Render("auth", s.blankAuth()); err != nil {
		return nil, err
	}
	for pattern, h := range s.routes() {
		s.mux.Handle(pattern, h)
	}
	return s.middleware(), nil
}

// funcs are what templates may call: asset maps a static file's name to its
// path, lab reports whether there is a lab.
func (s *site) funcs() template.FuncMap {
	return template.FuncMap{"asset": s.assets.path, "lab": func() bool { return s.Lab != nil }}
}

// Routes returns the patterns of every route that New mounts for c, sorted, for
// tests that must miss none.
func Routes(c Config) []string {
	return slices.Sorted(maps.Keys((&site{Config: c}).routes()))
}

// routes is every route of the site.
func (s *site) routes() map[string]http.Handler {
	routes := map[string]http.Handler{
		"GET /{$}":                          s.open(s.home),
		"GET /auth":                         s.open(s.authForm),
		"POST /auth":                        s.open(s.authSubmit),
		"GET /logout":                       s.open(s.logoutForm),
		"POST /logout":                      s.open(s.logoutSubmit),
		"GET /join/{code}":                  s.open(s.joinForm),
		"POST /join/{code}":                 s.open(s.joinSubmit),
		"GET /reset/{code}":                 s.open(s.resetForm),
		"POST /reset/{code}":                s.open(s.resetSubmit),
		"GET /account":                      s.member(s.account),
		"GET /account/events":               s.member(s.events),
		"POST /account/password":            s.member(s.passwordSubmit),
		"POST /account/sessions/{id}/end":   s.member(s.deviceEnd),
		"POST /account/sessions/end-others": s.member(s.devicesEndOthers),
		"GET /static/{name}":                s.open(s.static),
		"GET /healthz":                      s.open(s.healthz),
		"GET /readyz":                       s.open(s.readyz),
		"GET /.well-known/change-password":  http.RedirectHandler("/account", http.StatusFound),
	}
	if s.Pages != nil {
		routes["GET /pages/{path...}"] = s.member(s.pagesFile)
	}
	maps.Copy(routes, s.gateRoutes())
	routes["POST /account/app-passwords"] = s.member(s.appPasswordSubmit)
	routes["POST /account/app-passwords/{id}/revoke"] = s.member(s.appPasswordRevoke)
	if s.Lab != nil {
		maps.Copy(routes, s.labRoutes())
	}
	return routes
}

// open mounts a page for everybody.
func (s *site) open(fn open) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := fn(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// member mounts a page for signed-in people. Others are sent to the sign-in
// form, which leads back here, unless the request was a POST.
func (s *site) member(fn member) http.Handler {
	return s.open(func(w http.ResponseWriter, r *http.Request) error {
		found, err := s.who(w, r)
		if errors.Is(err, session.ErrNone) {
			return toSignIn(w, r)
		}
		if err != nil {
			return err
		}
		return fn(w, r, account.Of(found))
	})
}

func toSignIn(w http.ResponseWriter, r *http.Request) error {
	to := "/"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		to = "/?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
	}
	return seeOther(w, to)
}

// who returns the request's live session, and sees to its cookie: signed again
// when an old key signed it, cleared when there were two.
func (s *site) who(w http.ResponseWriter, r *http.Request) (session.Session, error) {
	v := visitOf(r)
	if v.session.SID != "" {
		return v.session, nil
	}
	found, err := s.Sessions.Find(r)
	switch {
	case err == nil:
		v.session = found
		return found, s.Sessions.Renew(w, r, found)
	case errors.Is(err, session.ErrNone) && s.Sessions.Several(r):
		s.sent.count(browserKey(r, "cleared"), s.Now())
		return found, errors.Join(err, s.Sessions.Clear(w, r))
	}
	return found, err
}

// seeOther answers 303: fetch that page. After a POST, going back or reloading
// then sends nothing twice. The address is sent as it is: http.Redirect would
// clean a URL inside a fragment.
func seeOther(w http.ResponseWriter, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// chrome is what the layout needs of every page.
type chrome struct {
	Me   account.Account // zero when signed out
	Here string          // path of the page, to mark it in the bar
}

// layout returns what the layout needs of an open page at the path here.
func (s *site) layout(w http.ResponseWriter, r *http.Request, here string) (chrome, error) {
	found, err := s.who(w, r)
	if errors.Is(err, session.ErrNone) {
		return chrome{Here: here}, nil
	}
	return chrome{Me: account.Of(found), Here: here}, err
}

// sessionCookie returns the session cookie's name.
func (s *site) sessionCookie() string { return s.Sessions.Name() }

// show renders the page and answers with it.
func (s *site) show(w http.ResponseWriter, status int, name string, data any) error {
	body, err := s.pages.Render(name, data)
	if err != nil {
		return err
	}
	return s.send(w, status, body)
}

var isHTML = []string{"text/html; charset=utf-8"}

// send answers with the page.
func (s *site) send(w http.ResponseWriter, status int, body []byte) error {
	w.Header()["Content-Type"] = isHTML
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a browser that went away is no error of ours
	return nil
}

// minute is how people read a time.
const minute = "2 Jan 2006, 15:04 UTC"

// when writes a time for people.
func when(t time.Time) string { return t.UTC().Format(minute) }

// healthz answers GET /healthz: the process serves.
func (s *site) healthz(w http.ResponseWriter, _ *http.Request) error { return plain(w, "alive\n") }

// readyz answers GET /readyz: 200 when it is known which sessions are live, and
// the database can be read; else 503.
func (s *site) readyz(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), time.Second)
	defer cancel()
	if _, err := s.Accounts.Any(ctx); err != nil {
		return err
	}
	if !s.Sessions.Healthy() {
		return db.ErrUnavailable
	}
	return plain(w, "ready\n")
}

func plain(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
	return nil
}
