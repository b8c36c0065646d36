package signin

import (
	"context"
	"errors"
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/factor"
	"glassjar/utl/session"
)

// AuthPage is the data of the sign-in form.
type AuthPage struct {
	web.Layout

	Username string
	Next     string // where to go on to; empty: home
	To       string // what people are told of it
	Remember bool
	Problem  string // with what was typed
	Again    string // why the form comes again
	Done     string // what was done just now, in words
	Cookie   string // the session cookie's name
	Device   string // the known device's cookie's name
	SignUp   bool   // everybody may make an account, or ask for one
	Waiting  bool   // the password was right, and the account waits for an owner's yes
	Deleted  bool   // the person has just deleted their account
	Empty    bool   // nobody has an account yet
	Cut      bool   // the address of the app's page was too long to keep
	Passkey  string // the cookie's name that a passkey's challenge is bound to
	Options  string // what the browser asks for a passkey by; empty: there are none here
	Signal   string // what the device is told of a passkey that nobody has
	Secure   string // this page's address over https, where it was opened over http
}

// AuthForm answers GET /auth: the sign-in form with the args username and
// next in it, or, signed in, 303 to next, or to the ticket for it when nonce
// names the browser. With the arg other, it is the form in any case: somebody
// else wants to sign in.
func (s *Room) AuthForm(w http.ResponseWriter, r *http.Request) error {
	args, err := web.ReadArgs(r, "next", "nonce", "other")
	if err != nil {
		return err
	}
	found, err := s.CurrentSession(w, r)
	if errors.Is(err, session.ErrNone) || err == nil && args.Has("other") {
		return s.showAuth(w, r)
	}
	if err != nil {
		return err
	}
	return s.continueTo(w, r, found, s.safeNext(args.Get("next")), args.Get("nonce"))
}

// emptyForm returns the form without anything in it.
func (s *Room) emptyForm() AuthPage {
	return AuthPage{Cookie: s.Sessions.Name(), Device: s.Devices.Name(), Passkey: s.passkeyCookie(), SignUp: s.signUp()}
}

// showAuth shows the sign-in form to somebody who is signed out.
func (s *Room) showAuth(w http.ResponseWriter, r *http.Request) error {
	args, err := web.ReadArgs(r, "username", "next", "cut", "done")
	if err != nil {
		return err
	}
	empty := s.empty(r.Context())
	next := s.safeNext(args.Get("next"))
	again, overHTTP := s.whyAgain(r, next), s.overHTTP(r)
	if len(args) == 0 && !empty && again == "" && !overHTTP {
		return s.showBlank(w, r)
	}
	p := s.emptyForm()
	p.Empty, p.Username, p.Next, p.Again, p.Cut = empty, account.Trim(args.Get("username")), next, again, args.Has("cut")
	p.Done, p.Deleted = signInDone[args.Get("done")], args.Get("done") == "deleted"
	if overHTTP {
		p.Secure = s.PublicURL.String() + r.URL.RequestURI()
	}
	return s.renderAuth(w, r, http.StatusOK, p)
}

// precompileBlank cuts the form with nothing in it at the passkey's options.
func (s *Room) precompileBlank() (err error) {
	var values []int // how often each value stands in it
	if s.Passkeys.On() {
		values = []int{1}
	}
	s.blank, err = s.PageSet.Precompile("auth", func(v []string) any {
		p := s.emptyForm()
		if len(v) > 0 {
			p.Options = v[0]
		}
		return p
	}, values...)
	return err
}

// showBlank answers with the form with nothing in it.
func (s *Room) showBlank(w http.ResponseWriter, r *http.Request) error {
	options, err := s.signInOptions(w, r)
	if err != nil {
		return err
	}
	return s.WriteHTML(w, http.StatusOK, s.blank.Append(nil, options))
}

// renderAuth answers with the sign-in form. It says on which host one goes on.
func (s *Room) renderAuth(w http.ResponseWriter, r *http.Request, status int, p AuthPage) (err error) {
	if p.Options, err = s.signInOptions(w, r); err != nil {
		return err
	}
	p.To = p.Next
	if t, ok := s.gateTarget(p.Next); ok {
		p.To = t.Host
		w.Header().Set("Content-Security-Policy", web.CSPLeaving)
	}
	return s.Render(w, status, "auth", p)
}

// AuthSubmit answers POST /auth: it signs the person in, or, where a second factor
// has to follow, leads to it; or it shows the form again with the name kept and the
// password gone.
func (s *Room) AuthSubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r, "username", "password", "next", "remember")
	if err != nil {
		return err
	}
	p := s.emptyForm()
	p.Username, p.Next = account.Trim(form.Get("username")), s.safeNext(form.Get("next"))
	p.Remember, p.Empty = form.Get("remember") != "", s.empty(r.Context())
	var pending bool
	err = s.Authn.Password(r.Context(), s.Attempt(r, p.Username, form.Get("password")), func(v session.Verified) error {
		return s.SignIn(w, r, v, p.Remember)
	}, func(v session.Verified) error {
		pending = true
		return s.beginPending(w, r, factor.Pending{Account: v, Remember: p.Remember, Next: p.Next})
	})
	switch {
	case err == nil && pending:
		return web.SeeOther(w, codePath)
	case err == nil:
		s.noteSignIn(r, p.Next)
		return s.continueTo(w, r, web.InfoOf(r).Session, p.Next, "")
	case errors.Is(err, account.ErrWaiting):
		p.Waiting = true
		return s.renderAuth(w, r, http.StatusUnprocessableEntity, p)
	case errors.Is(err, account.ErrSignIn):
		p.Problem = "The username or the password is not right. Check both, then try again."
		return s.renderAuth(w, r, http.StatusUnprocessableEntity, p)
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p.Problem = problem
		return s.renderAuth(w, r, status, p)
	})
}

// empty reports whether the site has no account yet, so that nobody can sign
// in. Once there is one there always is, and the database is not asked again.
func (s *Room) empty(ctx context.Context) bool {
	if s.founded.Load() {
		return false
	}
	has, err := s.Accounts.Any(ctx)
	if has {
		s.founded.Store(true)
	}
	return err == nil && !has
}
