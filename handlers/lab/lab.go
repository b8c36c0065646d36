package lab

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"github.com/gorilla/sessions"

	"glassjar/handlers/web"
	"glassjar/utl/anatomy"
	"glassjar/utl/wire"
)

// cookieName is the name of the lab's own cookie. It is signed with a key that only the
// lab uses, and proves nothing about its owner.
const cookieName = "lab"

// Answers are the responses to the lab's own errors.
var Answers = []web.Answer{{
	Err: wire.ErrBusy, Status: http.StatusServiceUnavailable, Title: "Busy",
	Text: "Too many people are listening in the lab just now. Try again in a second.", RetryAfter: "1", Expected: true,
}}

// stepLayout is the data of the lab's pages for their layout.
type stepLayout struct {
	web.Layout

	Step string // the page's name, to mark it in the list of steps

	visit *visit
}

func (s *Room) layout(w http.ResponseWriter, r *http.Request, step string) (stepLayout, error) {
	layout, err := s.Layout(w, r, "/lab")
	v := s.readVisit(r)
	v.noteDone(r, step)
	return stepLayout{layout, step, v}, err
}

// OverviewPage is the data of /lab.
type OverviewPage struct {
	stepLayout

	Line    string // first line of this request
	Cookies string // their number and size
	Held    signedCookie
	Keys    string // number of keys in the session
	Age     string
	ByTLS   bool   // whether this page was requested over https
	Guess   string // how long one guess takes, once the visitor had a password hashed
	Digits  string // the current code; empty: no secret yet
	Passkey bool   // whether the lab has a passkey of the visitor's
}

// Done reports whether the visitor has done the step.
func (p OverviewPage) Done(step string) bool { return p.visit.done(step) }

// Overview answers GET /lab: the list of steps, with values from this request.
func (s *Room) Overview(w http.ResponseWriter, r *http.Request) error {
	c, err := s.layout(w, r, "lab")
	if err != nil {
		return err
	}
	held := s.readCookie(r)
	p := OverviewPage{
		stepLayout: c, Line: r.Method + " " + maskedTarget(r) + " " + r.Proto, Held: held,
		Cookies: count(len(r.Cookies()), "cookie", "cookies") + ", " +
			count(len(strings.Join(r.Header.Values("Cookie"), "; ")), "byte", "bytes"),
		Keys: count(len(held.entries), "key", "keys"), ByTLS: s.byTLS(r), Guess: c.visit.Get("guess"),
	}
	_, p.Passkey = passkeyVisit{c.visit, s.Now()}.passkey()
	if secret, ok := c.visit.keptSecret(); ok {
		p.Digits = anatomy.NewCode(secret, anatomy.StepAt(s.Now())).Digits
	}
	if at, ok := held.Cookie.Signed(); ok {
		p.Age = web.Span(s.Now().Sub(at))
	}
	return s.renderVisit(w, http.StatusOK, "lab", c.visit, p)
}

// signedCookie is the lab's cookie in the visitor's browser.
type signedCookie struct {
	Cookie anatomy.Cookie // parsed; its Value is empty if there is none
	Err    error          // why a sent cookie was refused

	entries anatomy.Dictionary
}

// readCookie returns the lab's cookie in the request.
func (s *Room) readCookie(r *http.Request) signedCookie {
	c, err := s.Lab.Find(r, cookieName)
	if c.Value == "" {
		return signedCookie{Err: err}
	}
	entries, err2 := c.Dictionary()
	return signedCookie{Cookie: c, Err: errors.Join(err, err2), entries: entries}
}

// session returns the request's session of the lab. It is a new one if the cookie is
// refused; then readCookie says why.
func (s *Room) session(r *http.Request) *sessions.Session {
	store := anatomy.Store{Lab: s.Lab, Secure: s.PublicURL.Scheme == "https"}
	session, _ := store.Get(r, cookieName)
	return session
}

// countVisit increments the session's number of visits, and returns the Go code for it. If
// the session has something there that is no count, it begins at 1, and said tells why.
func countVisit(session *sessions.Session) (said []span, code []string) {
	if session.IsNew {
		session.Values["role"] = "reader"
	}
	code = []string{`visits, _ := session.Values["visits"].(int)`, `session.Values["visits"] = visits + 1`}
	visits, _ := session.Values["visits"].(int)
	switch old := session.Values["visits"].(type) {
	case string:
		said = sentence("visits was the text %, and a text is no number to count on from: so it is 1 now.", old)
	case anatomy.JSON:
		said = sentence("visits was %, and that is no number to count on from: so it is 1 now.", string(old))
	case int:
		if old < 0 || old == math.MaxInt { // one more would be negative
			said = sentence("visits was %, and that is no number to count on from: so it is 1 now.", strconv.Itoa(old))
			visits, code = 0, []string{`session.Values["visits"] = 1`}
		}
	}
	session.Values["visits"] = visits + 1
	return said, code
}

// saveSession saves the session. It returns the cookie, and the Set-Cookie header. Errors:
// anatomy.SizeError, and then nothing is sent.
func saveSession(w http.ResponseWriter, r *http.Request, session *sessions.Session) (signedCookie, string, error) {
	if err := session.Save(r, w); err != nil {
		return signedCookie{}, "", err
	}
	sent := w.Header()["Set-Cookie"]
	line := sent[len(sent)-1]
	c, err := http.ParseSetCookie(line)
	if err != nil {
		return signedCookie{}, "", fmt.Errorf("reading the lab's cookie again: %w", err)
	}
	now, err := anatomy.Parse(cookieName, c.Value)
	entries, err2 := now.Dictionary()
	return signedCookie{Cookie: now, Err: errors.Join(err, err2), entries: entries}, line, nil
}

// ensureCookie returns the cookie that the browser sent, or sets a new one if none is valid.
func (s *Room) ensureCookie(w http.ResponseWriter, r *http.Request) (signedCookie, error) {
	held := s.readCookie(r)
	if held.Cookie.Value != "" {
		return held, nil
	}
	session := s.session(r)
	countVisit(session)
	fresh, _, err := saveSession(w, r, session)
	fresh.Err = held.Err
	return fresh, err
}

// entryRow is a key of the session, and how it and its value are shown.
type entryRow struct{ Key, Name, Text string }

func entryRows(d anatomy.Dictionary) []entryRow {
	all := make([]entryRow, 0, len(d))
	for _, e := range d {
		all = append(all, entryRow{e.Key, printable(e.Key), printable(e.Text())})
	}
	return all
}

// span is a part of a sentence; a quoted one is shown as code.
type span struct {
	Text   string
	Quoted bool
}

// sentence returns the sentence with the quotes in place of its % signs.
func sentence(sentence string, quotes ...string) []span {
	var all []span
	for _, quote := range quotes {
		before, after, _ := strings.Cut(sentence, "%")
		all = append(all, span{before, false}, span{shorten(printable(quote), 120), true})
		sentence = after
	}
	return append(all, span{sentence, false})
}

// printable escapes the characters that are invisible, or change the direction of the
// text around them.
func printable(text string) string {
	var b strings.Builder
	for _, c := range text {
		if unicode.IsPrint(c) {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	return b.String()
}

// shorten returns the first n characters of the text.
func shorten(text string, n int) string {
	if all := []rune(text); len(all) > n {
		return string(all[:n]) + "…"
	}
	return text
}

// count formats a number with the singular or plural noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands formats a non-negative number with a comma every three digits.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
