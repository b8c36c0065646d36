package web

import (
	"net/http"
	"net/url"
	"strings"

	"glassjar/utl/account"
)

// ProvePath is the page where people who are signed in prove again who they are.
const ProvePath = "/account/prove"

// Proven is a signed-in person who proved within session.ProofLife who they are. Only
// Site.Prove creates one, so that no handler that needs a proof can be mounted without it.
type Proven struct{ account account.Account }

// Account returns the person's account.
func (p Proven) Account() account.Account { return p.account }

// ProvenOwner is an owner who proved within session.ProofLife who they are.
type ProvenOwner struct{ owned Owned }

// Owner returns the owner.
func (p ProvenOwner) Owner() Owned { return p.owned }

// Proven mounts a handler for people who recently proved who they are. It redirects others to
// ProvePath, which leads back, and does nothing else.
func (s *Site) Proven(fn ProvenFunc) http.Handler {
	return s.Member(func(w http.ResponseWriter, r *http.Request, me account.Account) error {
		if p, ok := s.Prove(r, me); ok {
			return fn(w, r, p)
		}
		return s.ToProve(w, r)
	})
}

// ProvenOwner mounts a handler for owners who recently proved who they are. It redirects
// other owners as Proven does.
func (s *Site) ProvenOwner(fn ProvenOwnerFunc) http.Handler {
	return s.Owner(func(w http.ResponseWriter, r *http.Request, me Owned) error {
		if _, ok := s.Prove(r, me.Account()); ok {
			return fn(w, r, ProvenOwner{me})
		}
		return s.ToProve(w, r)
	})
}

// Prove reports whether the request's person, me, recently proved who they are, for a page of
// which only a part needs that.
func (s *Site) Prove(r *http.Request, me account.Account) (Proven, bool) {
	found := InfoOf(r).Session
	if found.Identity.ID != me.ID || !found.Proven(s.Now()) {
		return Proven{}, false
	}
	return Proven{me}, true
}

// ToProve responds with 303 to ProvePath. That page leads back to the requested page, or
// after a POST to the page with the form.
func (s *Site) ToProve(w http.ResponseWriter, r *http.Request) error {
	return SeeOther(w, ProofOf(s.formPage(r)))
}

// ProofOf returns the URL of ProvePath that leads to next.
func ProofOf(next string) string { return ProvePath + "?" + url.Values{"next": {next}}.Encode() }

// formPage returns the requested page of a GET. For a POST it returns the page with its form:
// that with the same path, or the nearest path above it.
func (s *Site) formPage(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return r.URL.RequestURI()
	}
	for path := r.URL.Path; path != ""; path = path[:strings.LastIndexByte(path, '/')] {
		get := &http.Request{Method: http.MethodGet, Host: r.Host, URL: &url.URL{Path: path}}
		if _, pattern := s.mux.Handler(get); strings.HasPrefix(pattern, http.MethodGet+" ") {
			return (&url.URL{Path: path}).EscapedPath()
		}
	}
	return "/"
}
