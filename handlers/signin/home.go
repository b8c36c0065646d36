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

// HomePage is the data of home.
type HomePage struct {
	web.Layout

	Since, Until string
	Remember     bool
	Cookie       string // the session cookie's name
	Device       string // the known device's cookie's name
	Pages        bool   // PAGES_DIR has an index.html
	Waiting      int    // how many accounts wait for an owner's yes, for an owner
	NoPages      bool   // it has none, and an owner is told to put one there
}

// homeKind is what the home pages differ in but for their values.
type homeKind struct {
	remember bool // the session outlives the browser
	pages    bool // PAGES_DIR has an index.html
	owner    bool
}

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
	if s.SignUp == account.ByApproval && found.Role == account.Owner {
		return s.showOwnerHome(w, r, found)
	}
	return s.showHome(w, found)
}

// precompileHomes cuts the page that signed-in people see most, for each kind.
func (s *Room) precompileHomes() (homes map[homeKind]*page.Precompiled, err error) {
	homes = map[homeKind]*page.Precompiled{}
	for _, kind := range []homeKind{
		{},
		{pages: true},
		{remember: true},
		{remember: true, pages: true},
		{owner: true},
		{owner: true, pages: true},
		{owner: true, remember: true},
		{owner: true, remember: true, pages: true},
	} {
		homes[kind], err = s.PageSet.Precompile("home", func(v []string) any { return s.homePage(v, kind) }, 1, 1, 1, 1)
		if err != nil {
			return nil, err
		}
	}
	return homes, nil
}

// homeKind returns the kind of home page that the session gets.
func (s *Room) homeKind(found *session.Session) homeKind {
	return homeKind{remember: found.Remember, pages: s.HasIndex(), owner: found.Role == account.Owner}
}

// homePage returns the page for the values: username, what the person is
// called, since when and until when the session lasts.
func (s *Room) homePage(values []string, kind homeKind) HomePage {
	me := account.Account{Identity: identity.Identity{ID: "somebody", Username: values[0], Name: values[1]}}
	if kind.owner {
		me.Role = account.Owner
	}
	return HomePage{
		Layout: web.Layout{Me: me, Here: "/"},
		Since:  values[2], Until: values[3], Remember: kind.remember,
		Cookie: s.Sessions.Name(), Device: s.Devices.Name(), Pages: kind.pages, NoPages: kind.owner && s.HasPages && !kind.pages,
	}
}

// bodies are buffers for pages.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

func (s *Room) showHome(w http.ResponseWriter, found session.Session) error {
	body, _ := bodies.Get().(*[]byte)
	defer bodies.Put(body)
	*body = s.homeAppend((*body)[:0], &found)
	return s.WriteHTML(w, http.StatusOK, *body)
}

// showOwnerHome shows home to an owner, with how many accounts wait for a yes. Where
// that cannot be known, home comes without it: it needs no database else.
func (s *Room) showOwnerHome(w http.ResponseWriter, r *http.Request, found session.Session) error {
	n, err := s.Accounts.Waiting(r.Context())
	if err != nil || n == 0 {
		return s.showHome(w, found)
	}
	p := s.homePage([]string{found.Username, found.Called(), web.FormatTime(found.Started), web.FormatTime(s.Sessions.Until(found))}, s.homeKind(&found))
	p.Waiting = n
	return s.Render(w, http.StatusOK, "home", p)
}

// homeAppend appends the session's page to b.
func (s *Room) homeAppend(b []byte, found *session.Session) []byte {
	var since, until [32]byte
	return s.homes[s.homeKind(found)].Append(b, found.Username, found.Called(),
		string(found.Started.UTC().AppendFormat(since[:0], web.TimeLayout)),
		string(s.Sessions.Until(*found).UTC().AppendFormat(until[:0], web.TimeLayout)))
}
