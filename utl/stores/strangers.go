package stores

import (
	"context"
	"slices"

	"glassjar/utl/account"
	"glassjar/utl/app"
)

// OpenToStrangers returns what everybody can open with an account that they create
// themselves: apps for no group, hosts of GATE_HOSTS that are not an app's, and /pages/. It
// returns nothing unless SIGNUP=open. Errors: db.ErrUnavailable.
func (s *Stores) OpenToStrangers(ctx context.Context) (all []string, err error) {
	if s.Config.SignUp != account.ByAnybody {
		return nil, nil
	}
	apps, err := s.Apps.List(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range apps {
		if len(a.Groups) == 0 {
			all = append(all, a.Host)
		}
	}
	for _, host := range s.Config.GateHosts {
		if !slices.ContainsFunc(apps, func(a app.App) bool { return a.Host == host }) {
			all = append(all, host)
		}
	}
	if s.Config.PagesDir != "" {
		all = append(all, "/pages/")
	}
	return all, nil
}
