package signin

import (
	"net/http"

	"glassjar/handlers/web"
)

// The texts of the sign-in form for somebody who has just signed in and sees it again.
const (
	cookieNotKept  = "If you signed in just now, your browser did not keep the cookie: allow cookies for this site, then sign in again."
	orOpenHTTPS    = " If the page's address begins with http://, open the same with https:// first."
	pendingOver    = "If you were giving your second factor just now: that sign-in is over. It took more than 10 minutes, five codes were wrong, newer sign-ins took its place, or the account was changed. Sign in again."
	cookiesCleared = "If your browser sent more than one cookie of this site just now, it could not be known which is yours. They are deleted: sign in again."
)

// noteSignIn remembers that the browser was just sent a session cookie and is redirected to
// next. If it comes back without a cookie, it did not store it.
func (s *Room) noteSignIn(r *http.Request, next string) {
	s.Recent.Forget(web.BrowserKey(r, "cleared"))
	s.Recent.Forget(web.BrowserKey(r, "out"))
	s.Recent.Forget(web.BrowserKey(r, "over"))
	s.Recent.Count(web.BrowserKey(r, "in "+next), s.Now())
}

// notePending remembers that the browser was just sent the cookie of a pending sign-in.
func (s *Room) notePending(r *http.Request) {
	s.Recent.Forget(web.BrowserKey(r, "out"))
	s.Recent.Count(web.BrowserKey(r, "pending"), s.Now())
}

// notePendingOver remembers that the browser came back without a pending sign-in: with a cookie
// whose pending sign-in is over, or without the cookie that it was just sent.
func (s *Room) notePendingOver(r *http.Request) {
	if len(r.CookiesNamed(s.PendingCookie())) > 0 {
		s.Recent.Count(web.BrowserKey(r, "over"), s.Now())
	} else if s.Recent.Has(web.BrowserKey(r, "pending"), s.Now()) {
		s.Recent.Count(web.BrowserKey(r, "not kept"), s.Now())
	}
}

// noteSignOut remembers that the browser just signed out.
func (s *Room) noteSignOut(r *http.Request) { s.Recent.Count(web.BrowserKey(r, "out"), s.Now()) }

// whyAgain returns the text that explains why a browser that signed in a few seconds ago sees
// the sign-in form, which leads to next, again, or "". Other browsers with the same address
// and User-Agent get it too, so the texts say "if".
func (s *Room) whyAgain(r *http.Request, next string) string {
	switch {
	case s.Recent.Has(web.BrowserKey(r, "out"), s.Now()):
		return ""
	case s.Recent.Has(web.BrowserKey(r, "cleared"), s.Now()):
		return cookiesCleared
	case s.Recent.Has(web.BrowserKey(r, "over"), s.Now()):
		return pendingOver
	case len(r.CookiesNamed(s.Sessions.Name())) > 0:
		return ""
	case s.Recent.Has(web.BrowserKey(r, "in "+next), s.Now()), s.Recent.Has(web.BrowserKey(r, "not kept"), s.Now()):
		if s.HTTPS && r.TLS == nil {
			return cookieNotKept + orOpenHTTPS
		}
		return cookieNotKept
	}
	return ""
}

// overHTTP reports whether the browser certainly uses http although the site uses https:
// then it would not store the cookie. Only a trusted proxy's header makes it certain:
// another proxy may use https with the browser and http with this server.
func (s *Room) overHTTP(r *http.Request) bool {
	return s.HTTPS && r.TLS == nil && web.InfoOf(r).Proxied && r.Header.Get("X-Forwarded-Proto") == "http"
}
