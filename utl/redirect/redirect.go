// Package redirect decides where a browser may be sent next: a path on this
// site and nothing else. It refuses whatever it does not recognise, and it
// never chooses a host.
package redirect

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

const maxLen = 2048 // bytes

var (
	// visible is one slash, then visible ASCII without the backslash, which
	// browsers read as a slash (WHATWG URL, section 4.4).
	visible = regexp.MustCompile(`^/[!-\[\]-~]*$`)
	// plain is what a path may hold once it is decoded.
	plain = regexp.MustCompile(`^[^\x00-\x1f\x7f\\]*$`)
	// signing are the pages that would start or end a session again.
	signing = regexp.MustCompile(`^/(auth|logout)/?$`)
)

// Safe returns next, byte for byte, when it is a path on this site, and "/"
// otherwise. The path must be clean: no empty, "." or ".." segments, encoded or
// not. What follows "?" or "#" is free. Send the result as the Location header;
// http.Redirect would rewrite a fragment.
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

// clean reports whether p is its own shortest spelling, a last slash apart.
func clean(p string) bool {
	shortest := path.Clean(p)
	if shortest != "/" && strings.HasSuffix(p, "/") {
		shortest += "/"
	}
	return p == shortest
}
