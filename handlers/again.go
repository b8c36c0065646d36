package handlers

import "net/http"

// What the sign-in form says to somebody to whom it comes again.
const (
	cookieNotKept  = "If you signed in just now, your browser did not keep the cookie: allow cookies for this site, then sign in again."
	cookiesCleared = "More than one cookie of this site came, and it cannot be known which is yours. They are deleted now: sign in again."
)

// browserKey names the request's browser, as far as a request can, and what it
// did.
func browserKey(r *http.Request, did string) string {
	return did + " " + visitOf(r).address.String() + " " + r.UserAgent()
}

// noteSignIn notes that the browser has just got a session cookie and goes on to
// next. If it comes back without one, it did not keep it.
func (s *site) noteSignIn(r *http.Request, next string) {
	s.sent.count(browserKey(r, "in "+next), s.Now())
}

// whyAgain returns why the sign-in form, which leads to next, comes to a browser
// that was signed in a few seconds ago, or "". It comes to other browsers of the
// same kind at one address too, so the sentence says "if".
func (s *site) whyAgain(r *http.Request, next string) string {
	switch {
	case s.sent.has(browserKey(r, "cleared"), s.Now()):
		return cookiesCleared
	case s.sent.has(browserKey(r, "in "+next), s.Now()) && len(r.CookiesNamed(s.Sessions.Name())) == 0:
		return cookieNotKept
	}
	return ""
}

// overHTTP reports whether it is certain that the browser asks over http where
// people sign in over https: it would not keep the cookie. A trusted proxy says
// so or, without one, the connection; a browser on https would send Fetch
// Metadata even if a proxy in between said nothing.
func (s *site) overHTTP(r *http.Request) bool {
	if !s.https || r.TLS != nil || r.Header["Sec-Fetch-Mode"] != nil {
		return false
	}
	if visitOf(r).proxied {
		return r.Header.Get("X-Forwarded-Proto") == "http"
	}
	return r.Header["X-Forwarded-For"] == nil && r.Header["Forwarded"] == nil && r.Header["Via"] == nil
}
