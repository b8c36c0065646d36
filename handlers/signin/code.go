package signin

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"glassjar/handlers/web"
	"glassjar/utl/factor"
	"glassjar/utl/session"
)

// codePath is the page for the second factor of a pending sign-in.
const codePath = "/auth/code"

// CodePage is the data of /auth/code.
type CodePage struct {
	web.Layout

	Username string
	Next     string // the URL to continue to; empty: home
	Mark     string // identifies the pending sign-in
	Recovery bool   // whether the form asks for a recovery code
	App      bool   // whether the account has an authenticator app
	Options  string // options of navigator.credentials.get, as JSON; empty: no suitable passkey
	Problem  string
}

// The texts for a code that was refused.
const (
	codeWrong = "That code is not right. Codes change every 30 seconds; check that your phone sets its clock by itself."
	codeUsed  = "That code was used already. Wait for the next."
	codeSpent = "That recovery code was used already. Take another one."
	codeForm  = "A code is six digits, or a recovery code of 24 letters and digits."
	codeLost  = "That recovery code is not right. Check each letter and digit, or take another one."
	codeLast  = "That was the fifth wrong code. Start again with your password."
	codeOlder = "You began another sign-in in this browser after this one. Start again."
)

// CodeForm answers GET /auth/code: the form for the second factor of a pending sign-in. The
// arg with=recovery asks for a recovery code. Without a pending sign-in it redirects to the
// sign-in form.
func (s *Room) CodeForm(w http.ResponseWriter, r *http.Request) error {
	args, err := web.ReadArgs(r, "next", "with")
	if err != nil {
		return err
	}
	p, err := s.Factors.Find(r.Context(), s.pendingCode(r))
	if errors.Is(err, factor.ErrPending) {
		return s.startAgain(w, r, s.safeNext(args.Get("next")))
	}
	if err != nil {
		return err
	}
	return s.showCode(w, r, http.StatusOK, p, CodePage{Recovery: args.Get("with") == "recovery"})
}

// startAgain answers 303 to the sign-in form, which leads to next and says why.
func (s *Room) startAgain(w http.ResponseWriter, r *http.Request, next string) error {
	s.notePendingOver(r)
	if next == "" {
		return web.SeeOther(w, "/")
	}
	return web.SeeOther(w, "/?"+url.Values{"next": {next}}.Encode())
}

func (s *Room) showCode(w http.ResponseWriter, r *http.Request, status int, pending factor.Pending, p CodePage) error {
	has, err := s.Factors.Of(r.Context(), pending.Account.AccountID)
	if err != nil {
		return err
	}
	p.Username, p.Next, p.Mark, p.App = pending.Account.Username, s.safeNext(pending.Next), mark(s.pendingCode(r)), !has.App.IsZero()
	if p.Options, err = s.Passkeys.AnswerOptions(r.Context(), stepQuestion(s.pendingCode(r)), pending.Account.AccountID); err != nil {
		return err
	}
	p.Recovery = p.Recovery || !p.App && p.Options == ""
	s.allowLeaving(w, p.Next)
	return s.Render(w, status, "auth-code", p)
}

// CodeSubmit answers POST /auth/code: with a right code it signs the person in and redirects
// to next, or after a recovery code to the page that says how many are left. Otherwise it
// shows the form again. Without a pending sign-in it redirects to the sign-in form.
func (s *Room) CodeSubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r, "code", "next", "mark")
	if err != nil {
		return err
	}
	code := s.pendingCode(r)
	pending, err := s.Factors.Find(r.Context(), code)
	if errors.Is(err, factor.ErrPending) {
		return s.startAgain(w, r, s.safeNext(form.Get("next")))
	}
	if err != nil {
		return err
	}
	if sent := form.Get("mark"); sent != "" && sent != mark(code) {
		p := s.emptyForm()
		p.Next, p.Problem = s.safeNext(form.Get("next")), codeOlder
		return s.renderAuth(w, r, http.StatusUnprocessableEntity, p)
	}
	recovery := false
	attempt := s.Attempt(r, pending.Account.Username, form.Get("code"))
	err = s.Authn.Code(r.Context(), attempt, code, func(v session.Verified, claim factor.Claim) error {
		recovery = claim.Recovery
		return s.SignIn(w, r, v, pending.Remember)
	})
	next := s.safeNext(cmp.Or(form.Get("next"), pending.Next))
	if err == nil {
		s.endPending(w)
		s.noteSignIn(r, next)
		if recovery {
			return web.SeeOther(w, "/account/recovery?"+url.Values{"used": {"1"}, "next": {next}}.Encode())
		}
		return s.continueTo(w, r, web.InfoOf(r).Session, next, "")
	}
	return s.codeRefused(w, r, pending, err, form.Get("code"))
}

// codeRefused responds to a code that was refused.
func (s *Room) codeRefused(w http.ResponseWriter, r *http.Request, pending factor.Pending, err error, typed string) error {
	switch {
	case errors.Is(err, factor.ErrPending):
		return s.startAgain(w, r, s.safeNext(pending.Next))
	case errors.Is(err, factor.ErrLast):
		s.endPending(w)
		p := s.emptyForm()
		p.Username, p.Next, p.Remember, p.Problem = pending.Account.Username, s.safeNext(pending.Next), pending.Remember, codeLast
		return s.renderAuth(w, r, http.StatusUnprocessableEntity, p)
	}
	recovery := likeRecovery(typed)
	if problem, status := codeProblem(w, err, typed); problem != "" {
		return s.showCode(w, r, status, pending, CodePage{Recovery: recovery, Problem: problem})
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		return s.showCode(w, r, status, pending, CodePage{Recovery: recovery, Problem: problem})
	})
}

// likeRecovery reports whether the typed text is probably a recovery code.
func likeRecovery(typed string) bool { return utf8.RuneCountInString(typed) > 12 }

// codeProblem returns the text and the status for a refused code, or "" for another error.
func codeProblem(w http.ResponseWriter, err error, typed string) (problem string, status int) {
	if many, ok := errors.AsType[factor.ManyError](err); ok {
		if many.Wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(many.Wait/time.Second)))
		}
		return tooManyCodes(many.Wait), http.StatusTooManyRequests
	}
	used, wrong := codeUsed, codeWrong
	if likeRecovery(typed) {
		used, wrong = codeSpent, codeLost
	}
	for _, one := range []struct {
		err  error
		text string
	}{{factor.ErrUsed, used}, {factor.ErrWrong, wrong}, {factor.ErrForm, codeForm}} {
		if errors.Is(err, one.err) {
			return one.text, http.StatusUnprocessableEntity
		}
	}
	return "", 0
}

// tooManyCodes returns the text for somebody who typed too many wrong codes.
func tooManyCodes(wait time.Duration) string {
	if wait == 0 {
		return "Too many wrong codes. Use a recovery code if you have one left, or ask an owner of this site to clear your second factor."
	}
	hours := int((wait + time.Hour - 1) / time.Hour)
	return fmt.Sprintf("Too many wrong codes. Use a recovery code if you have one left, or wait %s.", web.Span(time.Duration(hours)*time.Hour))
}
