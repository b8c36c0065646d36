package session

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/gorilla/sessions"
)

// maxCleared is how many bytes of Set-Cookie headers ClearAll sends at most: by
// default nginx reads a response's headers into 4 KB.
const maxCleared = 2500

// ClearAll deletes every cookie of the name that the browser may have sent with
// the request: for each Path that covers the page and, unless the name starts with
// __Host-, for each Domain that covers the host; at most 2,500 bytes of headers.
func ClearAll(w http.ResponseWriter, r *http.Request, name string, secure bool) {
	paths, domains := cookiePaths(r.URL.EscapedPath()), []string{""}
	if !strings.HasPrefix(name, "__Host-") {
		domains = append(domains, cookieDomains(r.Host)...)
	}
	size := 0
	clear := func(domain, path string) {
		c := sessions.NewCookie(name, "", &sessions.Options{
			Path: path, Domain: domain, MaxAge: -1, HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
		})
		if size += len(c.String()); size <= maxCleared {
			http.SetCookie(w, c)
		}
	}
	for _, domain := range domains { // the likeliest first
		clear(domain, "/")
	}
	for _, domain := range domains {
		for _, path := range paths[1:] {
			clear(domain, path)
		}
	}
}

// cookiePaths returns the Paths of the cookies that a browser sends to the path
// (RFC 6265, section 5.1.4), / first, at most 9.
func cookiePaths(path string) []string {
	path, _, _ = strings.Cut(path[:min(len(path), 256)], ";") // net/http logs a Path with one
	all := []string{"/"}
	for i := 1; i < len(path) && len(all) < 8; i++ {
		if path[i] == '/' {
			all = append(all, path[:i], path[:i+1])
		}
	}
	return slices.Compact(append(all, path))
}

// cookieDomains returns the Domains of the cookies that a browser sends to the
// host (RFC 6265, section 5.1.3): the host and its parents without the top-level
// domain, at most 4.
func cookieDomains(host string) (domains []string) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return nil
	}
	for ; len(domains) < 4 && strings.Contains(host, "."); _, host, _ = strings.Cut(host, ".") {
		domains = append(domains, host)
	}
	return domains
}
