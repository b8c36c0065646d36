package signin

import (
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/account"
)

// StepUpPage is the data of /auth/step-up.
type StepUpPage struct {
	web.Layout

	Next string // where to go on to; empty: home
	App  string // the host that asks for the second factor; empty: this site does
}

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
	if t, ok := s.gateTarget(p.Next); ok {
		p.App = t.Host
		w.Header().Set("Content-Security-Policy", cspLeaving)
	}
	return s.Render(w, http.StatusOK, "step-up", p)
}
