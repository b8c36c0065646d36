package handlers

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"glassjar/utl/anatomy"
)

type labCookiePage struct {
	labChrome

	Cookie  anatomy.Cookie // the one in the browser
	Entries []labEntry
	Refused error // why another one, which it sent, was refused
	Secure  bool
	Age     string

	Tries       []labTry
	Name, Value string // as they stand in the form
	Verdict     labVerdict
}

// labTry is a button that sends a changed cookie.
type labTry struct{ Label, Name, Value string }

// Date returns the day on which the cookie was signed.
func (p labCookiePage) Date() string { return p.signed("2 Jan 2006") }

// Time returns the time of day at which the cookie was signed.
func (p labCookiePage) Time() string { return p.signed("15:04:05 UTC") }

func (p labCookiePage) signed(layout string) string {
	at, _ := p.Cookie.Signed()
	return at.Format(layout)
}

// Hex returns the signature's first and last bytes.
func (p labCookiePage) Hex() string {
	sum := p.Cookie.Signature.Text
	return fmt.Sprintf("% x … % x", sum[:4], sum[len(sum)-4:])
}

// labCookie answers GET /lab/cookie: the lab's cookie in this browser, taken
// apart.
func (s *site) labCookie(w http.ResponseWriter, r *http.Request) error {
	return s.labCookieShow(w, r, nil)
}

// labCookieSubmit answers POST /lab/cookie: what the server says of the name
// and the value that were sent.
func (s *site) labCookieSubmit(w http.ResponseWriter, r *http.Request) error {
	form, err := readForm(r) // anything may be pasted
	if err != nil {
		return err
	}
	return s.labCookieShow(w, r, &labTry{Name: cmp.Or(form.Get("name"), labCookie), Value: form.Get("value")})
}

func (s *site) labCookieShow(w http.ResponseWriter, r *http.Request, try *labTry) error {
	c, err := s.labChrome(w, r, "cookie")
	if err != nil {
		return err
	}
	held, err := s.labKept(w, r)
	if err != nil {
		return err
	}
	p := labCookiePage{
		labChrome: c, Cookie: held.Cookie, Entries: labEntries(held.entries), Refused: held.Err, Secure: s.PublicURL.Scheme == "https",
		Tries: s.labTries(held), Name: labCookie, Value: held.Cookie.Value,
	}
	if at, ok := held.Cookie.Signed(); ok {
		p.Age = span(s.Now().Sub(at))
	}
	if try != nil {
		p.Name, p.Value = try.Name, try.Value
		p.Verdict = s.labVerdict(held.Cookie, try.Name, strings.TrimSpace(try.Value))
	}
	return s.show(w, http.StatusOK, "lab-cookie", p)
}

// labTries returns the buttons: the cookie with another role, with a date of a
// year ago, under another name, and as it is. The second alone is signed: it
// shows that age is refused too.
func (s *site) labTries(held labJar) []labTry {
	admin := held.Cookie.With(held.entries.Set("role", "admin"))
	old := s.Lab.Sign(labCookie, held.entries.String(), s.Now().Add(-365*24*time.Hour))
	return []labTry{
		{"Make me admin", labCookie, admin},
		{"Make it a year old", labCookie, old},
		{"Swap its name", s.sessionCookie(), held.Cookie.Value},
		{"Start over", labCookie, held.Cookie.Value},
	}
}
