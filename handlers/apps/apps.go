package apps

import (
	"net/http"

	"glassjar/handlers/web"
	"glassjar/utl/app"
)

// Page is the data of /apps.
type Page struct {
	web.Layout

	Apps      []row
	Listed    []row // hosts of GATE_HOSTS that are not an app's
	Strangers []stranger
	Done      string // what was just done, as a sentence
}

// row is an app in the table.
type row struct {
	app.App

	State state
}

// List answers GET /apps: the apps, whether their proxies ask the gate, and what was
// refused for hosts of no app.
func (s *Room) List(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	args, err := web.ReadArgs(r, "done")
	if err != nil {
		return err
	}
	all, err := s.Apps.List(r.Context())
	if err != nil {
		return err
	}
	now := s.Now()
	p := Page{Layout: layout(me), Strangers: strangers(s.Gate.Unattributed(now), now)}
	if args.Get("done") == "removed" {
		p.Done = "The app is removed. The gate answers for its host no more, unless GATE_HOSTS has it."
	}
	for _, one := range all {
		p.Apps = append(p.Apps, row{one, stateOf(s.Apps.Rules.Tally(one.ID), now)})
	}
	for _, one := range s.Gate.Listed() {
		p.Listed = append(p.Listed, row{app.App{Host: one.Name}, stateOf(one.Tally, now)})
	}
	return s.Render(w, http.StatusOK, "apps", p)
}

// RemoveSubmit answers POST /apps/{id}/remove: it removes the app, 303.
func (s *Room) RemoveSubmit(w http.ResponseWriter, r *http.Request, _ web.ProvenOwner) error {
	a, err := s.app(r)
	if err == nil {
		err = s.Apps.Remove(r.Context(), a.ID, web.Actor(r))
	}
	if err != nil {
		return err
	}
	s.Tests.Forget(a.ID)
	return web.SeeOther(w, "/apps?done=removed")
}
