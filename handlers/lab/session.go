package lab

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/gorilla/sessions"

	"glassjar/handlers/web"
	"glassjar/utl/anatomy"
	"glassjar/utl/visible"
)

// SessionPage is the data of /lab/session.
type SessionPage struct {
	stepLayout

	Entries    []entryRow
	Said       []span // sentence about what was done
	Problem    string
	Refused    error    // why the browser's cookie was refused
	SetCookie  string   // this page's Set-Cookie header; may be empty
	Also       bool     // whether another cookie is set too, which stores that the step is done
	Next       string   // the Cookie header that the browser will send
	Size, Max  int      // bytes of name and value
	Key, Value string   // as typed, if they were refused
	Go         []string // the Go code that changed the session
}

// Bytes returns how much of a cookie's maximum size the session uses.
func (p SessionPage) Bytes() string {
	return thousands(p.Size) + " of " + thousands(p.Max) + " bytes"
}

// Much returns the value of the button that adds too much.
func (p SessionPage) Much() string { return strings.Repeat("a", 3000) }

// Session answers GET /lab/session: the lab's session, in which it counts the visit.
// Nothing else changes by a GET.
func (s *Room) Session(w http.ResponseWriter, r *http.Request) error {
	return s.showSession(w, r, func(session *sessions.Session, p *SessionPage) bool {
		p.Said, p.Go = countVisit(session)
		return true
	})
}

// SessionSubmit answers POST /lab/session: it adds, changes or pops a key, or clears all.
func (s *Room) SessionSubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := web.ReadForm(r) // no fields are named, because a key may be anything
	if err != nil {
		return err
	}
	do, key, value := form.Get("do"), form.Get("key"), form.Get("value")
	return s.showSession(w, r, func(session *sessions.Session, p *SessionPage) bool {
		if do == "add" {
			p.Key, p.Value = key, value
		}
		old, there := session.Values[key]
		switch {
		case do == "clear":
			clear(session.Values)
			p.Said, p.Go = sentence("Everything is gone: the session is % now.", "{}"), []string{"clear(session.Values)"}
		case do == "pop" && there:
			delete(session.Values, key)
			p.Said, p.Go = sentence("% is gone. Its value was %.", key, fmt.Sprint(old)), []string{"delete(session.Values, " + quoteGo(key) + ")"}
		case do == "pop":
			p.Problem = "There is no such key, so nothing was taken out."
		case do != "add":
			p.Problem = "The lab can add, pop and clear, and nothing else."
		case key == "":
			p.Problem = "A key needs at least one character."
		default:
			session.Values[key] = value
			p.Said, p.Go = sentence("% is now %.", key, value), []string{"session.Values[" + quoteGo(key) + "] = " + quoteGo(value)}
		}
		return p.Problem == ""
	})
}

// quoteGo returns the text as a Go string literal, shortened.
func quoteGo(text string) string { return strconv.Quote(shorten(text, 60)) }

// showSession lets act change the session, saves it and shows it. If act returns false,
// or the session becomes too large for a cookie, the old one stays.
func (s *Room) showSession(w http.ResponseWriter, r *http.Request, act func(*sessions.Session, *SessionPage) bool) error {
	c, err := s.layout(w, r, "session")
	if err != nil {
		return err
	}
	held, session := s.readCookie(r), s.session(r)
	p := SessionPage{stepLayout: c, Refused: held.Err, Max: anatomy.MaxSize}
	if act(session, &p) {
		var now signedCookie
		now, p.SetCookie, err = saveSession(w, r, session)
		tooLarge := anatomy.SizeError(0)
		switch {
		case errors.As(err, &tooLarge):
			p.Said, p.Go, p.Problem = nil, nil, "That would be a cookie of "+thousands(int(tooLarge))+
				" bytes, and browsers throw away what is over 4,096. So the server did not send it: your session is as it was."
		case err != nil:
			return err
		default:
			held, p.Key, p.Value = now, "", ""
		}
	}
	p.Entries = entryRows(held.entries)
	if held.Cookie.Value != "" {
		p.Size = len(cookieName) + len(held.Cookie.Value)
	}
	p.Also = p.visit.changed()
	p.Next = nextCookies(r, held.Cookie.Value)
	if p.Also && len(r.CookiesNamed(visitCookie)) == 0 {
		p.Next = strings.TrimSuffix(visitCookie+"="+visible.Mask+"; "+p.Next, "; ") // first, because browsers send cookies with longer paths first
	}
	return s.renderVisit(w, http.StatusOK, "lab-session", p.visit, p)
}

// nextCookies returns the Cookie header of the browser's next request, once it has the
// lab's cookie: in place of the old one, or after the others.
func nextCookies(r *http.Request, value string) string {
	var all []string
	mine := false // whether the old one is among them
	for _, c := range cookiePairs(strings.Join(r.Header.Values("Cookie"), "; ")) {
		if c.Name == cookieName && value != "" {
			c.Value, mine = value, true
		}
		all = append(all, c.Name+"="+c.Value)
	}
	if !mine && value != "" {
		all = append(all, cookieName+"="+value)
	}
	return strings.Join(all, "; ")
}
