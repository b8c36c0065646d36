package signin

import (
	"cmp"
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
	Next     string // the URL to continue to; empty: home
	To       string // Next as people see it
	Remember bool
	Problem  string // what is wrong with what was typed
	Again    string // why the person sees the form again
	Done     string // what was just done, as a sentence
	Cookie   string // the session cookie's name
	Device   string // the known device's cookie's name
	SignUp   bool   // whether people may create an account, or ask for one
	Waiting  bool   // the password was right, but the account waits for approval
	Deleted  bool   // the person has just deleted their account
	Empty    bool   // no account exists yet
	Cut      bool   // the URL of the app's page was too long to be remembered
	Passkey  string // the name of the cookie to which a passkey's challenge is bound
	Options  string // options of navigator.credentials.get, as JSON; empty: passkeys are off
	Signal   string // input of signalUnknownCredential, as JSON, about a passkey that no account has
	Secure   string // this page's https URL, if it was opened over http
}

// AuthForm answers GET /auth: the sign-in form, with the args username and next filled in. If
// somebody is signed in, it answers 303 to next, or, with the arg nonce, to a ticket bound to
// that nonce. With the arg other it always shows the form: another person wants to sign in.
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

// emptyForm returns the data of the form without input.
func (s *Room) emptyForm() AuthPage {
	return AuthPage{Cookie: s.Sessions.Name(), Device: s.Devices.Name(), Passkey: s.passkeyCookie(), SignUp: s.signUp()}
}

// showAuth shows the sign-in form to somebody who is not signed in.
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

// precompileBlank precompiles the form without input. Its only value is the passkey options.
func (s *Room) precompileBlank() (err error) {
	var values []int // how often each value appears
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

// showBlank shows the form without input.
func (s *Room) showBlank(w http.ResponseWriter, r *http.Request) error {
	options := s.signInOptions(w, r)
	return s.writePage(w, func(b []byte) []byte { return s.blank.Append(b, options) })
}

// renderAuth shows the sign-in form. It says to which host the person will be redirected.
func (s *Room) renderAuth(w http.ResponseWriter, r *http.Request, status int, p AuthPage) error {
	p.Options, p.To = s.signInOptions(w, r), cmp.Or(s.allowLeaving(w, p.Next), p.Next)
	return s.Render(w, status, "auth", p)
}

// AuthSubmit answers POST /auth: it signs the person in, or redirects to /auth/code if a
// second factor is needed, or shows the form again with the name kept and the password gone.
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
		s.notePending(r)
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

// empty reports whether no account exists, so that nobody can sign in. Once one exists, it
// does not ask the database again.
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
