package handlers

import "net/http"

// What the sign-in form says to somebody to whom it comes again.
const (
	cookieNotKept  = "If you signed in just now, your browser did not keep the cookie: allow cookies for this site, then sign in again."
	orOpenHTTPS    = " If the page's address begins with http://, open the same with https:// first."
	cookiesCleared = "If your browser sent more than one cookie of this site just now, it could not be known which is yours. They are deleted: sign in again."
)

// browserKey names the request's browser, as far as a request can, and what it
// did.
func browserKey(r *http.Request, did string) string {
	return did + " " + visitOf(r).address.String() + " " + r.UserAgent()
}

// noteSignIn notes that the browser has just got a session cookie and goes on to
// next. If it comes back without one, it did not keep it.
func (s *site) noteSignIn(r *http.Request, next string) {
	s.sent.forget(browserKey(r, "cleared"))
	s.sent.forget(browserKey(r, "out"))
	s.sent.count(browserKey(r, "in "+next), s.Now())
}

// noteSignOut notes that the browser gave its cookie back.
func (s *site) noteSignOut(r *http.Request) { s.sent.count(browserKey(r, "out"), s.Now()) }

// whyAgain returns why the sign-in form, which leads to next, comes to a browser
// that was signed in a few seconds ago, or "". It comes to other browsers of the same kind at one
// address too, so the sentences say "if".
func (s *site) whyAgain(r *http.Request, next string) string {
	switch {
	case s.sent.has(browserKey(r, "out"), s.Now()):
		return ""
	case s.sent.has(browserKey(r, "cleared"), s.Now()):
		return cookiesCleared
	case s.sent.has(browserKey(r, "in "+next), s.Now()) && len(r.CookiesNamed(s.Sessions.Name())) == 0:
		if s.https && r.TLS == nil {
			return cookieNotKept + orOpenHTTPS
		}
		return cookieNotKept
	}
	return ""
}

// overHTTP reports whether it is certain that the browser asks over http where
// people sign in over https: it would not keep the cookie. Only a trusted proxy
// can know: another one may have spoken https before it asked us.
func (s *site) overHTTP(r *http.Request) bool {
	return s.https && r.TLS == nil && visitOf(r).proxied && r.Header.Get("X-Forwarded-Proto") == "http"
}
