package web

import (
	"net/http"
	"net/netip"
	"strings"

	"glassjar/utl/gate"
)

// misdirected is the answer to a request for a Host that is not ours (RFC 9110,
// section 15.5.20).
var misdirected = Answer{
	Status: http.StatusMisdirectedRequest, Title: "Not at this address",
	Text: "This site answers at the address below: open it there. " +
		"If you run the site: PUBLIC_URL must be the address that people open, and a proxy in front must pass on the Host that the browser sends, with its port.",
}

// isOurHost reports whether the request's Host is PUBLIC_URL's or, where that is not
// set, a loopback name or address at our port. A page that points its own name
// at this machine (DNS rebinding) has another. X-Forwarded-Host does not count:
// such a page can send it too. HTTP/1.0 may leave Host out; no browser does.
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

// OtherName returns the address of this server under another loopback name: to a
// browser that is another site. It is "" where PUBLIC_URL is set, or where the
// request came by another name than the site's own.
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

// portOf returns the target's port behind a colon, or "" for the scheme's own.
func portOf(t gate.Target) string { return strings.TrimPrefix(t.Host, t.Name) }

// isLoopback reports whether browsers look for the host on their own machine,
// whatever name servers say (RFC 6761, section 6.3).
func isLoopback(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// answersEveryHost reports whether the request is for a path that proxies and
// monitors ask, by whatever name they reach us, or for no path at all: such are
// refused in any case.
func (s *Site) answersEveryHost(r *http.Request) bool {
	switch r.URL.Path {
	case "/healthz", "/readyz", "/.well-known/jwks.json", "*":
		return true
	}
	return s.onAppHosts(r.URL.Path) || r.Method == http.MethodConnect
}

// misdirect answers 421 with the right address. The page stands on another host,
// which is not ours to bind to https.
func (s *Site) misdirect(w http.ResponseWriter) error {
	w.Header().Del("Strict-Transport-Security")
	public := s.PublicURL.String()
	return s.RenderOnAppHost(w, misdirected.Status, AppHostPage{Title: misdirected.Title, Sentence: misdirected.Text, Ways: []Way{{public, public}}})
}
