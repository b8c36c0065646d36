package signin

import (
	"errors"
	"net/http"
	"sync"

	"glassjar/handlers/web"
	"glassjar/utl/account"
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
	NoApps       bool   // the person may open no app
	AnyApps      bool   // whether the site has any app
	Pages        bool   // whether PAGES_DIR has an index.html
	NoPages      bool   // it has none, and the page tells an owner to add one
	Todos        []todo // for an owner
}

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
func (s *Room) precompileHome(kind homeKind, from *launcher) (*page.Precompiled, error) {
	return s.PageSet.Precompile("home", func(v []string) any { return s.homePage(v, kind, from) }, 1, 1, 1, 1)
}

// homePage returns the data of a home page with these values: username, display name,
// when the session started, and when it ends.
func (s *Room) homePage(values []string, kind homeKind, from *launcher) HomePage {
	me := account.Account{Identity: identity.Identity{ID: "somebody", Username: values[0], Name: values[1]}}
	if kind.owner {
		me.Role = account.Owner
	}
	p := HomePage{
		Layout: web.Layout{Me: me, Here: "/"},
		Since:  values[2], Until: values[3], Remember: kind.remember,
		Cookie: s.Sessions.Name(), Device: s.Devices.Name(), Pages: kind.pages, NoPages: kind.owner && s.HasPages && !kind.pages,
	}
	if from.apps != nil {
		p.Apps = from.tiles(kind.apps)
		p.AnyApps, p.NoApps = len(*from.apps) > 0, kind.apps == appSet{}
	}
	return p
}

// bodies has buffers for rendered pages.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// showHome shows the home page. It joins the precompiled page, but executes the template if
// there are todos or the page could not be precompiled.
func (s *Room) showHome(w http.ResponseWriter, found *session.Session, todos []todo) error {
	from := s.launcher()
	kind := s.homeKind(found, from)
	cut := s.home(kind, from)
	if cut == nil || len(todos) > 0 {
		p := s.homePage([]string{found.Username, found.Called(), web.FormatTime(found.Started), web.FormatTime(s.Sessions.Until(*found))}, kind, from)
		p.Todos = todos
		return s.Render(w, http.StatusOK, "home", p)
	}
	return s.writePage(w, func(b []byte) []byte { return s.homeAppend(b, found, cut) })
}

// writePage responds with the page that render appends to a buffer that requests share.
func (s *Room) writePage(w http.ResponseWriter, render func(b []byte) []byte) error {
	body, _ := bodies.Get().(*[]byte)
	defer bodies.Put(body)
	*body = render((*body)[:0])
	return s.WriteHTML(w, http.StatusOK, *body)
}

// homeAppend appends the session's precompiled home page to b.
func (s *Room) homeAppend(b []byte, found *session.Session, cut *page.Precompiled) []byte {
	var since, until [32]byte
	return cut.Append(b, found.Username, found.Called(),
		string(found.Started.UTC().AppendFormat(since[:0], web.TimeLayout)),
		string(s.Sessions.Until(*found).UTC().AppendFormat(until[:0], web.TimeLayout)))
}
