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
	// OpenFunc answers a page for everybody.
	OpenFunc func(http.ResponseWriter, *http.Request) error
	// MemberFunc answers a page for signed-in people.
	MemberFunc func(http.ResponseWriter, *http.Request, account.Account) error
	// OwnerFunc answers a page for owners.
	OwnerFunc func(http.ResponseWriter, *http.Request, Owned) error
	// ProvenFunc answers a page for people who proved lately who they are.
	ProvenFunc func(http.ResponseWriter, *http.Request, Proven) error
	// ProvenOwnerFunc answers a page for owners who did.
	ProvenOwnerFunc func(http.ResponseWriter, *http.Request, ProvenOwner) error
)

// Open mounts a page for everybody.
func (s *Site) Open(fn OpenFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := fn(w, r); err != nil {
			s.renderError(w, r, err)
		}
	})
}

// Member mounts a page for signed-in people. Others are sent to the sign-in
// form, which leads back here, unless the request was a POST.
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

// bringsFactor reports whether the page brings a session its second factor: it opens
// to one of level 1 wherever others need two.
func bringsFactor(path string) bool {
	for _, one := range []string{"/auth/step-up", ProvePath, "/account/code", "/account/recovery", "/account/passkeys"} {
		if path == one || strings.HasPrefix(path, one+"/") {
			return true
		}
	}
	return false
}

// ToStepUp answers 303 to the page that brings a second factor, which leads back to
// the page that a GET asked for, or that has the form.
func (s *Site) ToStepUp(w http.ResponseWriter, r *http.Request) error {
	return SeeOther(w, "/auth/step-up?"+url.Values{"next": {s.formPage(r)}}.Encode())
}

// Owned is a signed-in owner. Only the guard Owner makes one, so that no owner's
// page can be mounted without it.
type Owned struct{ account account.Account }

// Account returns the owner's account.
func (o Owned) Account() account.Account { return o.account }

// Owner mounts a page for owners. A member gets 403; who is signed out is sent to
// the sign-in form as by Member.
func (s *Site) Owner(fn OwnerFunc) http.Handler {
	return s.Member(func(w http.ResponseWriter, r *http.Request, me account.Account) error {
		if me.Role != account.Owner {
			return errNotOwner
		}
		return fn(w, r, Owned{me})
	})
}

// ToSignIn answers 303 to the sign-in form, which leads back to the page that a
// GET asked for.
func ToSignIn(w http.ResponseWriter, r *http.Request) error {
	to := "/"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		to = "/?" + url.Values{"next": {r.URL.RequestURI()}}.Encode()
	}
	return SeeOther(w, to)
}

// CurrentSession returns the request's live session, and sees to its cookie: signed again
// when an old key signed it, cleared when there were two.
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
