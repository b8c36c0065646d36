package signin

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/authn"
	"glassjar/utl/factor"
	"glassjar/utl/passkey"
	"glassjar/utl/session"
)

// The texts for a passkey that is refused as a second step or as a proof.
//
// #nosec G101 -- these are sentences
const (
	stepRefused  = "That passkey is not good here. Try another one, or another way."
	stepStopped  = "That did not work, or you stopped it. Try once more, or another way."
	proofRefused = "That passkey does not confirm that it is you. Try another one, or another way."
)

// stepQuestion is the Question of a second step: bound to the pending sign-in with the code.
func stepQuestion(code string) passkey.Question {
	return passkey.Question{Use: passkey.SecondStep, Holder: code}
}

// passkeyStep answers POST /auth/passkey with the field mark: it completes the pending
// sign-in with a passkey and redirects to its next, or shows the form again. Without a
// pending sign-in it redirects to the sign-in form.
func (s *Room) passkeyStep(w http.ResponseWriter, r *http.Request, form url.Values) error {
	code := s.pendingCode(r)
	pending, err := s.Factors.Find(r.Context(), code)
	if errors.Is(err, factor.ErrPending) {
		return s.startAgain(w, r, s.safeNext(form.Get("next")))
	}
	if err != nil {
		return err
	}
	if form.Get("mark") != mark(code) {
		p := s.emptyForm()
		p.Next, p.Problem = s.safeNext(form.Get("next")), codeOlder
		return s.renderAuth(w, r, http.StatusUnprocessableEntity, p)
	}
	if whyUnanswered(form.Get("answer"), form.Get("trouble")) != "" {
		return s.showCode(w, r, http.StatusUnprocessableEntity, pending, CodePage{Problem: stepStopped})
	}
	attempt := s.Attempt(r, pending.Account.Username, "")
	err = s.Authn.PasskeyStep(r.Context(), attempt, pending, stepQuestion(code), form.Get("answer"), func(v session.Verified) error {
		return s.SignIn(w, r, v, pending.Remember)
	})
	next := s.safeNext(cmp.Or(form.Get("next"), pending.Next))
	switch {
	case err == nil:
		s.endPending(w)
		s.noteSignIn(r, next)
		return s.continueTo(w, r, web.InfoOf(r).Session, next, "")
	case errors.Is(err, factor.ErrPending):
		return s.startAgain(w, r, next)
	}
	return s.passkeyProblem(w, r, err, stepRefused, func(problem string, status int) error {
		return s.showCode(w, r, status, pending, CodePage{Problem: problem})
	})
}

// passkeyProblem calls show with a text for the error of a passkey; refused is the text if it
// was refused. It returns other errors.
func (s *Room) passkeyProblem(w http.ResponseWriter, r *http.Request, err error, refused string, show func(problem string, status int) error) error {
	switch {
	case errors.Is(err, passkey.ErrExpired):
		return show(passkeyLate, http.StatusUnprocessableEntity)
	case errors.Is(err, authn.ErrPasskey):
		return show(refused, http.StatusUnprocessableEntity)
	}
	return s.RerenderForm(w, r, err, show)
}

// proofQuestion is the Question of a proof: bound to the session.
func proofQuestion(r *http.Request) passkey.Question {
	return passkey.Question{Use: passkey.Proof, Holder: web.InfoOf(r).Session.SID}
}

// keyQuestion is the Question of a passkey after the password, in a proof.
func keyQuestion(r *http.Request) passkey.Question {
	return passkey.Question{Use: passkey.SecondStep, Holder: web.InfoOf(r).Session.SID}
}

// passkeyProof answers POST /account/prove with a passkey's answer, as ProveSubmit does.
func (s *Room) passkeyProof(w http.ResponseWriter, r *http.Request, me account.Account, form url.Values) error {
	p := ProvePage{Layout: proveLayout(me), Next: s.safeNext(form.Get("next"))}
	if whyUnanswered(form.Get("answer"), form.Get("trouble")) != "" {
		p.Problem = stepStopped
		return s.showProve(w, r, http.StatusUnprocessableEntity, p)
	}
	err := s.Authn.ProveByPasskey(r.Context(), s.Attempt(r, me.Username, ""), me, proofQuestion(r), form.Get("answer"), func(v session.Verified) error {
		return s.ProveSession(w, r, v)
	})
	if err == nil {
		return s.continueTo(w, r, web.InfoOf(r).Session, p.Next, "")
	}
	if sentTwice(err) {
		return web.SeeOther(w, cmp.Or(p.Next, "/"))
	}
	return s.passkeyProblem(w, r, err, proofRefused, func(problem string, status int) error {
		p.Problem = problem
		return s.showProve(w, r, status, p)
	})
}
