package signin

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/authn"
	"glassjar/utl/passkey"
	"glassjar/utl/session"
)

// ProvePage is the data of /account/prove.
type ProvePage struct {
	web.Layout

	Next    string // the URL to continue to; empty: home
	Wants   string // what the person wants to do at Next; empty: not known
	App     string // the app host in Next, which demands a second factor; empty: Next is on this site
	Code    bool   // whether the form also asks for a code
	Options string // options of navigator.credentials.get for a passkey alone, as JSON; empty: no suitable one
	Key     string // the same for any passkey, after the password
	Typed   bool   // whether the form also asks for a recovery code: there are passkeys and no app
	Problem string
}

// wants describes what people do on pages with these path prefixes, which need a proof.
var wants = []struct{ path, words string }{
	{"/account/app-passwords", "make or revoke an app password"},
	{"/account/code", "change your authenticator app"},
	{"/account/data", "download your data"},
	{"/account/delete", "delete your account"},
	{"/account/passkeys", "change your passkeys"},
	{"/account/profile", "change your email address"},
	{"/account/recovery", "make recovery codes"},
	{"/apps", "change an app"},
	{"/people/", "change somebody’s account"},
}

// ProveForm answers GET /account/prove: the form with which people who are signed in prove
// again who they are, before they continue to the arg next.
func (s *Room) ProveForm(w http.ResponseWriter, r *http.Request, me account.Account) error {
	args, err := web.ReadArgs(r, "next")
	if err != nil {
		return err
	}
	return s.showProve(w, r, http.StatusOK, ProvePage{Layout: proveLayout(me), Next: s.safeNext(args.Get("next"))})
}

func proveLayout(me account.Account) web.Layout { return web.Layout{Me: me, Here: "/account"} }

func (s *Room) showProve(w http.ResponseWriter, r *http.Request, status int, p ProvePage) error {
	has, err := s.Factors.Of(r.Context(), p.Me.ID)
	if err != nil {
		return err
	}
	p.Code, p.Typed = !has.App.IsZero(), has.App.IsZero() && has.Passkeys > 0
	if p.Options, err = s.Passkeys.AnswerOptions(r.Context(), proofQuestion(r), p.Me.ID); err != nil {
		return err
	}
	if p.Key, err = s.Passkeys.AnswerOptions(r.Context(), keyQuestion(r), p.Me.ID); err != nil {
		return err
	}
	for _, want := range wants {
		if strings.HasPrefix(p.Next, want.path) {
			p.Wants = want.words
		}
	}
	p.App = s.allowLeaving(w, p.Next)
	return s.Render(w, status, "account-prove", p)
}

// ProveSubmit answers POST /account/prove: it stores the proof, gives the session a new
// sid, and answers 303 to the field next, or to home; or it shows the form again.
func (s *Room) ProveSubmit(w http.ResponseWriter, r *http.Request, me account.Account) error {
	form, err := web.ReadForm(r, "password", "code", "next", "answer", "trouble")
	if err != nil {
		return err
	}
	if form.Has("answer") && !form.Has("password") {
		return s.passkeyProof(w, r, me, form)
	}
	p := ProvePage{Layout: proveLayout(me), Next: s.safeNext(form.Get("next"))}
	attempt := s.Attempt(r, me.Username, form.Get("password"))
	done := func(v session.Verified) error { return s.ProveSession(w, r, v) }
	switch {
	case form.Get("code") != "":
		err = s.Authn.Prove(r.Context(), attempt, me, form.Get("code"), done)
	case form.Get("trouble") != "":
		p.Problem = stepStopped
		return s.showProve(w, r, http.StatusUnprocessableEntity, p)
	case form.Get("answer") != "":
		err = s.Authn.ProveByKey(r.Context(), attempt, me, keyQuestion(r), form.Get("answer"), done)
	default:
		err = s.Authn.Prove(r.Context(), attempt, me, "", done)
	}
	if err == nil {
		return s.continueTo(w, r, web.InfoOf(r).Session, p.Next, "")
	}
	return s.passwordProofRefused(w, r, err, form.Get("code"), p)
}

// sentTwice reports whether a proof may have failed because its form was sent twice: then the
// first is the proof. If the account was changed, the next page asks for a sign-in or a proof.
func sentTwice(err error) bool {
	return errors.Is(err, session.ErrChanged) || errors.Is(err, passkey.ErrUsed)
}

// passwordProofRefused responds to a proof with a password that was refused.
func (s *Room) passwordProofRefused(w http.ResponseWriter, r *http.Request, err error, code string, p ProvePage) error {
	problem, status := codeProblem(w, err, code)
	switch {
	case sentTwice(err):
		return web.SeeOther(w, cmp.Or(p.Next, "/"))
	case errors.Is(err, account.ErrSignIn):
		problem, status = "The password is not right. Check it, then try again.", http.StatusUnprocessableEntity
	case errors.Is(err, authn.ErrSecond):
		problem, status = "Your password alone is not enough: your account has a second factor. Type a code too, or use a passkey.", http.StatusUnprocessableEntity
	}
	show := func(problem string, status int) error {
		p.Problem = problem
		return s.showProve(w, r, status, p)
	}
	if problem == "" {
		return s.passkeyProblem(w, r, err, stepRefused, show)
	}
	return show(problem, status)
}
