package signin

import (
	"glassjar/handlers/web"
	"glassjar/utl/session"
)

// Homes returns a function that appends the precompiled home page of a session, and one that
// renders it from its template.
func Homes(c Config) (joined func([]byte, *session.Session) []byte, rendered func(*session.Session) ([]byte, error)) {
	s := &Room{Config: c}
	joined = func(b []byte, f *session.Session) []byte { return s.homeAppend(b, f, s.home(s.homeKind(f))) }
	return joined, func(f *session.Session) ([]byte, error) {
		values := []string{f.Username, f.Name, web.FormatTime(f.Started), web.FormatTime(c.Sessions.Until(*f))}
		return s.PageSet.Render("home", s.homePage(values, s.homeKind(f), c.Apps.Launcher()))
	}
}

// Keeping returns a function that precompiles the home page of people in the groups, and
// returns how many home pages are kept then.
func Keeping(c Config) func(groups string) int {
	s := &Room{Config: c}
	return func(groups string) int {
		s.home(homeKind{groups: groups})
		return len(s.homes.Load().pages)
	}
}

// MaxHomes exports maxHomes for tests.
const MaxHomes = maxHomes
