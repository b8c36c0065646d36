package apps

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/app"
	"glassjar/utl/recipe"
)

// AppPage is the data of /apps/{id}.
type AppPage struct {
	web.Layout
	Form

	App    app.App
	State  state
	Proxy  string // the proxy whose recipe is shown
	Text   string // the recipe
	No     string // why there is no recipe
	Where  string // the file in which to save the recipe
	Second string // another recipe that is also needed
	More   bool   // whether GATE_HOSTS has hosts too, which are not in the recipe
	Done   string // what was just done, as a sentence
	NoLink bool   // whether the app lacks a page to test
	Tested bool   // whether it was tested

	Explain Explained
}

// For returns who may open the app, as text.
func (p AppPage) For() string {
	who := "everybody who is signed in"
	if len(p.App.Groups) > 0 {
		who = "people in " + strings.Join(p.App.Groups, " or ")
	}
	if p.App.Level == 2 {
		who += ", with a second factor"
	}
	return who
}

// Proxies returns the proxies for which there are recipes.
func (AppPage) Proxies() []string { return proxies }

var proxies = []string{"nginx", "caddy", "haproxy", "traefik"}

// where is the file in which to save each recipe.
var where = map[string]string{
	"nginx": "/etc/nginx/conf.d/glassjar.conf", "caddy": "/etc/caddy/Caddyfile",
	"haproxy": "/etc/haproxy/haproxy.cfg", "traefik": "/etc/traefik/dynamic/glassjar.yml",
}

// appDone are the sentences of the app's page for what was just done.
var appDone = map[string]string{
	"added":   "The app is behind the gate. Set its proxy up with the file below.",
	"changed": "The change counts here at once, and on every other server within a second.",
}

// App answers GET /apps/{id}: the app, whether its proxy asks the gate, its recipe and
// its form. The arg proxy selects the recipe; url, as, method and level ask what the gate
// would decide.
func (s *Room) App(w http.ResponseWriter, r *http.Request, me web.Owned) error {
	args, err := web.ReadArgs(r, "done", "proxy", "url", "as", "method", "level")
	if err != nil {
		return err
	}
	a, err := s.app(r)
	if err != nil {
		return err
	}
	p := s.page(r.Context(), me, a, args.Get("proxy"))
	p.Done = appDone[args.Get("done")]
	if p.Explain, err = s.explain(r, args, a.URL); err != nil {
		return err
	}
	p.Form = Form{
		Name: a.Name, Host: a.Host, Upstream: a.Upstream, URL: a.URL, Groups: strings.Join(a.Groups, " "), Level2: a.Level == 2, Programs: a.Programs,
	}
	return s.Render(w, http.StatusOK, "app", p)
}

// Submit answers POST /apps/{id}: it stores the app as in the form, 303; or shows the
// form again.
func (s *Room) Submit(w http.ResponseWriter, r *http.Request, me web.ProvenOwner) error {
	form, err := web.ReadForm(r, fields...)
	if err != nil {
		return err
	}
	a, err := s.app(r)
	if err != nil {
		return err
	}
	typed, wanted := s.typed(form)
	wanted.ID = a.ID
	err = s.Apps.Change(r.Context(), wanted, web.Actor(r))
	if err == nil {
		if wanted.Host != a.Host || wanted.URL != a.URL {
			s.Tests.Forget(a.ID) // the report is about another host or page
		}
		return web.SeeOther(w, "/apps/"+a.ID+"?done=changed")
	}
	if errors.Is(err, app.ErrUnknown) { // it was removed meanwhile
		return web.ErrNotFound
	}
	return s.RerenderForm(w, r, err, func(problem string, status int) error {
		p := s.page(r.Context(), me.Owner(), a, "")
		p.Form, p.Problem, p.Explain = typed, problem, Explained{URL: a.URL}
		return s.Render(w, status, "app", p)
	})
}

// page returns the data of the app's page without its form.
func (s *Room) page(ctx context.Context, me web.Owned, a app.App, proxy string) AppPage {
	now := s.Now()
	if !slices.Contains(proxies, proxy) {
		proxy = proxies[0]
	}
	p := AppPage{Layout: layout(me), App: a, State: stateOf(s.Apps.Rules.Tally(a.ID), now), Proxy: proxy, Where: where[proxy]}
	if proxy == "haproxy" {
		p.Second = "haproxy-lua"
	}
	p.NoLink = !s.Apps.LeadsToIt(a)
	_, p.Tested = s.Tests.Last(subject(a))
	var err error
	if p.Text, err = s.recipe(ctx, a, proxy); err != nil {
		p.No = noRecipe(err)
	} else {
		p.More = s.Recipe.GateHosts != ""
	}
	return p
}

var errSettings = errors.New("the settings say too little for a recipe")

// noRecipes are the sentences for why there is no recipe.
var noRecipes = []struct {
	err  error
	text string
}{
	{errSettings, "There is no recipe by these settings: set PUBLIC_URL to how browsers reach the sign-in through the proxy, leave TLS_CERT out, and start glassjar again."},
	{recipe.ErrSocket, "ADDR is a Unix socket, which this proxy cannot ask: set it to host:port, like 127.0.0.1:8080."},
	{recipe.ErrPath, "A recipe cannot name the Unix socket of ADDR: give it a path from / on, of A to Z, a to z, 0 to 9 and . _ -."},
	{recipe.ErrHost, "A recipe is for one host by its name, without a port of its own: print it with glassjar recipe, and --app HOST=ADDRESS for each."},
}

// noRecipe returns the sentence for why there is no recipe.
func noRecipe(err error) string {
	for _, known := range noRecipes {
		if errors.Is(err, known.err) {
			return known.text
		}
	}
	return "There is no recipe for this app: check its host, and where it runs."
}

// recipe returns the recipe with the name, for the app and all others that can be in one
// file: on its own, an app's file would take the others off the air where it is saved.
func (s *Room) recipe(ctx context.Context, a app.App, name string) (string, error) {
	if s.Recipe == nil {
		return "", errSettings
	}
	all, err := s.Apps.List(ctx)
	if err != nil {
		return "", err
	}
	site := *s.Recipe
	for _, one := range all {
		at, err := site.AppAt(one.Host, one.Upstream)
		if err == nil || one.ID == a.ID { // of the app itself, Write returns the error
			site.Apps = append(site.Apps, at)
		}
	}
	var text strings.Builder
	err = recipe.Write(&text, name, site)
	return text.String(), err
}

// RecipeFile answers GET /apps/{id}/recipe/{proxy}: the proxy's configuration for the app and
// all others, as plain text.
func (s *Room) RecipeFile(w http.ResponseWriter, r *http.Request, _ web.Owned) error {
	a, err := s.app(r)
	if err != nil {
		return err
	}
	name := r.PathValue("proxy")
	if !slices.Contains(proxies, name) && name != "haproxy-lua" {
		return web.ErrNotFound
	}
	text, err := s.recipe(r.Context(), a, name)
	if err != nil {
		return web.ErrNotFound // the app's page says why
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
	return nil
}
