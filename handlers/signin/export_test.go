package signin

import (
	"glassjar/handlers/web"
	"glassjar/utl/session"
)

// Homes returns what appends the home page of a session, and what renders it
// from its template.
func Homes(c Config) (joined func([]byte, *session.Session) []byte, rendered func(*session.Session) ([]byte, error), err error) {
	s := &Room{Config: c}
	s.homes, err = s.precompileHomes()
	return s.homeAppend, func(f *session.Session) ([]byte, error) {
		values := []string{f.Username, f.Name, web.FormatTime(f.Started), web.FormatTime(c.Sessions.Until(*f))}
		return s.PageSet.Render("home", s.homePage(values, s.homeKind(f)))
	}, err
}
