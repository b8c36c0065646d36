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

	Next string // the URL to continue to; empty: home
	App  string // the app host that demands a second factor; empty: this site does

	Passkey bool // whether the person has a passkey
	Offers  bool // whether the person can add one here
}

// Again returns the URL of the sign-in form that leads to Next.
func (p StepUpPage) Again() string {
	return "/auth?" + url.Values{"other": {"1"}, "next": {p.Next}}.Encode()
}

// To returns the URL of a page that adds a factor and leads to Next.
func (p StepUpPage) To(path string) string {
	if p.Next == "" {
		return path
	}
	return path + "?" + url.Values{"next": {p.Next}}.Encode()
}

// Prove returns the URL of the page that accepts a recovery code and leads to Next.
func (p StepUpPage) Prove() string { return web.ProofOf(p.Next) }

// StepUp answers GET /auth/step-up: to somebody whose session has level 1, how to reach
// level 2; to everybody else 303 to the arg next.
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
	}
	p.Passkey, p.Offers = has.Passkeys > 0, s.Passkeys.On()
	return s.Render(w, http.StatusOK, "step-up", p)
}
