package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
)

// AppHostPage is what an app's browser sees of us: it stands on the app's host and
// so needs nothing else of this site.
type AppHostPage struct {
	Title, Sentence string
	Next            string   // what to do; may be empty
	Host            string   // the app's; may be empty
	Ways            []Way    // on from here, the likeliest first
	Cookies         []string // names of those to delete
	More            int      // how many others
}

// Way is a link to a page of this site.
type Way struct {
	Text, Address string // the address is whole: on an app's host a path would be the app's
}

var errNoStyle = errors.New("the page gate.html has no style element")

// RenderOnAppHost answers with the page, which may use its own style and load
// nothing at all.
func (s *Site) RenderOnAppHost(w http.ResponseWriter, status int, p AppHostPage) error {
	w.Header()["Content-Security-Policy"] = s.appHostCSP
	return s.Render(w, status, "gate", p)
}

// OnAppHost mounts what is answered on an app's host: errors get the gate's page.
func (s *Site) OnAppHost(fn OpenFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := fn(w, r); err != nil {
			a := s.Classify(w, r, err)
			_ = s.RenderOnAppHost(w, a.Status, AppHostPage{Title: a.Title, Sentence: a.Text}) // the template is tested
		}
	})
}

// newAppHostCSP returns the Content-Security-Policy of the gate's pages: their own
// style, known by its hash (CSP Level 3, section 2.3.1), is all that they may use.
// Errors: errNoStyle.
func (s *Site) newAppHostCSP() ([]string, error) {
	body, err := s.PageSet.Render("gate", AppHostPage{})
	if err != nil {
		return nil, err
	}
	_, rest, opened := bytes.Cut(body, []byte("<style>"))
	style, _, closed := bytes.Cut(rest, []byte("</style>"))
	if !opened || !closed {
		return nil, errNoStyle
	}
	sum := sha256.Sum256(style)
	return []string{"default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"}, nil
}
