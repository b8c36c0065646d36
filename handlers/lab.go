package handlers

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gorilla/sessions"

	"glassjar/utl/anatomy"
	"glassjar/utl/wire"
)

// labCookie is the name of the lab's own cookie. It is signed with a key that
// nothing but the lab uses, and says nothing about its holder.
const labCookie = "lab"

// errLabSize means that a browser would not keep the lab's cookie.
var errLabSize = errors.New("the lab's cookie would be too large")

// labAnswers are the answers to the lab's own errors.
var labAnswers = []answer{{
	Err: wire.ErrBusy, Status: http.StatusServiceUnavailable, Title: "Busy",
	Text: "Too many people are listening in the lab just now. Try again in a second.", RetryAfter: "1", Expected: true,
}}

// labRoutes are the lab's pages; there are none where LAB is off.
func (s *site) labRoutes() map[string]http.Handler {
	return map[string]http.Handler{
		"GET /lab":          s.open(s.lab),
		"GET /lab/request":  s.open(s.labRequest),
		"POST /lab/request": s.open(s.labRequestSubmit),
		"GET /lab/session":  s.open(s.labSession),
		"POST /lab/session": s.open(s.labSessionSubmit),
		"GET /lab/cookie":   s.open(s.labCookie),
		"POST /lab/cookie":  s.open(s.labCookieSubmit),
		"GET /lab/key":      s.open(s.labKey),
		"POST /lab/key":     s.open(s.labKeySubmit),
		"GET /lab/wire":     s.open(s.labWire),
		"POST /lab/wire":    s.open(s.labWireSubmit),
	}
}

// labChrome is what the layout needs of the lab's pages.
type labChrome struct {
	chrome

	Step string // the page's name, to mark it among the lab's
}

func (s *site) labChrome(w http.ResponseWriter, r *http.Request, step string) (labChrome, error) {
	layout, err := s.layout(w, r, "/lab")
	return labChrome{layout, step}, err
}

type labPage struct {
	labChrome

	Line         string // this request's first line
	Cookies      string // how many, and their size
	Held         labJar
	Keys         string // how many the session has
	Age, Expired string
	ByTLS        bool // this page came over https
}

// lab answers GET /lab: the way through, with figures from this request.
func (s *site) lab(w http.ResponseWriter, r *http.Request) error {
	c, err := s.labChrome(w, r, "lab")
	if err != nil {
		return err
	}
	held := s.labRead(r)
	p := labPage{
		labChrome: c, Line: r.Method + " " + maskedTarget(r) + " " + r.Proto, Held: held,
		Cookies: count(len(r.Cookies()), "cookie", "cookies") + ", " +
			count(len(strings.Join(r.Header.Values("Cookie"), "; ")), "byte", "bytes"),
		Keys: count(len(held.entries), "key", "keys"), ByTLS: s.byTLS(r),
	}
	if at, ok := held.Cookie.Signed(); ok {
		p.Age = span(s.Now().Sub(at))
	}
	return s.show(w, http.StatusOK, "lab", p)
}

// labJar is the lab's cookie in the visitor's browser, and what it says.
type labJar struct {
	Cookie anatomy.Cookie // taken apart; its value is empty when there is none
	Err    error          // why a cookie that was sent is refused

	entries anatomy.Dictionary
}

// maxLabCookies is how many cookies of the lab's name are looked at: another
// site of the domain may have set some.
const maxLabCookies = 8

// labRead returns the lab's cookie that the request carries: of several, the
// first good one.
func (s *site) labRead(r *http.Request) labJar {
	sent := r.CookiesNamed(labCookie)
	if len(sent) == 0 {
		return labJar{}
	}
	var first error
	for _, c := range sent[:min(len(sent), maxLabCookies)] {
		v := s.Lab.Judge(labCookie, c.Value)
		if v.Err == nil {
			return labOf(c.Value)
		}
		first = cmp.Or(first, v.Err)
	}
	return labJar{Err: first}
}

// labOf takes apart a value that the lab signed.
func labOf(value string) labJar {
	c, err := anatomy.Parse(labCookie, value)
	entries, err2 := c.Dictionary()
	return labJar{Cookie: c, Err: errors.Join(err, err2), entries: entries}
}

// labFresh is what a new cookie of the lab says.
func labFresh() anatomy.Dictionary { return anatomy.Dictionary{}.Set("role", "reader") }

// labSend signs the entries and makes the browser keep them, for as long as
// the lab takes them. It returns the cookie, and the header as it is sent.
// Errors: errLabSize, and then nothing is sent.
func (s *site) labSend(w http.ResponseWriter, entries anatomy.Dictionary) (labJar, string, error) {
	if anatomy.Size(labCookie, entries) > anatomy.MaxSize {
		return labJar{}, "", errLabSize
	}
	value, err := s.Lab.Encode(labCookie, entries)
	if err != nil {
		return labJar{}, "", fmt.Errorf("making the lab's cookie: %w", err)
	}
	c := sessions.NewCookie(labCookie, value, &sessions.Options{
		Path: "/", HttpOnly: true, Secure: s.PublicURL.Scheme == "https", SameSite: http.SameSiteLaxMode,
		MaxAge: int(anatomy.MaxAge / time.Second),
	})
	http.SetCookie(w, c)
	return labOf(value), c.String(), nil
}

// labKept returns the cookie that the browser sent, or gives it a new one when
// it sent none that is good.
func (s *site) labKept(w http.ResponseWriter, r *http.Request) (labJar, error) {
	held := s.labRead(r)
	if held.Cookie.Value != "" {
		return held, nil
	}
	fresh, _, err := s.labSend(w, labFresh().Visit())
	fresh.Err = held.Err
	return fresh, err
}

// labEntry is a key of the session, and how it and its value are shown.
type labEntry struct{ Key, Name, Text string }

func labEntries(d anatomy.Dictionary) []labEntry {
	all := make([]labEntry, 0, len(d))
	for _, e := range d {
		all = append(all, labEntry{e.Key, printable(e.Key), printable(e.Text())})
	}
	return all
}

// phrase is a part of a sentence; a quoted one is shown as code is.
type phrase struct {
	Text   string
	Quoted bool
}

// say returns the sentence with the quotes in place of its % signs.
func say(sentence string, quotes ...string) []phrase {
	var all []phrase
	for _, quote := range quotes {
		before, after, _ := strings.Cut(sentence, "%")
		all = append(all, phrase{before, false}, phrase{shorten(printable(quote), 120), true})
		sentence = after
	}
	return append(all, phrase{sentence, false})
}

// printable returns the text with what has no shape of its own, or would change
// the order of what stands around it, written as an escape.
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

// count writes a number and the word for one or for many.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + many
}

// thousands writes a number up to 999,999.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// span writes a time span in its largest unit.
func span(d time.Duration) string {
	for _, u := range []struct {
		size      time.Duration
		one, many string
	}{{24 * time.Hour, "day", "days"}, {time.Hour, "hour", "hours"}, {time.Minute, "minute", "minutes"}} {
		if d >= u.size {
			return count(int(d/u.size), u.one, u.many)
		}
	}
	return count(max(0, int(d/time.Second)), "second", "seconds")
}
