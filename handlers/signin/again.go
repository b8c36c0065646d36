package signin

import (
	"net/http"

	"glassjar/handlers/web"
)

// What the sign-in form says to somebody to whom it comes again.
const (
	cookieNotKept  = "If you signed in just now, your browser did not keep the cookie: allow cookies for this site, then sign in again."
	orOpenHTTPS    = " If the page's address begins with http://, open the same with https:// first."
	cookiesCleared = "If your browser sent more than one cookie of this site just now, it could not be known which is yours. They are deleted: sign in again."
)

// noteSignIn notes that the browser has just got a session cookie and goes on to
// next. If it comes back without one, it did not keep it.
func (s *Room) noteSignIn(r *http.Request, next string) {
	s.Recent.Forget(web.BrowserKey(r, "cleared"))
	s.Recent.Forget(web.BrowserKey(r, "out"))
	s.Recent.Count(web.BrowserKey(r, "in "+next), s.Now())
}

// noteSignOut notes that the browser gave its cookie back.
func (s *Room) noteSignOut(r *http.Request) { s.Recent.Count(web.BrowserKey(r, "out"), s.Now()) }

// whyAgain returns why the sign-in form, which leads to next, comes to a browser
// that was signed in a few seconds ago, or "". It comes to other browsers of the same kind at one
// address too, so the sentences say "if".
func (s *Room) whyAgain(r *http.Request, next string) string {
	switch {
	case s.Recent.Has(web.BrowserKey(r, "out"), s.Now()):
		return ""
	case s.Recent.Has(web.BrowserKey(r, "cleared"), s.Now()):
		return cookiesCleared
	case s.Recent.Has(web.BrowserKey(r, "in "+next), s.Now()) && len(r.CookiesNamed(s.Sessions.Name())) == 0:
		if s.HTTPS && r.TLS == nil {
			return cookieNotKept + orOpenHTTPS
		}
		return cookieNotKept
	}
	return ""
}

// overHTTP reports whether it is certain that the browser asks over http where
// people sign in over https: it would not keep the cookie. Only a trusted proxy
// can know: another one may have spoken https before it asked us.
func (s *Room) overHTTP(r *http.Request) bool {
	return s.HTTPS && r.TLS == nil && web.InfoOf(r).Proxied && r.Header.Get("X-Forwarded-Proto") == "http"
}
