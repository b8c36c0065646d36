package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
)

const (
	maxHeader     = 64 << 10 // bytes of a request's first line and headers; from 256 KB net/http refuses by itself
	maxCookies    = 20       // how many cookies the page names
	maxCookieName = 64       // bytes of each name that the page shows
)

// headerBytes returns the size in bytes of the request's first line and headers in HTTP/1.1.
func headerBytes(r *http.Request) int {
	n := len(r.Method) + len(r.RequestURI) + len(r.Proto) + len("  \r\n") + len("Host: \r\n") + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

// refuseHeader responds with 431 to a request whose headers exceed maxHeader. Its page says
// which cookies to delete, and uses no style sheet, because the request for that would have
// the same cookies. To nginx's gate requests it responds with 403: nginx turns 431 into
// 500, and 401 would redirect the browser to the sign-in page again and again.
func (s *Site) refuseHeader(w http.ResponseWriter, r *http.Request) error {
	status := http.StatusRequestHeaderFieldsTooLarge
	if s.askedByNginx(r.URL.Path) {
		status = http.StatusForbidden
	}
	p := AppHostPage{
		Title: "Your browser sent too much",
		Sentence: "Its request has more than 64 KB of headers, and most of that is no cookie: the address is very long, or that of the page before it is. " +
			"Open the page in a new tab, with a shorter address.",
	}
	sizes := cookieSizes(r)
	all := 0
	for _, n := range sizes {
		all += n
	}
	if all > headerBytes(r)/2 {
		p.Sentence = "Its request has more than 64 KB of headers, most of it cookies of this site. Delete the cookies below: " +
			"press the icon to the left of the address, choose cookies or site data, and delete them there. Then open the page again."
		p.Cookies, p.More = largest(sizes)
	}
	return s.RenderOnAppHost(w, status, p)
}

// cookieSizes returns the sizes in bytes of the request's cookies, by name. net/http parses
// no cookies if there are very many.
func cookieSizes(r *http.Request) map[string]int {
	sizes := map[string]int{}
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			name, _, _ := strings.Cut(pair, "=")
			sizes[name] += len(pair)
		}
	}
	return sizes
}

// largest returns the names of the largest cookies, largest first, and how many others there
// are.
func largest(sizes map[string]int) (names []string, more int) {
	names = slices.SortedFunc(maps.Keys(sizes), func(a, b string) int {
		return cmp.Or(cmp.Compare(sizes[b], sizes[a]), strings.Compare(a, b))
	})
	more = max(len(names)-maxCookies, 0)
	names = names[:len(names)-more]
	for i := range names {
		names[i] = OneLine(names[i], maxCookieName)
	}
	return names, more
}
