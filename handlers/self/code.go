package self

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/factor"
)

// CodePage is the data of /account/code.
type CodePage struct {
	web.Layout
	onward

	Done       string // what was just done, as a sentence
	On         bool   // whether an authenticator app is turned on
	SetUp      bool   // whether the page shows the set-up of a first or new app
	Since      web.Moment
	LastUsedAt web.Moment
	Last       bool   // whether it is the account's only second factor
	Secret     string // in groups of four characters
	Address    string // the otpauth: URI, without "otpauth:"
	Problem    string
}

// codeDone are the sentences of /account/code for its arg done.
var codeDone = map[string]string{"added": "Your authenticator app is on. You were signed out everywhere else."}

// setUpCookie returns the name of the cookie with the encrypted secret of an
// authenticator app that is being set up. Because the browser keeps it, opening the page
// writes nothing.
func (s *Room) setUpCookie() string {
	if s.HTTPS {
		return "__Host-glassjar-setup"
	}
	return "glassjar-setup"
}

// sendSetUp sets the cookie; "" deletes it.
func (s *Room) sendSetUp(w http.ResponseWriter, sealed string) {
	age := int(factor.SetUpLife / time.Second)
	if sealed == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{ // #nosec G124 -- Secure if the site uses https
		Name: s.setUpCookie(), Value: sealed, Path: "/", MaxAge: age, Expires: s.Now().Add(time.Duration(age) * time.Second), HttpOnly: true, Secure: s.HTTPS, SameSite: http.SameSiteLaxMode,
	})
}

// setUp returns the value of the request's cookie and the secret in it. Errors:
// factor.ErrSetUp.
func (s *Room) setUp(r *http.Request, me account.Account) (sealed string, secret factor.Secret, err error) {
	err = factor.ErrSetUp
	for _, c := range r.CookiesNamed(s.setUpCookie()) {
		if secret, err = s.Factors.SetUp(me.ID, c.Value); err == nil {
			return c.Value, secret, nil
		}
	}
	return "", factor.Secret{}, err
}

// Code answers GET /account/code: the authenticator app that is turned on or, if there is
// none or with the arg new, the three steps that set one up.
func (s *Room) Code(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	args, err := web.ReadArgs(r, "done", "new", "next")
	if err != nil {
		return err
	}
	p := CodePage{Layout: layout(proven.Account()), Done: codeDone[args.Get("done")], SetUp: args.Get("new") != "", onward: s.onward(w, args.Get("next"))}
	return s.showCode(w, r, http.StatusOK, p)
}

func (s *Room) showCode(w http.ResponseWriter, r *http.Request, status int, p CodePage) error {
	st, err := s.Factors.Of(r.Context(), p.Me.ID)
	if err != nil {
		return err
	}
	now := s.Now()
	p.On, p.Since, p.LastUsedAt, p.Last = !st.App.IsZero(), web.MomentAt(st.App, now), web.MomentAt(st.AppUsed, now), st.Passkeys == 0
	if p.SetUp = p.SetUp || !p.On; p.SetUp {
		_, secret, err := s.setUp(r, p.Me)
		if errors.Is(err, factor.ErrSetUp) {
			var sealed string
			sealed, secret = s.Factors.NewSetUp(p.Me.ID)
			s.sendSetUp(w, sealed)
		}
		p.Secret = web.InFours(secret.Text())
		_, p.Address, _ = strings.Cut(s.Factors.URI(secret, p.Me.Username), ":")
	}
	return s.Render(w, status, "account-code", p)
}

// CodePicture answers GET /account/code/qr.png: the QR code of the app that is being set up, or
// 404.
func (s *Room) CodePicture(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	me := proven.Account()
	_, secret, err := s.setUp(r, me)
	if err != nil {
		return web.ErrNotFound
	}
	picture, err := factor.Picture(s.Factors.URI(secret, me.Username))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "image/png")
	_, err = w.Write(picture) // #nosec G705 -- a PNG image
	return err
}

// CodeSubmit answers POST /account/code: it turns the app on, and answers 200 with the
// account's first recovery codes, or 303 if it had some; or it shows the same steps
// again. The field next is the URL to continue to.
func (s *Room) CodeSubmit(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	form, err := web.ReadForm(r, "code", "next")
	if err != nil {
		return err
	}
	me, to := proven.Account(), s.onward(w, form.Get("next"))
	sealed, _, err := s.setUp(r, me)
	var codes []string
	if err == nil {
		codes, err = s.Factors.Confirm(r.Context(), me.Identity, factor.Confirmation{
			SetUp: sealed, Code: form.Get("code"), SID: web.InfoOf(r).Session.SID,
		}, web.Actor(r))
	}
	if err == nil {
		s.sendSetUp(w, "")
		s.raise(w, r, me, "otp pwd")
	}
	switch {
	case err == nil && codes != nil:
		return s.showRecoveryMade(w, RecoveryMadePage{Layout: layout(me), onward: to, Done: codeDone["added"]}, codes)
	case err == nil, errors.Is(err, factor.ErrUsed): // ErrUsed: the same form was sent twice
		return to.or(w, "/account/code?done=added")
	case errors.Is(err, factor.ErrSetUp) && s.justSetUp(r, me):
		return to.or(w, "/account/code?done=added")
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		return s.showCode(w, r, status, CodePage{Layout: layout(me), onward: to, SetUp: true, Problem: problem})
	})
}

// justSetUp reports whether an app was turned on while the form was good that this request sends
// without its set-up: then it was sent before.
func (s *Room) justSetUp(r *http.Request, me account.Account) bool {
	st, err := s.Factors.Of(r.Context(), me.ID)
	age := s.Now().Sub(st.App)
	return err == nil && len(r.CookiesNamed(s.setUpCookie())) == 0 && age >= 0 && age < factor.SetUpLife
}

// CodeRemove answers POST /account/code/remove: it turns the authenticator app off, 303.
func (s *Room) CodeRemove(w http.ResponseWriter, r *http.Request, proven web.Proven) error {
	err := s.Factors.RemoveApp(r.Context(), proven.Account().Identity, web.InfoOf(r).Session.SID, web.Actor(r))
	if err != nil && !errors.Is(err, factor.ErrOff) {
		return err
	}
	return web.SeeOther(w, "/account?done=code-removed")
}
