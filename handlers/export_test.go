package handlers

import (
	"maps"
	"slices"
)

// Routes returns the patterns of every route that New mounts for c.
func Routes(c Config) []string {
	return slices.Sorted(maps.Keys((&site{Config: c}).routes()))
}

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

	"lab-cookie":  labCookiePage{},
	"lab-key":     labKeyPage{},
	"lab-request": labRequestPage{},
	"lab-session": labSessionPage{},
}
