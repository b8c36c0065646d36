// Package gate implements forward authentication: it parses a proxy's question about a
// request to an app, decides whether that request may pass, builds sign-in URLs, and
// signs identity tokens. It refuses a question that two programs could read differently.
// It does not write HTTP responses.
package gate

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"glassjar/utl/hosts"
)

var (
	// ErrBad means that the question cannot be read, or could be read in two ways.
	ErrBad = errors.New("the request to the gate cannot be read")
	// ErrHost means that the target's host is not one the gate answers for.
	ErrHost = errors.New("the gate does not answer for this host")

	errApps  = errors.New("the apps cannot be read from the database")
	errHosts = errors.New("GATE_HOSTS has an entry that is no host") // not expected: package config refuses it first
)

// maxReturnURL is the maximum size of an escaped return URL in bytes: by default nginx
// reads a response's headers into 4 KB.
const maxReturnURL = 3000

// Options are what a Gate needs.
type Options struct {
	Public *url.URL   // where people sign in
	Hosts  []string   // GATE_HOSTS
	Apps   *Rules     // nil: there are no apps
	Domain string     // COOKIE_DOMAIN; may be empty
	Keys   [][32]byte // seeds of the keys for assertions; the first one signs
	Now    func() time.Time
}

// Gate decides who may pass to which host, and signs identity tokens. It is safe
// for concurrent use.
type Gate struct {
	public *url.URL
	own    string  // its host without the port
	hosts  []*Rule // of GATE_HOSTS
	apps   *Rules
	domain string
	signer signer

	unattributed Tally // refusals that belong to no host
	unlisted     unlistedHosts
}

// New returns a Gate. Errors: a malformed host, no key.
func New(o Options) (*Gate, error) {
	g := &Gate{public: o.Public, own: bracketIPv6(o.Public.Hostname()), domain: o.Domain, apps: o.Apps}
	if g.apps == nil {
		g.apps = &Rules{}
		g.apps.Set(nil)
	}
	g.signer.issuer, g.signer.now = o.Public.String(), o.Now
	for _, text := range o.Hosts {
		p, ok := hosts.ParsePattern(text)
		if !ok {
			return nil, errHosts
		}
		g.hosts = append(g.hosts, &Rule{Name: text, Host: p, Level: 1, Programs: true, Tally: &Tally{}})
	}
	return g, g.SetKeys(o.Keys)
}

// Allows reports whether the gate answers for the target: its host is an app's or in
// GATE_HOSTS and, if people sign in over https, the target is https too, so that no gate
// cookie is sent over http.
func (g *Gate) Allows(t Target) bool {
	found, _ := g.rule(t)
	return found != nil
}

// Enabled reports whether there is a host that the gate answers for.
func (g *Gate) Enabled() bool {
	apps := g.apps.known.Load()
	return len(g.hosts) > 0 || apps != nil && !apps.empty()
}

// ParseHost returns the typed host in the form of Target.Name, and reports whether the
// gate answers for it on some port. It refuses a host with a port.
func (g *Gate) ParseHost(typed string) (name string, ok bool) {
	name, port, ok := hosts.Split(typed)
	if !ok || port != "" {
		return name, false
	}
	return name, g.named(name) != nil
}

// named returns the rule of the host's name on some port, or nil.
func (g *Gate) named(name string) (found *Rule) {
	apps := g.apps.known.Load()
	if apps == nil {
		return nil
	}
	if name != g.own {
		found = apps.find(name)
	}
	for _, r := range g.hosts {
		if found == nil && r.Host.Names(name) {
			found = r
		}
	}
	return found
}

// ReturnTarget parses the URL, and reports whether people may be redirected to it:
// whether it is on a host for which the gate answers.
func (g *Gate) ReturnTarget(raw string) (Target, bool) {
	t, err := ParseURL(raw)
	return t, err == nil && len(Escape(t.String())) <= maxReturnURL && g.Allows(t)
}

// IsSignInHost reports whether the target is on the sign-in host, on any port, because
// cookies do not depend on the port.
func (g *Gate) IsSignInHost(t Target) bool { return t.Name == g.own }

// CookieScope is the scope of a gate cookie: one host, or a domain with all its subdomains.
type CookieScope struct {
	Host   string
	Domain bool // whether Host is COOKIE_DOMAIN, with all its subdomains
	Secure bool // whether it is reached over https
}

// CookieScope returns the scope of the target's gate cookie: all hosts below
// COOKIE_DOMAIN share one, and every other host has its own.
func (g *Gate) CookieScope(t Target) CookieScope {
	if g.domain != "" && t.Secure() && (t.Name == g.domain || strings.HasSuffix(t.Name, "."+g.domain)) {
		return CookieScope{Host: g.domain, Domain: true, Secure: true}
	}
	return CookieScope{Host: t.Name, Secure: t.Secure()}
}

// SignIn returns the absolute sign-in URL that leads back to the target, byte for byte.
// For methods other than GET and HEAD it leads back to the page from which the request
// came or, if that is not known or on another host, to the target's root. If the escaped
// target is longer than maxReturnURL, it leads back to its root, and the URL has the arg
// "cut".
func (g *Gate) SignIn(a Request) string { return g.signIn("/?next=", a) }

// SignInAsOther is SignIn for somebody who is signed in and wants to sign in as another
// person.
func (g *Gate) SignInAsOther(a Request) string { return g.signIn("/auth?other=1&next=", a) }

// StepUp is SignIn for somebody whose session has too low a level.
func (g *Gate) StepUp(a Request) string { return g.signIn("/auth/step-up?next=", a) }

func (g *Gate) signIn(path string, a Request) string {
	back := a.Target
	if a.Method != http.MethodGet && a.Method != http.MethodHead {
		from, ok := g.ReturnTarget(a.header.Get("Referer"))
		if back = a.Root(); ok {
			back = from
		}
	}
	next := Escape(back.String())
	if len(next) > maxReturnURL {
		next = Escape(a.Root().String()) + "&cut=1"
	}
	return g.public.String() + path + next
}

// bracketIPv6 adds the brackets around an IPv6 address that url.Hostname removes.
func bracketIPv6(name string) string {
	if ip, err := netip.ParseAddr(name); err == nil && ip.Is6() {
		return "[" + ip.String() + "]"
	}
	return name
}
