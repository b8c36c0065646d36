package self

import (
	"log/slog"
	"net/http"
	"net/url"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/redirect"
)

// onward is the page that a person wanted to open when a second factor was demanded. The
// pages that add a factor lead there.
type onward struct {
	Next string // a path on this site, or a URL on a gate host; empty: none
	App  string // the gate host of Next; empty: Next is on this site
}

// onward returns next as an onward, and lets the page's form redirect to it if it is on a
// gate host.
func (s *Room) onward(w http.ResponseWriter, next string) onward {
	if t, ok := s.Gate.ReturnTarget(next); ok {
		w.Header().Set("Content-Security-Policy", web.CSPLeaving)
		return onward{t.String(), t.Host}
	}
	if next = redirect.Safe(next); next == "/" {
		return onward{}
	}
	return onward{Next: next}
}

// Onward returns the URL that leads to Next: GET /auth redirects signed-in people there,
// with a gate cookie if needed.
func (o onward) Onward() string { return "/auth?" + url.Values{"next": {o.Next}}.Encode() }

// or answers 303 to Onward, or to the path if there is no Next.
func (o onward) or(w http.ResponseWriter, path string) error {
	if o.Next != "" {
		path = o.Onward()
	}
	return web.SeeOther(w, path)
}

// raise raises the session to level 2: its person proved the password within the last 10
// minutes, and the new factor just now. If that fails, the factor is added nevertheless,
// and the session stays as it was.
func (s *Room) raise(w http.ResponseWriter, r *http.Request, me account.Account, amr string) {
	if web.InfoOf(r).Session.Level >= 2 {
		return
	}
	now, err := s.Accounts.Find(r.Context(), me.Username)
	if err == nil {
		err = s.ProveSession(w, r, now.Verified(2, amr))
	}
	if err != nil {
		s.Log.LogAttrs(r.Context(), slog.LevelWarn, "the session stays one of one factor", slog.String("account", me.Username), slog.Any("error", err))
	}
}
