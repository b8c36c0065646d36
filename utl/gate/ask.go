package gate

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"glassjar/utl/hosts"
)

// Kind is the protocol in which a proxy asks.
type Kind int

const (
	// Check is for nginx's auth_request and HAProxy: the proxy builds its
	// response from the gate's status and Location.
	Check Kind = iota
	// Forward is for Caddy and Traefik: they send any response but 200 to the
	// browser unchanged.
	Forward
)

// Request is the request to an app about which a proxy asks.
type Request struct {
	Target

	Kind   Kind
	Method string
	header http.Header

	browser bool // treat it as a browser's, whatever its headers say
}

// The headers that describe the request to the app. Each may be sent at most once.
const (
	originalURL     = "X-Original-Url"
	originalMethod  = "X-Original-Method"
	forwardedMethod = "X-Forwarded-Method"
	forwardedProto  = "X-Forwarded-Proto"
	forwardedHost   = "X-Forwarded-Host"
	forwardedURI    = "X-Forwarded-Uri"
	forwardedFor    = "X-Forwarded-For"
)

var forwardHeaders = []string{originalURL, originalMethod, forwardedMethod, forwardedProto, forwardedHost, forwardedURI, forwardedFor}

// ParseRequest parses the headers of a proxy's question. Errors: ErrBad.
func ParseRequest(kind Kind, h http.Header) (Request, error) {
	if err := rejectAmbiguous(h); err != nil {
		return Request{}, err
	}
	a := Request{Kind: kind, Method: first(h, forwardedMethod), header: h}
	var err error
	if kind == Check && (h[originalURL] != nil || h[originalMethod] != nil) {
		a.Method = first(h, originalMethod)
		a.Target, err = ParseURL(first(h, originalURL))
		if err == nil && h[forwardedHost] != nil {
			err = sameHost(a.Name, first(h, forwardedHost))
		}
	} else {
		a.Target, err = newTarget(schemeOf(first(h, forwardedProto)), first(h, forwardedHost), first(h, forwardedURI))
	}
	if err == nil && !isMethod(a.Method) {
		err = fmt.Errorf("%w: its method is not valid", ErrBad)
	}
	return a, err
}

// sameHost returns an error if the proxy's headers name two hosts: a proxy sets only the
// headers of one kind, so the others are the client's.
func sameHost(name, forwarded string) error {
	if other, _, ok := hosts.Split(forwarded); !ok || other != name {
		return fmt.Errorf("%w: it names two hosts", ErrBad)
	}
	return nil
}

// schemeOf returns http or https for X-Forwarded-Proto; for WebSockets, Traefik sends ws
// or wss.
func schemeOf(proto string) string {
	switch proto {
	case "ws":
		return "http"
	case "wss":
		return "https"
	}
	return proto
}

func isMethod(text string) bool {
	return text != "" && len(text) <= 32 && !strings.ContainsFunc(text, func(c rune) bool {
		return (c < 'A' || c > 'Z') && c != '-' && c != '_'
	})
}

// Navigates reports whether a browser opens a page with the request, by Fetch Metadata
// (Sec-Fetch-Mode), and not a script or a WebSocket. A browser without Fetch Metadata
// counts if it accepts HTML.
func (a Request) Navigates() bool { return Navigates(a.header) }

// Navigates is Request.Navigates for headers that could not be parsed as a Request.
func Navigates(h http.Header) bool {
	if mode := h.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return h.Get("X-Requested-With") == "" && h.Get("Upgrade") == "" && strings.Contains(h.Get("Accept"), "text/html")
}

// FromProgram reports whether a program sent the request, and not a page or a script in a
// browser: those send Fetch Metadata, accept HTML or, over http where browsers send no
// Fetch Metadata, have a User-Agent with Mozilla.
func (a Request) FromProgram() bool {
	if a.browser {
		return false
	}
	for _, name := range []string{"Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-Fetch-Dest", "X-Requested-With", "Upgrade"} {
		if a.header[name] != nil {
			return false
		}
	}
	accept := strings.ToLower(strings.Join(a.header["Accept"], ","))
	return !strings.Contains(accept, "text/html") && !strings.HasPrefix(first(a.header, "User-Agent"), "Mozilla/")
}

// AsBrowser returns the request as one for which FromProgram is false, so that it is not
// challenged for an app password.
func (a Request) AsBrowser() Request {
	a.browser = true
	return a
}

// first returns the header's first value; the name is in its canonical form.
func first(h http.Header, name string) string {
	if all := h[name]; len(all) > 0 {
		return all[0]
	}
	return ""
}

// rejectAmbiguous returns an error for headers that two programs could read differently:
// a repeated one, one with control bytes, one whose name some program takes for one of
// ours (X_Forwarded_Host, Remote~User), and a Connection header that makes the next proxy
// remove one.
func rejectAmbiguous(h http.Header) error {
	for name, all := range h {
		switch {
		case strings.HasPrefix(name, "X-") && slices.Contains(forwardHeaders, name):
			if len(all) != 1 || strings.ContainsFunc(all[0], isControl) {
				return fmt.Errorf("%w: %s comes twice or is not text", ErrBad, name)
			}
		case isTwin(name):
			return fmt.Errorf("%w: a header looks like %s", ErrBad, canonicalName(name))
		}
	}
	for _, all := range h["Connection"] {
		for name := range strings.SplitSeq(all, ",") {
			if isOurs(strings.TrimSpace(name)) {
				return fmt.Errorf("%w: Connection names %s", ErrBad, canonicalName(name))
			}
		}
	}
	return nil
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }
