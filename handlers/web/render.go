package web

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/session"
)

// SeeOther responds with 303 to the URL, so that after a POST neither going back nor
// reloading sends the form again. It sends the URL unchanged: http.Redirect would rewrite
// a URL in a fragment.
func SeeOther(w http.ResponseWriter, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// Layout is the data of every page for its layout.
type Layout struct {
	Me   account.Account // zero when signed out
	Here string          // the page's path, to mark it in the navigation bar
}

// Layout returns the Layout of an open page with the path here. Errors: session.Find's,
// except session.ErrNone.
func (s *Site) Layout(w http.ResponseWriter, r *http.Request, here string) (Layout, error) {
	found, err := s.CurrentSession(w, r)
	if errors.Is(err, session.ErrNone) {
		return Layout{Here: here}, nil
	}
	return Layout{Me: account.FromSession(found), Here: here}, err
}

// PendingCookie returns the name of the cookie with the code of a pending sign-in.
func (s *Site) PendingCookie() string {
	if s.HTTPS {
		return "__Host-glassjar-pending"
	}
	return "glassjar-pending"
}

// SessionCookie returns the session cookie's name.
func (s *Site) SessionCookie() string { return s.sessions.Name() }

// Render renders the page and responds with it.
func (s *Site) Render(w http.ResponseWriter, status int, name string, data any) error {
	body, err := s.PageSet.Render(name, data)
	if err != nil {
		return err
	}
	return s.WriteHTML(w, status, body)
}

var contentHTML = []string{"text/html; charset=utf-8"}

// WriteHTML responds with the rendered page.
func (s *Site) WriteHTML(w http.ResponseWriter, status int, body []byte) error {
	w.Header()["Content-Type"] = contentHTML
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the browser is gone
	return nil
}

// TimeLayout is the layout of times for people.
const TimeLayout = "2 Jan 2006, 15:04 UTC"

// FormatTime formats a time for people, in UTC.
func FormatTime(t time.Time) string { return t.UTC().Format(TimeLayout) }

// InFours adds a space after every four bytes of the text.
func InFours(text string) string {
	return string(bytes.Join(slices.Collect(slices.Chunk([]byte(text), 4)), []byte(" ")))
}

// WriteText responds with 200 and plain text.
func WriteText(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
	return nil
}
