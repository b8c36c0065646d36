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

// What people are told of a passkey that is no second step, or no proof.
//
// #nosec G101 -- these are sentences
const (
	stepRefused  = "That passkey is not good here. Try another one, or another way."
	stepStopped  = "That did not work, or you stopped it. Try once more, or another way."
	proofRefused = "That passkey does not confirm that it is you. Use your password."
)

// stepQuestion is what a second step's challenge is for: the pending sign-in with
// the code.
func stepQuestion(code string) passkey.Question {
	return passkey.Question{Use: passkey.SecondStep, Holder: code}
}

// passkeyStep answers POST /auth/passkey of the form that has a mark: it ends the
// pending sign-in with a passkey, 303 to where it leads, or shows the form again.
// Without a pending sign-in it leads to the sign-in form.
func (s *Room) passkeyStep(w http.ResponseWriter, r *http.Request, form url.Values) error {
	code := s.pendingCode(r)
	pending, err := s.Factors.Find(r.Context(), code)
	if errors.Is(err, factor.ErrPending) {
		return startAgain(w, s.safeNext(form.Get("next")))
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
		return startAgain(w, next)
	}
	return s.passkeyProblem(w, r, err, stepRefused, func(problem string, status int) error {
		return s.showCode(w, r, status, pending, CodePage{Problem: problem})
	})
}

// passkeyProblem shows the form again with what is wrong with the passkey, where it
// is refused by that sentence; or it returns the error.
func (s *Room) passkeyProblem(w http.ResponseWriter, r *http.Request, err error, refused string, show func(problem string, status int) error) error {
	switch {
	case errors.Is(err, passkey.ErrExpired):
		return show(passkeyLate, http.StatusUnprocessableEntity)
	case errors.Is(err, authn.ErrPasskey):
		return show(refused, http.StatusUnprocessableEntity)
	}
	return s.RerenderForm(w, r, err, show)
}

// proofQuestion is what a proof's challenge is for: this session.
func proofQuestion(r *http.Request) passkey.Question {
	return passkey.Question{Use: passkey.Proof, Holder: web.InfoOf(r).Session.SID}
}

// passkeyProof answers POST /account/prove of the passkey's form: as ProveSubmit.
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
	return s.passkeyProblem(w, r, err, proofRefused, func(problem string, status int) error {
		p.Problem = problem
		return s.showProve(w, r, status, p)
	})
}
