package signin

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/identity"
	"glassjar/utl/page"
	"glassjar/utl/session"
)

// HomePage is the data of home.
type HomePage struct {
	web.Layout

	Since, Until string
	Remember     bool
	Cookie       string // the session cookie's name
	Device       string // the known device's cookie's name
	Apps         []tile // that the person may open
	NoApps       bool   // there are apps, and the person may open none; for an owner: there are none
	Pages        bool   // PAGES_DIR has an index.html
	NoPages      bool   // it has none, and an owner is told to put one there
	Todos        []todo // for an owner
}

// tile is an app that the person may open.
type tile struct {
	app.App

	Hue string // class of its colour
}

// Shown returns the app's host as people read it.
func (t tile) Shown() string {
	u, err := url.Parse(t.URL)
	if err != nil {
		return t.Host
	}
	return u.Host
}

// hues are the classes of the tiles' colours, one after the other.
var hues = []string{"", " b", " c", " d", " e", " f"}

// homeKind is what the home pages differ in but for their values.
type homeKind struct {
	remember bool // the session outlives the browser
	pages    bool // PAGES_DIR has an index.html
	owner    bool
	groups   string // the person's, as identity.Identity has them
}

// homes are home pages that were precompiled. They are replaced, never changed.
type homes struct {
	apps    *[]app.App // what they were made with
	grouped bool       // one of the apps is for some groups alone: else people of all groups have one page
	pages   map[homeKind]*page.Precompiled
}

func newHomes(apps *[]app.App) *homes {
	grouped := apps != nil && slices.ContainsFunc(*apps, func(a app.App) bool { return len(a.Groups) > 0 })
	return &homes{apps: apps, grouped: grouped}
}

// maxHomes is how many home pages are kept at most: one more replaces them all.
const maxHomes = 64

// Home answers GET /: the sign-in form, or, signed in, what is here, or 303 to
// where the arg next leads.
func (s *Room) Home(w http.ResponseWriter, r *http.Request) error {
	found, err := s.CurrentSession(w, r)
	if errors.Is(err, session.ErrNone) {
		return s.showAuth(w, r)
	}
	if err != nil {
		return err
	}
	args, err := web.ReadArgs(r, "next")
	if err != nil {
		return err
	}
	if next := s.safeNext(args.Get("next")); next != "" {
		return s.continueTo(w, r, found, next, "")
	}
	if found.Level < s.Level {
		return s.ToStepUp(w, r)
	}
	var todos []todo
	if found.Role == account.Owner {
		todos = s.todos(r.Context(), found)
	}
	return s.showHome(w, &found, todos)
}

// precompileHome cuts the page that signed-in people see most.
func (s *Room) precompileHome(kind homeKind, apps *[]app.App) (*page.Precompiled, error) {
	return s.PageSet.Precompile("home", func(v []string) any { return s.homePage(v, kind, apps) }, 1, 1, 1, 1)
}

// home returns the precompiled page of the kind, or nil where it cannot be cut: an
// app may be called like a mark.
func (s *Room) home(kind homeKind) *page.Precompiled {
	known, apps := s.homes.Load(), s.Apps.Launcher()
	if known == nil || known.apps != apps {
		known = newHomes(apps)
	}
	if !known.grouped {
		kind.groups = ""
	}
	if found := known.pages[kind]; found != nil {
		return found
	}
	made, err := s.precompileHome(kind, apps)
	if err != nil {
		return nil
	}
	next := &homes{apps: apps, grouped: known.grouped, pages: map[homeKind]*page.Precompiled{kind: made}}
	if len(known.pages) < maxHomes {
		maps.Copy(next.pages, known.pages)
	}
	s.homes.Store(next)
	return made
}

// homeKind returns the kind of home page that the session gets.
func (s *Room) homeKind(found *session.Session) homeKind {
	return homeKind{remember: found.Remember, pages: s.HasIndex(), owner: found.Role == account.Owner, groups: found.Groups}
}

// homePage returns the page for the values: username, what the person is
// called, since when and until when the session lasts.
func (s *Room) homePage(values []string, kind homeKind, apps *[]app.App) HomePage {
	me := account.Account{Identity: identity.Identity{ID: "somebody", Username: values[0], Name: values[1], Groups: kind.groups}}
	if kind.owner {
		me.Role = account.Owner
	}
	p := HomePage{
		Layout: web.Layout{Me: me, Here: "/"},
		Since:  values[2], Until: values[3], Remember: kind.remember,
		Cookie: s.Sessions.Name(), Device: s.Devices.Name(), Pages: kind.pages, NoPages: kind.owner && s.HasPages && !kind.pages,
	}
	if apps != nil {
		opens := false // one of them, perhaps without a link
		for _, one := range *apps {
			if !one.MayOpen(me.HasGroup) {
				continue
			}
			if opens = true; one.URL != "" {
				p.Apps = append(p.Apps, tile{one, hues[len(p.Apps)%len(hues)]})
			}
		}
		p.NoApps = !opens && len(*apps) > 0 != kind.owner
	}
	return p
}

// bodies are buffers for pages.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// showHome answers with home. With something to do, or where it was not cut, the
// template makes it.
func (s *Room) showHome(w http.ResponseWriter, found *session.Session, todos []todo) error {
	kind := s.homeKind(found)
	cut := s.home(kind)
	if cut == nil || len(todos) > 0 {
		p := s.homePage([]string{found.Username, found.Called(), web.FormatTime(found.Started), web.FormatTime(s.Sessions.Until(*found))}, kind, s.Apps.Launcher())
		p.Todos = todos
		return s.Render(w, http.StatusOK, "home", p)
	}
	body, _ := bodies.Get().(*[]byte)
	defer bodies.Put(body)
	*body = s.homeAppend((*body)[:0], found, cut)
	return s.WriteHTML(w, http.StatusOK, *body)
}

// homeAppend appends the session's page to b.
func (s *Room) homeAppend(b []byte, found *session.Session, cut *page.Precompiled) []byte {
	var since, until [32]byte
	return cut.Append(b, found.Username, found.Called(),
		string(found.Started.UTC().AppendFormat(since[:0], web.TimeLayout)),
		string(s.Sessions.Until(*found).UTC().AppendFormat(until[:0], web.TimeLayout)))
}
