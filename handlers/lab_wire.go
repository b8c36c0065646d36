package handlers

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"unicode/utf8"
)

const (
	maxLabSecret = 200 // characters

	labExample = "meet me at midnight" // what the visitor is offered to send
)

type labWirePage struct {
	labChrome

	Secret    string // as it stands in the form
	Problem   string
	HTTP, TLS labListener
	Shows     labShows

	ByTLS, Secure, Alone bool // this page came over https, its cookie has Secure, and it never left this machine
}

// labListener is what somebody on the way reads, and what that tells them.
type labListener struct {
	Pieces  []labPiece  // over http
	Records []labRecord // over https
	Title   string
	Why     []string
	Bad     bool
}

// labShows is what a listener learns although the request is encrypted.
type labShows struct{ Name, Length, From, When string }

// labWire answers GET /lab/wire: this very request, as others on the way would
// read it over http and over https.
func (s *site) labWire(w http.ResponseWriter, r *http.Request) error {
	return s.labWireShow(w, r, labWirePage{Secret: labExample}, "")
}

// labWireSubmit answers POST /lab/wire: the same, with the secret of the form.
func (s *site) labWireSubmit(w http.ResponseWriter, r *http.Request) error {
	var body bytes.Buffer // url.Values would lose how it is written
	r.Body = io.NopCloser(io.TeeReader(r.Body, &body))
	form, err := readForm(r, "secret")
	if err != nil {
		return err
	}
	p := labWirePage{Secret: form.Get("secret")}
	if utf8.RuneCountInString(p.Secret) > maxLabSecret {
		p.Problem = fmt.Sprintf("A secret has at most %d characters here. Nothing was sent.", maxLabSecret)
	}
	return s.labWireShow(w, r, p, body.String())
}

func (s *site) labWireShow(w http.ResponseWriter, r *http.Request, p labWirePage, body string) error {
	var err error
	if p.labChrome, err = s.labChrome(w, r, "wire"); err != nil {
		return err
	}
	if _, err := s.labKept(w, r); err != nil {
		return err
	}
	if p.Problem != "" {
		return s.show(w, http.StatusUnprocessableEntity, "lab-wire", p)
	}
	sent := newLabMessage(r, body)
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
	p.Shows = labShows{
		Name: serverName(records), From: visitOf(r).address.String(), When: s.Now().UTC().Format("15:04:05 UTC"),
		Length: requestLength(records, sent),
	}
	p.ByTLS, p.Secure, p.Alone = s.byTLS(r), s.https, alone(r)
	return s.show(w, http.StatusOK, "lab-wire", p)
}

// byTLS reports whether the visitor's browser asked over https. Of a request
// through a trusted proxy, the proxy says so; one that does not is taken to
// serve the site at PUBLIC_URL.
func (s *site) byTLS(r *http.Request) bool {
	if !visitOf(r).proxied || r.TLS != nil && r.Header["X-Forwarded-Proto"] == nil {
		return r.TLS != nil
	}
	return cmp.Or(r.Header.Get("X-Forwarded-Proto"), s.PublicURL.Scheme) == "https"
}

// alone reports whether both ends of the request are on this machine.
func alone(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && peer.Addr().Unmap().IsLoopback() && visitOf(r).address.IsLoopback()
}
