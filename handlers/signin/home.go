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

// HomePage is the data of the home page.
type HomePage struct {
	web.Layout

	Since, Until string
	Remember     bool
	Cookie       string // the session cookie's name
	Device       string // the known device's cookie's name
	Apps         []tile // apps with a link that the person may open
	NoApps       bool   // for a member: apps exist but the person may open none; for an owner: none exist
	Pages        bool   // whether PAGES_DIR has an index.html
	NoPages      bool   // it has none, and the page tells an owner to add one
	Todos        []todo // for an owner
}

// tile is an app on the home page.
type tile struct {
	app.App

	Hue string // CSS class of its colour
}

// Shown returns the host in the app's link.
func (t tile) Shown() string {
	u, err := url.Parse(t.URL)
	if err != nil {
		return t.Host
	}
	return u.Host
}

// hues are the CSS classes of the tiles' colours, in turn.
var hues = []string{"", " b", " c", " d", " e", " f"}

// homeKind identifies a variant of the home page. Pages of one kind differ only in the values
// that Precompile fills in.
type homeKind struct {
	remember bool // whether the session cookie outlives the browser
	pages    bool // whether PAGES_DIR has an index.html
	owner    bool
	groups   string // the person's groups, as in identity.Identity
}

// homes are precompiled home pages. The struct is replaced as a whole, never modified.
type homes struct {
	apps    *[]app.App // the apps that the pages show
	grouped bool       // whether an app is limited to groups; if not, people of all groups share one page
	pages   map[homeKind]*page.Precompiled
}

func newHomes(apps *[]app.App) *homes {
	grouped := apps != nil && slices.ContainsFunc(*apps, func(a app.App) bool { return len(a.Groups) > 0 })
	return &homes{apps: apps, grouped: grouped}
}

// maxHomes is how many home pages are kept. If one more is needed, all others are dropped.
const maxHomes = 64

// Home answers GET /: the home page or, if nobody is signed in, the sign-in form. With the
// arg next it answers 303 to that.
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

// precompileHome precompiles the home page of the kind.
func (s *Room) precompileHome(kind homeKind, apps *[]app.App) (*page.Precompiled, error) {
	return s.PageSet.Precompile("home", func(v []string) any { return s.homePage(v, kind, apps) }, 1, 1, 1, 1)
}

// home returns the precompiled page of the kind. It returns nil if Precompile fails, because
// the name of an app looks like a placeholder.
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

// homeKind returns the kind of the session's home page.
func (s *Room) homeKind(found *session.Session) homeKind {
	return homeKind{remember: found.Remember, pages: s.HasIndex(), owner: found.Role == account.Owner, groups: found.Groups}
}

// homePage returns the data of a home page with these values: username, display name,
// when the session started, and when it ends.
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
		opens := false // whether the person may open any, also one without a link
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

// bodies has buffers for rendered pages.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// showHome shows the home page. It joins the precompiled page, but executes the template if
// there are todos or the page could not be precompiled.
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

// homeAppend appends the session's precompiled home page to b.
func (s *Room) homeAppend(b []byte, found *session.Session, cut *page.Precompiled) []byte {
	var since, until [32]byte
	return cut.Append(b, found.Username, found.Called(),
		string(found.Started.UTC().AppendFormat(since[:0], web.TimeLayout)),
		string(s.Sessions.Until(*found).UTC().AppendFormat(until[:0], web.TimeLayout)))
}
