package session

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/gorilla/sessions"
)

// maxCleared is how many bytes of Set-Cookie headers ClearAll sends: nginx reads
// the headers of an answer into 4 KB.
const maxCleared = 2500

// ClearAll makes the browser forget every cookie of the name that it may have
// sent with the request: whatever Path covers the page and, but for a __Host-
// name, whatever Domain covers the host, as far as maxCleared bytes go.
func ClearAll(w http.ResponseWriter, r *http.Request, name string, secure bool) {
	paths, domains := covering(r.URL.EscapedPath()), []string{""}
	if !strings.HasPrefix(name, "__Host-") {
		domains = append(domains, above(r.Host)...)
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

// covering returns the Paths of the cookies that a browser sends to the path
// (RFC 6265, section 5.1.4), / first, as far as a few headers can hold them.
func covering(path string) []string {
	path, _, _ = strings.Cut(path[:min(len(path), 256)], ";") // net/http logs a Path with one
	all := []string{"/"}
	for i := 1; i < len(path) && len(all) < 8; i++ {
		if path[i] == '/' {
			all = append(all, path[:i], path[:i+1])
		}
	}
	return slices.Compact(append(all, path))
}

// above returns the Domains of the cookies that a browser sends to the host
// (RFC 6265, section 5.1.3): itself and its parents, but for the last part.
func above(host string) (domains []string) {
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
