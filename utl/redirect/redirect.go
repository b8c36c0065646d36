// Package redirect decides to which URL a browser may be redirected: a path on this site
// and nothing else. It refuses whatever it does not recognise, and never chooses a host.
package redirect

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

const maxLen = 2048 // bytes

var (
	// visible is one slash, then printable ASCII without the backslash, which browsers
	// treat as a slash (WHATWG URL, section 4.4).
	visible = regexp.MustCompile(`^/[!-\[\]-~]*$`)
	// plain is what a decoded path may contain.
	plain = regexp.MustCompile(`^[^\x00-\x1f\x7f\\]*$`)
	// signing matches the pages that would start or end a session again.
	signing = regexp.MustCompile(`^/(auth|logout)/?$`)
)

// Safe returns next unchanged if it is a path on this site, and "/" otherwise. The path
// must have no empty, "." or ".." segments, encoded or not. What follows "?" or "#" is
// not checked. Send the result as the Location header yourself: http.Redirect would
// rewrite a fragment.
func Safe(next string) string {
	if len(next) > maxLen || !visible.MatchString(next) {
		return "/"
	}
	raw := next
	if i := strings.IndexAny(next, "?#"); i >= 0 {
		raw = next[:i]
	}
	p, err := url.PathUnescape(raw)
	if err != nil || !plain.MatchString(p) || !clean(p) || signing.MatchString(p) {
		return "/"
	}
	return next
}

// clean reports whether p has no empty, "." or ".." segments, except for a trailing slash.
func clean(p string) bool {
	shortest := path.Clean(p)
	if shortest != "/" && strings.HasSuffix(p, "/") {
		shortest += "/"
	}
	return p == shortest
}
