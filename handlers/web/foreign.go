package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
)

// AppHostPage is the data of a page on an app's host. It uses no other file of this site,
// because that would need another host.
type AppHostPage struct {
	Title, Sentence string
	Next            string   // what to do next; may be empty
	Host            string   // the app's host; may be empty
	Ways            []Way    // links to continue, the likeliest first
	Cookies         []string // names of cookies to delete
	More            int      // how many other cookies there are
}

// Way is a link to a page of this site.
type Way struct {
	Text, Address string // an absolute URL: on an app's host a path would lead to the app
}

var errNoStyle = errors.New("the page gate.html has no style element")

// RenderOnAppHost responds with the page. Its Content-Security-Policy allows its own style
// element and nothing else.
func (s *Site) RenderOnAppHost(w http.ResponseWriter, status int, p AppHostPage) error {
	w.Header()["Content-Security-Policy"] = s.appHostCSP
	return s.Render(w, status, "gate", p)
}

// OnAppHost mounts a handler that responds on an app's host: its errors get AppHostPage.
func (s *Site) OnAppHost(fn OpenFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := fn(w, r); err != nil {
			a := s.Classify(w, r, err)
			_ = s.RenderOnAppHost(w, a.Status, AppHostPage{Title: a.Title, Sentence: a.Text}) // rendering cannot fail: New rendered the template
		}
	})
}

// newAppHostCSP returns the Content-Security-Policy of pages on app hosts: it allows only
// their own style element, by its hash (CSP Level 3, section 2.3.1). Errors: errNoStyle.
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
