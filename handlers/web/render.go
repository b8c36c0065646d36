package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"glassjar/utl/account"
	"glassjar/utl/session"
)

// SeeOther answers 303: fetch that page. After a POST, going back or reloading
// then sends nothing twice. The address is sent as it is: http.Redirect would
// clean a URL inside a fragment.
func SeeOther(w http.ResponseWriter, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
	return nil
}

// Layout is what the layout needs of every page.
type Layout struct {
	Me   account.Account // zero when signed out
	Here string          // path of the page, to mark it in the bar
}

// Layout returns what the layout needs of an open page at the path here.
func (s *Site) Layout(w http.ResponseWriter, r *http.Request, here string) (Layout, error) {
	found, err := s.CurrentSession(w, r)
	if errors.Is(err, session.ErrNone) {
		return Layout{Here: here}, nil
	}
	return Layout{Me: account.FromSession(found), Here: here}, err
}

// PendingCookie returns the name of the cookie that a pending sign-in is found by.
func (s *Site) PendingCookie() string {
	if s.HTTPS {
		return "__Host-glassjar-pending"
	}
	return "glassjar-pending"
}

// SessionCookie returns the session cookie's name.
func (s *Site) SessionCookie() string { return s.sessions.Name() }

// Render renders the page and answers with it.
func (s *Site) Render(w http.ResponseWriter, status int, name string, data any) error {
	body, err := s.PageSet.Render(name, data)
	if err != nil {
		return err
	}
	return s.WriteHTML(w, status, body)
}

var contentHTML = []string{"text/html; charset=utf-8"}

// WriteHTML answers with the page.
func (s *Site) WriteHTML(w http.ResponseWriter, status int, body []byte) error {
	w.Header()["Content-Type"] = contentHTML
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a browser that went away is no error of ours
	return nil
}

// TimeLayout is how people read a time.
const TimeLayout = "2 Jan 2006, 15:04 UTC"

// FormatTime writes a time for people.
func FormatTime(t time.Time) string { return t.UTC().Format(TimeLayout) }

// WriteText answers 200 with plain text.
func WriteText(w http.ResponseWriter, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
	return nil
}
