package signin

import (
	"glassjar/handlers/web"
	"glassjar/utl/app"
	"glassjar/utl/identity"
	"glassjar/utl/session"
)

// Homes returns a function that appends the precompiled home page of a session, and one that
// renders it from its template.
func Homes(c Config) (joined func([]byte, *session.Session) []byte, rendered func(*session.Session) ([]byte, error)) {
	s := &Room{Config: c}
	joined = func(b []byte, f *session.Session) []byte {
		from := s.launcher()
		return s.homeAppend(b, f, s.home(s.homeKind(f, from), from))
	}
	return joined, func(f *session.Session) ([]byte, error) {
		from := s.launcher()
		values := []string{f.Username, f.Name, web.FormatTime(f.Started), web.FormatTime(c.Sessions.Until(*f))}
		return s.PageSet.Render("home", s.homePage(values, s.homeKind(f, from), from))
	}
}

// Keeping returns a function that precompiles the home page of people in the groups, and
// returns how many home pages are kept then.
func Keeping(c Config) func(groups string) int {
	s := &Room{Config: c}
	return func(groups string) int {
		from := s.launcher()
		s.home(s.homeKind(&session.Session{Identity: identity.Identity{Groups: groups}}, from), from)
		return len(s.kept.Load().pages)
	}
}

// Tiles returns the names of the apps that home shows to people in the groups.
func Tiles(apps *[]app.App, groups string) (names []string) {
	l := newLauncher(apps)
	for _, one := range l.tiles(l.opens(groups)) {
		names = append(names, one.Name)
	}
	return names
}

// MaxHomes exports maxHomes for tests.
const MaxHomes = maxHomes
