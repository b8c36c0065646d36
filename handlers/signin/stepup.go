package signin

import (
	"net/http"
	"net/url"

	"glassjar/handlers/web"
	"glassjar/utl/account"
)

// StepUpPage is the data of /auth/step-up.
type StepUpPage struct {
	web.Layout

	Next string // where to go on to; empty: home
	App  string // the host that asks for the second factor; empty: this site does

	Passkey bool // the person has a passkey
}

// Again returns the address of the sign-in form, which leads on as this page does.
func (p StepUpPage) Again() string {
	return "/auth?" + url.Values{"other": {"1"}, "next": {p.Next}}.Encode()
}

// To returns the address of a page that adds a factor, which leads on as this one does.
func (p StepUpPage) To(path string) string {
	if p.Next == "" {
		return path
	}
	return path + "?" + url.Values{"next": {p.Next}}.Encode()
}

// Prove returns the address where a recovery code is taken.
func (p StepUpPage) Prove() string { return web.ProofOf(p.Next) }

// StepUp answers GET /auth/step-up: to somebody who signed in with one factor where
// two are needed, how to bring the second; to everybody else 303 to the arg next.
func (s *Room) StepUp(w http.ResponseWriter, r *http.Request, me account.Account) error {
	args, err := web.ReadArgs(r, "next")
	if err != nil {
		return err
	}
	p := StepUpPage{Layout: web.Layout{Me: me}, Next: s.safeNext(args.Get("next"))}
	if found := web.InfoOf(r).Session; found.Level >= 2 {
		return s.continueTo(w, r, found, p.Next, "")
	}
	has, err := s.Factors.Of(r.Context(), me.ID)
	if err != nil {
		return err
	}
	if !has.App.IsZero() {
		return s.showProve(w, r, http.StatusOK, ProvePage{Layout: p.Layout, Next: p.Next})
	}
	if t, ok := s.gateTarget(p.Next); ok {
		p.App = t.Host
		w.Header().Set("Content-Security-Policy", web.CSPLeaving)
	}
	p.Passkey = has.Passkeys > 0
	return s.Render(w, http.StatusOK, "step-up", p)
}
