package web

import (
	"net/http"
	"net/url"
	"strings"

	"glassjar/utl/account"
)

// ProvePath is the page where somebody signed in proves again who they are.
const ProvePath = "/account/prove"

// Proven is somebody signed in who proved within session.ProofLife who they are.
// Only Site.Prove makes one, so that no act that needs a proof can be mounted, or
// done, without it.
type Proven struct{ account account.Account }

// Account returns the person's account.
func (p Proven) Account() account.Account { return p.account }

// ProvenOwner is an owner who did so.
type ProvenOwner struct{ owned Owned }

// Owner returns the owner.
func (p ProvenOwner) Owner() Owned { return p.owned }

// Proven mounts a page for people who proved lately who they are. Others are sent
// to ProvePath, which leads back, and nothing is done.
func (s *Site) Proven(fn ProvenFunc) http.Handler {
	return s.Member(func(w http.ResponseWriter, r *http.Request, me account.Account) error {
		if p, ok := s.Prove(r, me); ok {
			return fn(w, r, p)
		}
		return s.ToProve(w, r)
	})
}

// ProvenOwner mounts a page for owners who proved lately who they are. Other owners
// are sent to ProvePath as by Proven.
func (s *Site) ProvenOwner(fn ProvenOwnerFunc) http.Handler {
	return s.Owner(func(w http.ResponseWriter, r *http.Request, me Owned) error {
		if _, ok := s.Prove(r, me.Account()); ok {
			return fn(w, r, ProvenOwner{me})
		}
		return s.ToProve(w, r)
	})
}

// Prove reports whether the request's person, me, proved lately who they are, for
// a page of which only a part needs it.
func (s *Site) Prove(r *http.Request, me account.Account) (Proven, bool) {
	found := InfoOf(r).Session
	if found.Identity.ID != me.ID || !found.Proven(s.Now()) {
		return Proven{}, false
	}
	return Proven{me}, true
}

// ToProve answers 303 to the page where one proves who one is, which leads back to
// the page that a GET asked for, or that has the form.
func (s *Site) ToProve(w http.ResponseWriter, r *http.Request) error {
	return SeeOther(w, ProofOf(s.formPage(r)))
}

// ProofOf returns the address of ProvePath that leads on to next.
func ProofOf(next string) string { return ProvePath + "?" + url.Values{"next": {next}}.Encode() }

// formPage returns the page that a GET asks for or that has a POST's form: the one
// at the same path, or else the nearest above it.
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
