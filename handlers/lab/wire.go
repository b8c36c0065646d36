package lab

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"unicode/utf8"

	"glassjar/handlers/web"
)

const (
	maxTyped = 200 // characters of the secret

	exampleText = "meet me at midnight" // default text to send
)

// WirePage is the data of /lab/wire.
type WirePage struct {
	stepLayout

	Secret    string // as in the form
	Problem   string
	HTTP, TLS listenerView
	Shows     visibleFacts

	ByTLS, Secure, Alone bool // whether the page was requested over https, its cookie has Secure, and both ends are on this machine
}

// listenerView is what somebody on the network reads, and what they learn from it.
type listenerView struct {
	Pieces  []piece      // over http
	Records []recordView // over https
	Title   string
	Why     []string
	Bad     bool
}

// visibleFacts are what a listener learns even though the request is encrypted.
type visibleFacts struct{ Name, Length, From, When string }

// Wire answers GET /lab/wire: this request, as others on the network would read it over
// http and over https.
func (s *Room) Wire(w http.ResponseWriter, r *http.Request) error {
	return s.showWire(w, r, WirePage{Secret: exampleText}, "")
}

// WireSubmit answers POST /lab/wire: the same, with the secret in the form.
func (s *Room) WireSubmit(w http.ResponseWriter, r *http.Request) error {
	var body bytes.Buffer // the raw body, because url.Values loses its spelling
	r.Body = io.NopCloser(io.TeeReader(r.Body, &body))
	form, err := web.ReadForm(r, "secret")
	if err != nil {
		return err
	}
	p := WirePage{Secret: form.Get("secret")}
	if utf8.RuneCountInString(p.Secret) > maxTyped {
		p.Problem = fmt.Sprintf("A secret has at most %d characters here. Nothing was sent.", maxTyped)
	}
	return s.showWire(w, r, p, body.String())
}

func (s *Room) showWire(w http.ResponseWriter, r *http.Request, p WirePage, body string) error {
	var err error
	if p.stepLayout, err = s.layout(w, r, "wire"); err != nil {
		return err
	}
	if _, err := s.ensureCookie(w, r); err != nil {
		return err
	}
	if p.Problem != "" {
		return s.renderVisit(w, http.StatusOK, "lab-wire", p.visit, p)
	}
	sent := newMessage(r, body)
	name := (&url.URL{Host: r.Host}).Hostname()
	records, err := s.wire.Send(r.Context(), name, sent.bytes())
	if err != nil {
		return fmt.Errorf("sending the lab's request: %w", err)
	}
	sought := ""
	if r.Method == http.MethodPost {
		sought = p.Secret
	}
	p.HTTP, p.TLS = overHTTP(sent, sought), overTLS(records, sent, sought)
	p.Shows = visibleFacts{
		Name: serverName(records), From: web.InfoOf(r).Address.String(), When: s.Now().UTC().Format("15:04:05 UTC"),
		Length: requestLength(records, sent),
	}
	p.ByTLS, p.Secure, p.Alone = s.byTLS(r), s.HTTPS, alone(r)
	return s.renderVisit(w, http.StatusOK, "lab-wire", p.visit, p)
}

// byTLS reports whether the visitor's browser used https. A trusted proxy says so in its
// header; if it does not, it is assumed to serve the site at PUBLIC_URL.
func (s *Room) byTLS(r *http.Request) bool {
	if !web.InfoOf(r).Proxied || r.TLS != nil && r.Header["X-Forwarded-Proto"] == nil {
		return r.TLS != nil
	}
	return cmp.Or(r.Header.Get("X-Forwarded-Proto"), s.PublicURL.Scheme) == "https"
}

// alone reports whether both ends of the request are on this machine.
func alone(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback() && web.InfoOf(r).Address.IsLoopback()
}
