package apps

import (
	"net/http"
	"net/url"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/app"
)

// Form is an app's form as it was typed.
type Form struct {
	Name, Host, Upstream, URL, Groups string
	Level2, Programs                  bool
	Problem                           string
}

// NewPage is the data of /apps/new.
type NewPage struct {
	web.Layout
	Form
}

var fields = []string{"name", "host", "upstream", "url", "groups", "level", "programs"}

// levels are an app's levels as typed; an empty one is 1. All else is 0, which utl/app refuses.
var levels = map[string]int{"": 1, "1": 1, "2": 2}

// typed returns the form, and the app that it describes. If the link is empty, it becomes the
// host's first page.
func (s *Room) typed(form url.Values) (Form, app.App) {
	f := Form{
		Name: form.Get("name"), Host: form.Get("host"), Upstream: form.Get("upstream"), URL: form.Get("url"), Groups: form.Get("groups"),
		Level2: form.Get("level") == "2", Programs: form.Get("programs") == "1",
	}
	a := app.App{Name: f.Name, Host: f.Host, Upstream: f.Upstream, URL: f.URL, Groups: web.TypedList(strings.ToLower(f.Groups)), Level: levels[form.Get("level")], Programs: f.Programs}
	if a.URL == "" {
		a.URL = app.Link(a.Host, s.PublicURL.Scheme)
	}
	return f, a
}

// NewForm answers GET /apps/new: the form for a new app, with the arg host filled in.
func (s *Room) NewForm(w http.ResponseWriter, r *http.Request, me web.ProvenOwner) error {
	args, err := web.ReadArgs(r, "host")
	if err != nil {
		return err
	}
	return s.Render(w, http.StatusOK, "app-new", NewPage{layout(me.Owner()), Form{Host: args.Get("host")}})
}

// NewSubmit answers POST /apps/new: it adds the app, 303 to its page; or shows the form
// again.
func (s *Room) NewSubmit(w http.ResponseWriter, r *http.Request, me web.ProvenOwner) error {
	form, err := web.ReadForm(r, fields...)
	if err != nil {
		return err
	}
	typed, wanted := s.typed(form)
	made, err := s.Apps.Add(r.Context(), wanted, web.Actor(r))
	if err == nil {
		return web.SeeOther(w, "/apps/"+made.ID+"?done=added")
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		typed.Problem = problem
		return s.Render(w, status, "app-new", NewPage{layout(me.Owner()), typed})
	})
}
