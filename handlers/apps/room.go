// Package apps has the pages where owners put apps behind the gate, and see whether their
// proxies ask it.
package apps

import (
	"errors"
	"net/http"
	"strings"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/app"
	"glassjar/utl/doctor"
	"glassjar/utl/gate"
	"glassjar/utl/recipe"
	"glassjar/utl/session"
)

// Room has the handlers of these pages.
type Room struct {
	*web.Site

	Accounts *account.Store
	Sessions *session.Store
	Apps     *app.Store
	Gate     *gate.Gate
	Tests    *doctor.Runner
	Recipe   *recipe.Site // the values of recipes, without the apps; nil: the settings are not sufficient
}

// Mistakes are the mistakes in an app's form.
var Mistakes = mistakes(app.ErrName, app.ErrHost, app.ErrSuffix, app.ErrOwn, app.ErrTaken, app.ErrUpstream, app.ErrURL, app.ErrScheme, app.ErrGroups, app.ErrLevel, app.ErrPrograms, app.ErrMany)

// mistakes returns the errors with their own texts as sentences.
func mistakes(all ...error) (found []web.Mistake) {
	for _, err := range all {
		text := err.Error()
		found = append(found, web.Mistake{Err: err, Text: strings.ToUpper(text[:1]) + text[1:] + "."})
	}
	return found
}

// layout returns the layout of every page in this room.
func layout(me web.Owned) web.Layout { return web.Layout{Me: me.Account(), Here: "/apps"} }

// app returns the app with the id in the path. Errors: web.ErrNotFound.
func (s *Room) app(r *http.Request) (app.App, error) {
	a, err := s.Apps.Find(r.Context(), r.PathValue("id"))
	if errors.Is(err, app.ErrUnknown) {
		return a, web.ErrNotFound
	}
	return a, err
}
