package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"glassjar/utl/account"
	"glassjar/utl/session"
)

type (
	// OpenFunc handles a request from anybody.
	OpenFunc func(http.ResponseWriter, *http.Request) error
	// MemberFunc handles a request from somebody who is signed in.
	MemberFunc func(http.ResponseWriter, *http.Request, account.Account) error
	// OwnerFunc handles a request from an owner.
	OwnerFunc func(http.ResponseWriter, *http.Request, Owned) error
	// ProvenFunc handles a request from somebody who recently proved who they are.
	ProvenFunc func(http.ResponseWriter, *http.Request, Proven) error
	// ProvenOwnerFunc handles a request from an owner who recently proved who they are.
	ProvenOwnerFunc func(http.ResponseWriter, *http.Request, ProvenOwner) error
)

// Open mounts a handler for everybody.
func (s *Site) Open(fn OpenFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := fn(w, r); err != nil {
			s.renderError(w, r, err)
		}
	})
}

// Member mounts a handler for signed-in people. It redirects others to the sign-in form,
// which after a GET leads back here, and sessions of too low a level to the step-up page.
func (s *Site) Member(fn MemberFunc) http.Handler {
	return s.Open(func(w http.ResponseWriter, r *http.Request) error {
		found, err := s.CurrentSession(w, r)
		if errors.Is(err, session.ErrNone) {
			return ToSignIn(w, r)
		}
		if err != nil {
			return err
		}
		if found.Level < s.Level && !bringsFactor(r.URL.Path) {
			return s.ToStepUp(w, r)
		}
		return fn(w, r, account.FromSession(found))
	})
}

// bringsFactor reports whether the page adds the second factor to a session. It is open to
// sessions of level 1 even if all other pages require level 2.
func bringsFactor(path string) bool {
	for _, one := range []string{"/auth/step-up", ProvePath, "/account/code", "/account/recovery", "/account/passkeys"} {
		if path == one || strings.HasPrefix(path, one+"/") {
			return true
		}
	}
	return false
}

// ToStepUp responds with 303 to the page that asks for a second factor. That page leads back
// to the requested page, or after a POST to the page with the form.
func (s *Site) ToStepUp(w http.ResponseWriter, r *http.Request) error {
	return SeeOther(w, "/auth/step-up?"+url.Values{"next": {s.formPage(r)}}.Encode())
}

// Owned is a signed-in owner. Only the guard Owner creates one, so that no handler for
// owners can be mounted without it.
type Owned struct{ account account.Account }

// Account returns the owner's account.
func (o Owned) Account() account.Account { return o.account }

// Owner mounts a handler for owners. It responds with 403 to members, and redirects others
// as Member does.
func (s *Site) Owner(fn OwnerFunc) http.Handler {
	return s.Member(func(w http.ResponseWriter, r *http.Request, me account.Account) error {
		if me.Role != account.Owner {
			return errNotOwner
		}
		return fn(w, r, Owned{me})
	})
}

// ToSignIn responds with 303 to the sign-in form, which after a GET leads back to the
// requested page.
func ToSignIn(w http.ResponseWriter, r *http.Request) error {
	to := "/"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		to = "/?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
	}
	return SeeOther(w, to)
}

// CurrentSession returns the request's live session. It signs the cookie again if an old key
// signed it, and clears the cookies if several are valid. Errors: session.Find's.
func (s *Site) CurrentSession(w http.ResponseWriter, r *http.Request) (session.Session, error) {
	v := InfoOf(r)
	if v.Session.SID != "" {
		return v.Session, nil
	}
	found, err := s.sessions.Find(r)
	switch {
	case err == nil:
		v.Session = found
		return found, s.sessions.Renew(w, r, found)
	case errors.Is(err, session.ErrNone) && s.sessions.HasDuplicateCookie(r):
		s.Recent.Count(BrowserKey(r, "cleared"), s.Now())
		return found, errors.Join(err, s.sessions.Clear(w, r))
	}
	return found, err
}
