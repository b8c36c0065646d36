// Package gate implements forward authentication: it parses a proxy's question
// about a request to an app, decides whether that request may pass, builds the URLs
// of the sign-in, and signs who passes. It refuses a question that two programs
// could read differently. It writes no HTTP.
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
	errHosts = errors.New("GATE_HOSTS has an entry that is no host") // config refuses it before
)

// maxReturnURL is how many bytes a return URL has at most, escaped: by default nginx
// reads a response's headers into 4 KB.
const maxReturnURL = 3000

// Options are what a Gate needs.
type Options struct {
	Public *url.URL   // where people sign in
	Hosts  []string   // GATE_HOSTS
	Apps   *Rules     // nil: there are no apps
	Domain string     // COOKIE_DOMAIN, may be empty
	Keys   [][32]byte // seeds of the keys for assertions: the first signs
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

	unattributed Tally // of no host
	unlisted     unlistedHosts
}

// New returns a gate. Errors: a malformed host, no key.
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

// Allows reports whether the gate answers for the target: its host is an app's or
// one of GATE_HOSTS and, where people sign in over https, the target is https too,
// so that no gate cookie goes over plain http.
func (g *Gate) Allows(t Target) bool {
	found, _ := g.rule(t)
	return found != nil
}

// Enabled reports whether there is a host that the gate answers for.
func (g *Gate) Enabled() bool {
	apps := g.apps.known.Load()
	return len(g.hosts) > 0 || apps != nil && !apps.empty()
}

// ParseHost returns the host that somebody typed, in the form of Target.Name, and
// reports whether the gate answers for it on some port. A port is refused.
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

// ReturnTarget returns the target that the URL names, and reports whether people are
// led on to it.
func (g *Gate) ReturnTarget(raw string) (Target, bool) {
	t, err := ParseURL(raw)
	return t, err == nil && len(Escape(t.String())) <= maxReturnURL && g.Allows(t)
}

// IsSignInHost reports whether the target is on the host where people sign in, on
// whatever port: cookies do not tell ports apart.
func (g *Gate) IsSignInHost(t Target) bool { return t.Name == g.own }

// CookieScope is the scope of a gate cookie: one host, or a domain with all its
// subdomains.
type CookieScope struct {
	Host   string
	Domain bool // Host is COOKIE_DOMAIN
	Secure bool // it is reached over https
}

// CookieScope returns the scope of the target's gate cookie: all hosts of
// COOKIE_DOMAIN share one, every other host has its own.
func (g *Gate) CookieScope(t Target) CookieScope {
	if g.domain != "" && t.Secure() && (t.Name == g.domain || strings.HasSuffix(t.Name, "."+g.domain)) {
		return CookieScope{Host: g.domain, Domain: true, Secure: true}
	}
	return CookieScope{Host: t.Name, Secure: t.Secure()}
}

// SignIn returns the absolute URL of the sign-in that leads back to the target, byte
// for byte. For a method other than GET and HEAD it leads to the page that the
// request came from, or, if that is unknown or on another host, to the target's
// root. A target of over 3,000 bytes, escaped, becomes its root too, and the URL
// then has the arg "cut".
func (g *Gate) SignIn(a Request) string { return g.signIn("/?next=", a) }

// SignInAsOther returns the same for somebody who is signed in.
func (g *Gate) SignInAsOther(a Request) string { return g.signIn("/auth?other=1&next=", a) }

// StepUp returns the same for somebody who is signed in with too few factors.
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

// bracketIPv6 puts the brackets back that url.Hostname takes from IPv6 addresses.
func bracketIPv6(name string) string {
	if ip, err := netip.ParseAddr(name); err == nil && ip.Is6() {
		return "[" + ip.String() + "]"
	}
	return name
}
