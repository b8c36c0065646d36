package signin

import (
	"maps"
	"net/url"
	"strings"

	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/page"
	"glassjar/utl/session"
)

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

// appSet is a set of the launcher's apps: bit i stands for apps[i]. As an array it can be part
// of a map's key, and needs no allocation.
type appSet [(app.MaxApps + 63) / 64]uint64

func (a *appSet) add(i int) { a[i/64] |= 1 << (i % 64) }

func (a *appSet) has(i int) bool { return a[i/64]&(1<<(i%64)) != 0 }

// homeKind identifies a variant of the home page. Pages of one kind differ only in the values
// that Precompile fills in.
type homeKind struct {
	remember bool // whether the session cookie outlives the browser
	pages    bool // whether PAGES_DIR has an index.html
	owner    bool
	apps     appSet // the apps that the person may open
}

// launcher is the apps that home pages show, and the precompiled home pages. It is replaced
// as a whole, never modified.
type launcher struct {
	apps      *[]app.App
	everybody appSet            // apps that everybody may open
	groups    map[string]appSet // for each group, the apps that people in it may open
	pages     map[homeKind]*page.Precompiled
}

func newLauncher(apps *[]app.App) *launcher {
	l := &launcher{apps: apps, groups: map[string]appSet{}}
	if apps == nil {
		return l
	}
	for i, one := range *apps {
		if len(one.Groups) == 0 {
			l.everybody.add(i)
		}
		for _, group := range one.Groups {
			set := l.groups[group]
			set.add(i)
			l.groups[group] = set
		}
	}
	return l
}

// opens returns the apps that a person in the groups may open. The groups are those of
// identity.Identity.
func (l *launcher) opens(groups string) appSet {
	all := l.everybody
	for group := range strings.SplitSeq(groups, ",") {
		for i, bits := range l.groups[group] {
			all[i] |= bits
		}
	}
	return all
}

// tiles returns the apps of the set that have a link.
func (l *launcher) tiles(of appSet) (all []tile) {
	for i, one := range *l.apps {
		if of.has(i) && one.URL != "" {
			all = append(all, tile{one, hues[len(all)%len(hues)]})
		}
	}
	return all
}

// maxHomes is how many home pages are kept. If one more is needed, all others are dropped.
// People who may open the same apps share a page, because rendering it anew costs 0.5 ms
// with 10 apps and 5 ms with 100; a response with a kept page takes 0.02 ms.
const maxHomes = 64

// launcher returns the launcher of the current apps.
func (s *Room) launcher() *launcher {
	apps := s.Apps.Launcher()
	if kept := s.kept.Load(); kept != nil && kept.apps == apps {
		return kept
	}
	made := newLauncher(apps)
	s.kept.Store(made)
	return made
}

// homeKind returns the kind of the session's home page.
func (s *Room) homeKind(found *session.Session, from *launcher) homeKind {
	return homeKind{remember: found.Remember, pages: s.HasIndex(), owner: found.Role == account.Owner, apps: from.opens(found.Groups)}
}

// home returns the precompiled page of the kind. It returns nil if Precompile fails, because
// the name of an app looks like a placeholder.
func (s *Room) home(kind homeKind, from *launcher) *page.Precompiled {
	if found := from.pages[kind]; found != nil {
		return found
	}
	made, err := s.precompileHome(kind, from)
	if err != nil {
		return nil
	}
	next := *from
	next.pages = map[homeKind]*page.Precompiled{kind: made}
	if len(from.pages) < maxHomes {
		maps.Copy(next.pages, from.pages)
	}
	s.kept.Store(&next)
	return made
}
