package self

import (
	"log/slog"
	"net/http"
	"net/url"

	"glassjar/handlers/web"
	"glassjar/utl/account"
	"glassjar/utl/redirect"
)

// onward is where a person wanted to go when a second factor was asked for. The pages
// that add one lead on to it.
type onward struct {
	Next string // a path on this site, or a URL on a gate host; empty: nowhere
	App  string // the gate host's name
}

// onward returns where next leads, and lets the page's form lead to a gate host.
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

// Onward returns the address that leads on: GET /auth sends whoever is signed in to
// next, with a cookie for the gate host.
func (o onward) Onward() string { return "/auth?" + url.Values{"next": {o.Next}}.Encode() }

// or answers 303 to where the person wanted to go, or else to the path.
func (o onward) or(w http.ResponseWriter, path string) error {
	if o.Next != "" {
		path = o.Onward()
	}
	return web.SeeOther(w, path)
}

// raise makes the session one of two factors: within the last 10 minutes its person
// proved the password, and just now the factor that was added. Where that fails, the
// factor is there all the same, and the session is what it was.
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
