package gate

import (
	"strings"
	"sync"
	"sync/atomic"

	"glassjar/utl/hosts"
)

// Rule says who may open an app, or the hosts of an entry of GATE_HOSTS.
type Rule struct {
	ID       string // the app's; empty: an entry of GATE_HOSTS
	Name     string // the app's
	Host     hosts.Pattern
	Groups   []string // members of any of them may pass; none: everybody who is signed in
	Level    int      // the lowest session level
	Programs bool     // whether app passwords are accepted; only with level 1
	Tally    *Tally   // counts recent questions; created by Rules and New
}

// TakesPrograms reports whether the rule accepts app passwords.
func (r *Rule) TakesPrograms() bool { return r.Programs && r.Level < 2 }

// Rules are the rules of the apps. The gate reads them without a lock. Before Set,
// and after Forget, the rules are unknown and nobody passes.
type Rules struct {
	known atomic.Pointer[table]

	mu      sync.Mutex
	tallies map[string]*Tally // by app id
}

// table finds the rule of a host. A rule for exactly this host wins over those for all
// hosts below a name, of which the longest name wins.
type table struct {
	exact, below map[string]*Rule
}

// Set replaces the rules. The tallies of apps that stay continue.
func (r *Rules) Set(all []Rule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, tallies := table{map[string]*Rule{}, map[string]*Rule{}}, map[string]*Tally{}
	for _, one := range all {
		if one.Tally = r.tallies[one.ID]; one.Tally == nil {
			one.Tally = &Tally{}
		}
		tallies[one.ID] = one.Tally
		if parent := one.Host.Parent(); parent != "" {
			t.below[parent] = &one
		} else {
			t.exact[one.Host.Name()] = &one
		}
	}
	r.tallies = tallies
	r.known.Store(&t)
}

// Forget makes nobody pass until the next Set, because the rules may be outdated.
func (r *Rules) Forget() { r.known.Store(nil) }

// Tally returns the tally of the app with the id.
func (r *Rules) Tally(id string) *Tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	if found := r.tallies[id]; found != nil {
		return found
	}
	return &Tally{}
}

// find returns the rule of the host's name, or nil.
func (t *table) find(name string) *Rule {
	if found := t.exact[name]; found != nil || len(t.below) == 0 {
		return found
	}
	for {
		var ok bool
		if _, name, ok = strings.Cut(name, "."); !ok {
			return nil
		}
		if found := t.below[name]; found != nil {
			return found
		}
	}
}

// overHTTP reports whether people sign in over https and the target is http: a gate cookie
// would be sent over http.
func (g *Gate) overHTTP(t Target) bool { return g.public.Scheme == "https" && !t.Secure() }

// empty reports whether there is no app.
func (t *table) empty() bool { return len(t.exact)+len(t.below) == 0 }

// rule returns the rule for the target, or nil if the gate does not answer for its host;
// known is false before the rules are known. An app's rule applies to every port of its
// hosts, because the client chooses the port: on another port than the app's nobody
// passes, whatever GATE_HOSTS says.
func (g *Gate) rule(t Target) (found *Rule, known bool) {
	apps := g.apps.known.Load()
	switch {
	case apps == nil:
		return nil, false
	case g.overHTTP(t):
		return nil, true
	}
	if t.Name != g.own {
		found = apps.find(t.Name)
	}
	if found != nil {
		if !found.Host.Matches(t.Name, t.port) {
			found = nil
		}
		return found, true
	}
	for _, r := range g.hosts {
		if r.Host.Matches(t.Name, t.port) {
			return r, true
		}
	}
	return nil, true
}
