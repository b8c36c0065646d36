package handlers

import (
	"glassjar/utl/page"
	"glassjar/utl/session"
)

// OneLine is oneLine.
var OneLine = oneLine

// Count is count.
var Count = count

// Happened is the words of each kind of event.
var Happened = happened

// PageData is the struct of each page, by its template's name.
var PageData = map[string]any{
	"account": accountPage{},
	"auth":    authPage{},
	"error":   errorPage{},
	"gate":    gatePage{},
	"home":    homePage{},
	"join":    joinPage{},
	"lab":     labPage{},
	"logout":  logoutPage{},
	"reset":   resetPage{},

	"account-events": eventsPage{},

	"lab-cookie":  labCookiePage{},
	"lab-key":     labKeyPage{},
	"lab-request": labRequestPage{},
	"lab-session": labSessionPage{},
	"lab-wire":    labWirePage{},
}

// Homes returns what appends the home page of a session, and what renders it
// from its template.
func Homes(c Config) (joined func([]byte, *session.Session) []byte, rendered func(*session.Session) ([]byte, error), err error) {
	s := &site{Config: c, hasIndex: (&index{pages: c.Pages, now: c.Now}).has}
	if s.assets, err = newAssets(c.Static); err != nil {
		return nil, nil, err
	}
	if s.pages, err = page.Parse(c.Templates, s.funcs()); err != nil {
		return nil, nil, err
	}
	s.homes, err = s.cutHomes()
	return s.homeAppend, func(f *session.Session) ([]byte, error) {
		values := []string{f.Username, f.DisplayName, when(f.Started), when(c.Sessions.Until(*f))}
		return s.pages.Render("home", s.homePage(values, s.homeKind(f)))
	}, err
}
