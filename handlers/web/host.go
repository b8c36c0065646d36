package web

import (
	"net/http"
	"net/netip"
	"strings"

	"glassjar/utl/gate"
)

// misdirected is the response to a request for another Host than the site's (RFC 9110,
// section 15.5.20).
var misdirected = Answer{
	Status: http.StatusMisdirectedRequest, Title: "Not at this address",
	Text: "This site answers at the address below: open it there. " +
		"If you run the site: PUBLIC_URL must be the address that people open, and a proxy in front must pass on the Host that the browser sends, with its port.",
}

// isOurHost reports whether the request's Host is PUBLIC_URL's or, if that is not set, a
// loopback name or address with the site's port. A web page that resolves its own name to
// this machine (DNS rebinding) has another Host. X-Forwarded-Host is ignored, because such a
// page can send it. HTTP/1.0 allows a request without Host, which browsers do not send.
func (s *Site) isOurHost(r *http.Request) bool {
	if r.Host == s.PublicURL.Host {
		return true
	}
	if r.Host == "" {
		return !r.ProtoAtLeast(1, 1)
	}
	asked, err := gate.ParseURL(s.PublicURL.Scheme + "://" + r.Host + "/")
	if err != nil || asked.URI != "/" {
		return false
	}
	return asked.Host == s.public.Host || s.anyLoopback && isLoopback(asked.Name) && portOf(asked) == portOf(s.public)
}

// OtherName returns the site's URL with another loopback name, which to a browser is another
// site. It is "" if PUBLIC_URL is set, or if the request's Host is not the site's own.
func (s *Site) OtherName(r *http.Request) string {
	if !s.anyLoopback || r.Host != s.PublicURL.Host {
		return ""
	}
	name := "127.0.0.1"
	if s.public.Name == name {
		name = "localhost"
	}
	return s.PublicURL.Scheme + "://" + name + portOf(s.public)
}

// portOf returns ":" and the target's port, or "" for the scheme's default port.
func portOf(t gate.Target) string { return strings.TrimPrefix(t.Host, t.Name) }

// isLoopback reports whether browsers resolve the host to their own machine, without DNS
// (RFC 6761, section 6.3).
func isLoopback(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// answersEveryHost reports whether the path is served for every Host: proxies and monitors
// request it under any name. It also includes requests without a path, which are refused
// later.
func (s *Site) answersEveryHost(r *http.Request) bool {
	switch r.URL.Path {
	case "/healthz", "/readyz", "/.well-known/jwks.json", "*":
		return true
	}
	return s.onAppHosts(r.URL.Path) || r.Method == http.MethodConnect
}

// misdirect responds with 421 and the site's URL. It removes HSTS, because the page is on a
// host that is not the site's.
func (s *Site) misdirect(w http.ResponseWriter) error {
	w.Header().Del("Strict-Transport-Security")
	public := s.PublicURL.String()
	return s.RenderOnAppHost(w, misdirected.Status, AppHostPage{Title: misdirected.Title, Sentence: misdirected.Text, Ways: []Way{{public, public}}})
}
