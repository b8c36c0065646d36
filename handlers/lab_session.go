package handlers

import (
	"errors"
	"net/http"
	"strings"

	"glassjar/utl/anatomy"
)

type labSessionPage struct {
	labChrome

	Entries    []labEntry
	Said       []phrase // what was done
	Problem    string
	Refused    error  // why the cookie that the browser sent is refused
	SetCookie  string // the header that goes out with this page; may be empty
	Next       string // the header that the browser will send
	Size, Max  int    // bytes of name and value
	Key, Value string // as typed, where they were not taken
}

// Bytes says how much of a cookie the session takes.
func (p labSessionPage) Bytes() string {
	return thousands(p.Size) + " of " + thousands(p.Max) + " bytes"
}

// Much returns what the button that adds too much sends.
func (p labSessionPage) Much() string { return strings.Repeat("a", 3000) }

// labSession answers GET /lab/session: the lab's session, which counts the
// visit. It is the one thing that a GET changes.
func (s *site) labSession(w http.ResponseWriter, r *http.Request) error {
	return s.labSessionShow(w, r, func(held labJar, p *labSessionPage) anatomy.Dictionary {
		if held.Cookie.Value == "" {
			return labFresh().Visit()
		}
		return held.entries.Visit()
	})
}

// labSessionSubmit answers POST /lab/session: it adds, changes or pops a key,
// or clears them all.
func (s *site) labSessionSubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(r) // a dictionary takes anything
	if err != nil {
		return err
	}
	do, key, value := form.Get("do"), form.Get("key"), form.Get("value")
	return s.labSessionShow(w, r, func(held labJar, p *labSessionPage) anatomy.Dictionary {
		if do == "add" {
			p.Key, p.Value = key, value
		}
		old, there := held.entries.Get(key)
		switch {
		case do == "clear":
			p.Said = say("Everything is gone: the session is % now.", "{}")
			return anatomy.Dictionary{}
		case do == "pop" && there:
			p.Said = say("% is gone. Its value was %.", key, old)
			return held.entries.Pop(key)
		case do == "pop":
			p.Problem = "There is no such key, so nothing was taken out."
		case do != "add":
			p.Problem = "The lab can add, pop and clear, and nothing else."
		case key == "":
			p.Problem = "A key needs at least one character."
		default:
			p.Said = say("% is now %.", key, value)
			return held.entries.Set(key, value)
		}
		return nil
	})
}

// labSessionShow lets act make a new session of the old one, sends it and
// shows it. Where act returns nil, or more than a browser keeps, the old one
// stays.
func (s *site) labSessionShow(w http.ResponseWriter, r *http.Request, act func(labJar, *labSessionPage) anatomy.Dictionary) error {
	c, err := s.labChrome(w, r, "session")
	if err != nil {
		return err
	}
	held := s.labRead(r)
	p := labSessionPage{labChrome: c, Refused: held.Err, Max: anatomy.MaxSize}
	if entries := act(held, &p); entries != nil {
		var now labJar
		now, p.SetCookie, err = s.labSend(w, entries)
		switch {
		case errors.Is(err, errLabSize):
			p.Said, p.Problem = nil, "That would be a cookie of "+thousands(anatomy.Size(labCookie, entries))+
				" bytes, and browsers throw away what is over 4,096. So the server did not send it: your session is as it was."
		case err != nil:
			return err
		default:
			held, p.Key, p.Value = now, "", ""
		}
	}
	p.Entries = labEntries(held.entries)
	if held.Cookie.Value != "" {
		p.Size = len(labCookie) + len(held.Cookie.Value)
	}
	p.Next = nextCookies(r, held.Cookie.Value)
	return s.show(w, http.StatusOK, "lab-session", p)
}

// nextCookies returns the Cookie header of the browser's next request, once it
// keeps the lab's cookie: in its place, or behind the others.
func nextCookies(r *http.Request, value string) string {
	var all []string
	mine := false // it is among them
	for _, c := range cookiePairs(strings.Join(r.Header.Values("Cookie"), "; ")) {
		if c.Name == labCookie && value != "" {
			c.Value, mine = value, true
		}
		all = append(all, c.Name+"="+c.Value)
	}
	if !mine && value != "" {
		all = append(all, labCookie+"="+value)
	}
	return strings.Join(all, "; ")
}
