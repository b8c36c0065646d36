// Package apps is where owners put apps behind the gate, and see whether their
// proxies ask it.
package apps

import (
	"errors"
	"net/http"
	"strings"
	"unicode"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/doctor"
	"glassjar/utl/gate"
	"glassjar/utl/recipe"
	"glassjar/utl/session"
)

// Room answers the owners' pages about apps.
type Room struct {
	*web.Site

	Accounts *account.Store
	Sessions *session.Store
	Apps     *app.Store
	Gate     *gate.Gate
	Tests    *doctor.Runner
	Recipe   *recipe.Site // what a recipe is filled in with, without its apps; nil: the settings say too little
}

// Mistakes are those of an app's form.
var Mistakes = mistakes(app.ErrName, app.ErrHost, app.ErrSuffix, app.ErrOwn, app.ErrTaken, app.ErrUpstream, app.ErrURL, app.ErrGroups, app.ErrLevel, app.ErrPrograms, app.ErrMany)

// mistakes returns the errors with their own words as sentences.
func mistakes(all ...error) (found []web.Mistake) {
	for _, err := range all {
		text := err.Error()
		found = append(found, web.Mistake{Err: err, Text: strings.ToUpper(text[:1]) + text[1:] + "."})
	}
	return found
}

// layout is what the layout needs of the room's pages.
func layout(me web.Owned) web.Layout { return web.Layout{Me: me.Account(), Here: "/apps"} }

// app returns the app that the path names. Errors: web.ErrNotFound.
func (s *Room) app(r *http.Request) (app.App, error) {
	a, err := s.Apps.Find(r.Context(), r.PathValue("id"))
	if errors.Is(err, app.ErrUnknown) {
		return a, web.ErrNotFound
	}
	return a, err
}

// groupsOf returns the groups that were typed, with spaces or commas between
// them.
func groupsOf(typed string) []string {
	return strings.FieldsFunc(strings.ToLower(typed), func(c rune) bool { return c == ',' || unicode.IsSpace(c) })
}
