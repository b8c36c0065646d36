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

	exampleText = "meet me at midnight" // what the visitor is offered to send
)

// WirePage is the data of /lab/wire.
type WirePage struct {
	stepLayout

	Secret    string // as it stands in the form
	Problem   string
	HTTP, TLS listenerView
	Shows     visibleFacts

	ByTLS, Secure, Alone bool // this page came over https, its cookie has Secure, and it never left this machine
}

// listenerView is what somebody on the way reads, and what that tells them.
type listenerView struct {
	Pieces  []piece      // over http
	Records []recordView // over https
	Title   string
	Why     []string
	Bad     bool
}

// visibleFacts is what a listener learns although the request is encrypted.
type visibleFacts struct{ Name, Length, From, When string }

// Wire answers GET /lab/wire: this very request, as others on the way would
// read it over http and over https.
func (s *Room) Wire(w http.ResponseWriter, r *http.Request) error {
	return s.showWire(w, r, WirePage{Secret: exampleText}, "")
}

// WireSubmit answers POST /lab/wire: the same, with the secret of the form.
func (s *Room) WireSubmit(w http.ResponseWriter, r *http.Request) error {
	var body bytes.Buffer // url.Values would lose how it is written
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
		return s.renderVisit(w, http.StatusUnprocessableEntity, "lab-wire", p.visit, p)
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

// byTLS reports whether the visitor's browser asked over https. Of a request
// through a trusted proxy, the proxy says so; one that does not is taken to
// serve the site at PUBLIC_URL.
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
